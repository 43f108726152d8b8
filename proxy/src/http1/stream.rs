//! A byte stream to a client or a peer: TCP or a Unix-domain socket, and TLS over either.

use std::io;
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::tls::TlsStream;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Takes everything and says nothing: the client of a request of our own.
    Nowhere,
    /// A stream of an HTTP/2 connection, as HTTP/1.
    Inside(DuplexStream),
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
            Self::Nowhere | Self::Inside(_) => false,
            Self::Tls(stream) => stream.looks_readable(),
        }
    }

    /// Lets the system ask a silent other side from time to time whether it is still there.
    pub(crate) fn keep_alive(&self) {
        if let Self::Tcp(stream) = self {
            // A socket that is gone already will say so when it is used.
            let _ = socket2::SockRef::from(stream).set_keepalive(true);
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Nowhere | Self::Inside(_) => std::future::pending().await,
            Self::Tls(stream) => stream.readable().await,
        }
    }

    /// As `readable`, for the stream below TLS.
    pub(crate) async fn socket_readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Nowhere | Self::Inside(_) => std::future::pending().await,
            Self::Tls(_) => Ok(()),
        }
    }

    /// Waits for bytes and looks at them, without taking them. Only a socket can be looked into.
    pub(crate) async fn peek(&self, ahead: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(ahead).await,
            Self::Unix(stream) => loop {
                stream.readable().await?;
                let looked = stream.try_io(Interest::READABLE, || {
                    Ok(recv(stream.as_raw_fd(), ahead, MsgFlags::MSG_PEEK)?)
                });
                match looked {
                    Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                    looked => return looked,
                }
            },
            Self::Nowhere | Self::Inside(_) | Self::Tls(_) => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }

    /// Whether the first byte that comes begins a request in plain text, where TLS is expected.
    pub(crate) async fn starts_like_http(&self) -> bool {
        let mut first = [0];
        let peeked = self.peek(&mut first).await;
        peeked.is_ok_and(|count| count == 1) && first[0] & 0x80 == 0 && first[0] != 0x16
    }

    /// Whether the first bytes that come begin HTTP/2 in plain text. ("PRI" is no method of HTTP/1.)
    pub(crate) async fn starts_like_http2(&self) -> bool {
        let mut first = [0; PREFACE.len()];
        let peeked = self.peek(&mut first).await;
        peeked.is_ok_and(|count| count >= 3 && PREFACE.starts_with(&first[..count]))
    }
}

/// What every HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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
            Self::Inside(stream) => Pin::new(stream).poll_read(cx, buf),
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
            Self::Inside(stream) => Pin::new(stream).poll_write(cx, buf),
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
            Self::Inside(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => stream.poll_shutdown(cx),
        }
    }
}
