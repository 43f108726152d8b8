//! The client's side of an exchange: bytes in (head, body, whatever is pipelined behind), bytes
//! out.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::time::timeout;

use super::ConnectionInfo;
use crate::fault::{Blame, Fault};
use crate::http1::framing::Piece;
use crate::http1::{Body, Buffer, Stream};

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) info: Rc<ConnectionInfo>,
    pub(crate) stream: Stream,
    pub(crate) buffer: Buffer,
    /// What has yet to be written.
    pub(crate) out: Vec<u8>,
    /// Of the request being served.
    pub(crate) body: Body,
    /// Payload bytes of that body, for `client_max_body_size`.
    pub(crate) body_read: u64,
    /// `100 Continue` is owed before the body can be read.
    pub(crate) owes_continue: bool,
    pub(crate) requests: u64,
    /// A head in place of one that the client would have sent, had it known of us.
    pub(crate) stand_in: Option<Box<[u8]>>,
    /// The next request is here already.
    pub(crate) pipelined: bool,
}

/// The client went away, or takes nothing any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    #[error("client closed connection ({0})")]
    Closed(#[from] io::Error),
    #[error("client timed out")]
    TimedOut,
}

impl Client {
    pub(crate) fn new(stream: Stream, info: Rc<ConnectionInfo>) -> Self {
        Self {
            info,
            stream,
            buffer: Buffer::default(),
            out: Vec::new(),
            body: Body::Done,
            body_read: 0,
            owes_continue: false,
            requests: 0,
            stand_in: None,
            pipelined: false,
        }
    }

    /// Drops what has come of a body that nobody wants, without waiting for the rest.
    pub(crate) fn skip_arrived_body(&mut self) -> Result<(), Fault> {
        loop {
            let piece = self.body.next(self.buffer.filled());
            match piece.map_err(|why| Fault::bad_request(format!("client {why}")))? {
                Piece::Data { skip, length } => {
                    self.body_read += length as u64;
                    self.buffer.consume(skip + length);
                }
                Piece::End { skip } | Piece::More { skip } => {
                    self.buffer.consume(skip);
                    return Ok(());
                }
            }
        }
    }

    /// Tells a client that waits for it to go on with its body (RFC 9110 section 10.1.1).
    pub(crate) async fn pay_continue(&mut self, time: Duration) -> Result<(), Gone> {
        if std::mem::take(&mut self.owes_continue) && self.buffer.is_empty() {
            self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.flush(time).await?;
        }
        Ok(())
    }

    /// Waits for data of the body at the front of `buffer`; answers its length, `None` at the end.
    pub(crate) async fn body_data(
        &mut self,
        limit: u64,
        time: Duration,
    ) -> Result<Option<usize>, Fault> {
        let waited = timeout(time, poll_fn(|cx| self.poll_body_data(limit, cx)));
        waited.await.unwrap_or_else(|_| {
            Err(Fault {
                closes: true,
                ..Fault::new(
                    408,
                    Blame::Client,
                    "client timed out while sending its body",
                )
            })
        })
    }

    /// As `body_data`, without waiting.
    pub(crate) fn poll_body_data(
        &mut self,
        limit: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<usize>, Fault>> {
        loop {
            let piece = self.body.next(self.buffer.filled());
            match piece.map_err(|why| Fault::bad_request(format!("client {why}")))? {
                Piece::Data { skip, length } => {
                    self.buffer.consume(skip);
                    self.body_read += length as u64;
                    if limit > 0 && self.body_read > limit {
                        let why =
                            format!("client intended to send too large body: over {limit} bytes");
                        return Poll::Ready(Err(Fault {
                            closes: true,
                            ..Fault::new(413, Blame::Client, why)
                        }));
                    }
                    return Poll::Ready(Ok(Some(length)));
                }
                Piece::End { skip } => {
                    self.buffer.consume(skip);
                    return Poll::Ready(Ok(None));
                }
                Piece::More { skip } => {
                    self.buffer.consume(skip);
                    let read = ready!(self.buffer.poll_fill(&mut self.stream, cx));
                    match read {
                        Ok(0) => {
                            let why = "client prematurely closed connection";
                            return Poll::Ready(Err(Fault {
                                status: 400,
                                ..Fault::client_closed(why)
                            }));
                        }
                        Ok(_) => {}
                        Err(why) => return Poll::Ready(Err(Fault::client_closed(why.to_string()))),
                    }
                }
            }
        }
    }

    /// Ready when the client has closed its side. Bytes that come instead are kept: the next
    /// request may be among them.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.buffer.is_empty() {
            return Poll::Pending;
        }
        match ready!(self.buffer.poll_fill(&mut self.stream, cx)) {
            Ok(0) | Err(_) => Poll::Ready(()),
            Ok(_) => Poll::Pending,
        }
    }

    /// Writes all of `out`; each piece may take `time`.
    pub(crate) async fn flush(&mut self, time: Duration) -> Result<(), Gone> {
        let mut written = 0;
        while written < self.out.len() {
            let write =
                poll_fn(|cx| Pin::new(&mut self.stream).poll_write(cx, &self.out[written..]));
            match timeout(time, write).await {
                Ok(Ok(0)) => return Err(Gone::Closed(io::ErrorKind::WriteZero.into())),
                Ok(Ok(count)) => written += count,
                Ok(Err(why)) => return Err(Gone::Closed(why)),
                Err(_) => return Err(Gone::TimedOut),
            }
        }
        self.out.clear();
        Ok(())
    }
}
