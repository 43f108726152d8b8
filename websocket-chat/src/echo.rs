//! `/echo`: sends every message back. On the same code as the chat, it is what conformance suites talk to.

use std::task::Poll;

use tokio_tungstenite::tungstenite::Message;

use crate::deflate::Contexts;
use crate::handshake::Terms;
use crate::mailbox::Mailbox;
use crate::socket::{Incoming, Socket};

/// While that much waits for the client to read, nothing more is read from it.
const HIGH_WATER: usize = 1 << 20;

pub(crate) fn terms(origins: std::sync::Arc<[String]>) -> Terms {
    Terms {
        subprotocol: None,
        deflate: Some(Contexts::Kept),
        max_message: 16 << 20,
        read_buffer: 16 << 10,
        origins,
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(mut socket: Socket, mailbox: &Mailbox) {
    let reason = std::future::poll_fn(|context| {
        mailbox.register(context.waker());
        if let Some(close) = mailbox.closing() {
            return Poll::Ready(Some(close));
        }
        loop {
            let drained = socket.poll_drain(context);
            if matches!(drained, Poll::Ready(Err(_))) {
                return Poll::Ready(None);
            }
            if socket.queued() > HIGH_WATER {
                return Poll::Pending;
            }
            match socket.poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Incoming::End(said)) => {
                    return Poll::Ready(said.map(|(code, reason)| (code, reason.to_owned())));
                }
                Poll::Ready(Incoming::Message(message)) => {
                    if matches!(message, Message::Text(_) | Message::Binary(_)) {
                        socket.queue_message(&message);
                    }
                }
            }
        }
    });
    let reason = reason.await;
    socket.close(reason).await;
}
