//! A WebSocket on the server's side: tungstenite's protocol (fragments, pings, the closing handshake) above our
//! [`Wire`]. Messages come in through [`Socket::poll_next`]; finished frames go out through [`Socket::queue`], and an
//! error is told to the client with the close code that the standard has for it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::deflate::{Agreement, Deflater};
use crate::protocol::WireFrame;
use crate::wire::frame::{self, BINARY, PING, TEXT};
use crate::wire::{Failure, Wire};

/// How long a client may take to read what is written; who was slow before needs it to learn the reason.
const READ: Duration = Duration::from_secs(30);
/// How long it may take to answer our close.
const ANSWER: Duration = Duration::from_secs(5);

/// An open connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Box<WebSocketStream<Wire<TcpStream>>>,
    agreement: Option<Agreement>,
    deflater: Option<Box<Deflater>>,
    /// More may have been read than was handed out.
    unread: bool,
}

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Message),
    /// No more will come; the code and reason are for the client, if it should hear one.
    End(Option<(CloseCode, &'static str)>),
}

impl Socket {
    pub(crate) async fn new(
        wire: Wire<TcpStream>,
        agreement: Option<Agreement>,
        limit: usize,
        read_buffer: usize,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(read_buffer)
            .write_buffer_size(0)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let stream = WebSocketStream::from_raw_socket(wire, Role::Server, Some(config)).await;
        Self {
            stream: Box::new(stream),
            agreement,
            deflater: None,
            unread: true,
        }
    }

    /// From now on, notes each frame.
    pub(crate) fn note(&mut self) {
        self.stream.get_mut().note();
    }

    pub(crate) fn take_notes(&mut self) -> Vec<WireFrame> {
        self.stream.get_mut().take_notes()
    }

    /// True if the client takes what was compressed for many.
    pub(crate) fn takes_shared(&self) -> bool {
        self.agreement
            .is_some_and(|agreement| agreement.takes_shared())
    }

    /// How many bytes wait for the client to read.
    pub(crate) fn queued(&self) -> usize {
        self.stream.get_ref().queued()
    }

    /// Queues a finished frame.
    pub(crate) fn queue(&mut self, frame: Bytes) {
        self.stream.get_mut().queue(frame);
    }

    /// Queues a frame that tells of frames.
    pub(crate) fn queue_unnoted(&mut self, frame: Bytes) {
        self.stream.get_mut().queue_unnoted(frame);
    }

    /// Queues a message for this client alone, compressed with the memory that was agreed on.
    pub(crate) fn queue_message(&mut self, message: &Message) {
        let opcode = if message.is_text() { TEXT } else { BINARY };
        let payload = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            _ => return,
        };
        let frame = match self.agreement {
            Some(agreement) if !payload.is_empty() => {
                let keeps = !agreement.server_no_context_takeover;
                let bits = agreement.server_max_window_bits;
                let deflater = self
                    .deflater
                    .get_or_insert_with(|| Box::new(Deflater::new(bits, keeps)));
                frame::message(opcode, true, &deflater.message(payload))
            }
            _ => frame::message(opcode, false, payload),
        };
        self.queue(frame);
    }

    /// Asks the client whether it is still there.
    pub(crate) fn ping(&mut self) {
        self.queue(frame::message(PING, false, &[]));
    }

    /// Writes what is queued; ready when nothing is left.
    pub(crate) fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.get_mut().poll_drain(context)
    }

    /// The next message. Pings are answered below, but shown, as a sign of life.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        // A member of a large room is mostly woken to write: then the long way through tungstenite finds nothing.
        if !self.unread && self.stream.get_ref().poll_readable(context).is_pending() {
            return Poll::Pending;
        }
        let next = Pin::new(&mut *self.stream).poll_next(context);
        self.unread = next.is_ready();
        next.map(|next| match next {
            Some(Ok(message)) => Incoming::Message(message),
            Some(Err(error)) => Incoming::End(self.last_words(&error)),
            None => Incoming::End(None),
        })
    }

    /// What a client is told that broke the rules; nothing, if it is gone or has closed properly.
    fn last_words(&self, error: &Error) -> Option<(CloseCode, &'static str)> {
        match (self.stream.get_ref().failure(), error) {
            (Some(Failure::Payload), _) | (_, Error::Utf8(_)) => {
                Some((CloseCode::Invalid, "not UTF-8, or not deflate"))
            }
            (Some(Failure::TooBig), _) | (_, Error::Capacity(_)) => {
                Some((CloseCode::Size, "the message is too big"))
            }
            (None, Error::Protocol(error)) => {
                tracing::debug!(%error, "the client broke the protocol");
                Some((CloseCode::Protocol, "not the WebSocket protocol"))
            }
            _ => None,
        }
    }

    /// Ends the connection: says why if there is something to say, waits a moment for the client to answer.
    pub(crate) async fn close(mut self, reason: Option<(CloseCode, String)>) {
        let said = reason.is_some();
        if let Some((code, reason)) = reason {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            // Fails only if the client is gone, which the waiting below finds out.
            let _ = Pin::new(&mut *self.stream).start_send(Message::Close(Some(frame)));
        }
        let written = std::future::poll_fn(|context| self.poll_drain(context));
        if !matches!(timeout(READ, written).await, Ok(Ok(()))) {
            return;
        }
        let _ = timeout(ANSWER, async {
            if said {
                std::future::poll_fn(|context| self.poll_end(context)).await;
                std::future::poll_fn(|context| self.poll_drain(context)).await?;
            }
            self.stream.get_mut().discard().await
        })
        .await;
    }

    /// Ready when the client has answered our close, or can't any more.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.poll_next(context) {
                Poll::Ready(Incoming::Message(_)) => {}
                Poll::Ready(Incoming::End(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
