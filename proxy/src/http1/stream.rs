//! A byte stream to a client or a peer: TCP or a Unix-domain socket, and TLS over either.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::tls::TlsStream;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Takes everything and says nothing: the client of a request of our own.
    Nowhere,
    /// Boxed, so that a connection without TLS pays nothing for it.
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Whether the other side has sent something, or closed, as far as the event loop knows.
    /// Costs no system call, and waits for nothing.
    pub(crate) fn looks_readable(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(&mut cx).is_ready(),
            // A Unix stream has no such question without a waker: try to read nothing instead.
            Self::Unix(stream) => !matches!(
                stream.try_read(&mut [0; 1]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock
            ),
            Self::Nowhere => false,
            Self::Tls(stream) => stream.looks_readable(),
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Nowhere => std::future::pending().await,
            Self::Tls(stream) => stream.readable().await,
        }
    }

    /// As `readable`, for the stream below TLS.
    pub(crate) async fn socket_readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Nowhere => std::future::pending().await,
            Self::Tls(_) => Ok(()),
        }
    }

    /// Whether the first byte that comes begins a request in plain text, where TLS is expected.
    /// (A Unix-domain socket can't be looked into.)
    pub(crate) async fn starts_like_http(&self) -> bool {
        let mut first = [0];
        match self {
            Self::Tcp(stream) => {
                let peeked = stream.peek(&mut first).await;
                peeked.is_ok_and(|count| count == 1) && first[0] & 0x80 == 0 && first[0] != 0x16
            }
            Self::Unix(_) | Self::Nowhere | Self::Tls(_) => false,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Nowhere => Poll::Pending,
            Self::Tls(stream) => stream.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Nowhere => Poll::Ready(Ok(buf.len())),
            Self::Tls(stream) => stream.poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Nowhere => Poll::Ready(Ok(())),
            Self::Tls(stream) => stream.poll_shutdown(cx),
        }
    }
}
