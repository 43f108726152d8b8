//! The bytes inside a TLS connection, of a client or a peer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http1::Stream;

#[derive(Debug)]
pub(crate) struct TlsStream {
    inner: tokio_rustls::TlsStream<Stream>,
    /// Bytes that are encrypted, but not yet written to the socket.
    accepted: usize,
}

impl TlsStream {
    pub(crate) fn new(inner: impl Into<tokio_rustls::TlsStream<Stream>>) -> Self {
        Self {
            inner: inner.into(),
            accepted: 0,
        }
    }

    fn holds_plaintext(&self) -> bool {
        let (_, session) = self.inner.get_ref();
        !session.wants_read()
    }

    /// Waits until something can be read: decrypted already, or on the socket.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.holds_plaintext() {
            return Ok(());
        }
        self.inner.get_ref().0.socket_readable().await
    }

    /// Whether the other side has sent data or closed. Its session tickets are neither.
    pub(crate) fn looks_readable(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut byte = [0];
        let mut room = ReadBuf::new(&mut byte);
        self.holds_plaintext()
            || Pin::new(&mut self.inner)
                .poll_read(&mut cx, &mut room)
                .is_ready()
    }

    /// A close without the alert that should announce it is a close, as nginx sees it: bodies
    /// that need an end to be trusted bring a length.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.inner).poll_read(cx, buf)) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }

    /// Ready only when the socket has all of it, so nobody has to flush. After `Pending` the
    /// caller comes again with the same bytes, as with OpenSSL.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.accepted == 0 {
            self.accepted = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        }
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.accepted)))
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
