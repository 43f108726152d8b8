//! `/chat`: a [`Session`] on a [`Socket`], in one task. Reads what the client says, writes what it is to be told, asks
//! whether it still lives, and gives up on who does not read.

use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::deflate::Contexts;
use crate::handshake::Terms;
use crate::limits::Limits;
use crate::protocol::{SUBPROTOCOL, ServerMessage, WireHandshake};
use crate::room::Event;
use crate::session::{Outgoing, Session};
use crate::socket::{Incoming, Socket};

/// While that much waits for the client to read, it is given no more, and not listened to.
const HIGH_WATER: usize = 64 << 10;
/// How many messages are read before others get their turn.
const BATCH: usize = 64;

pub(crate) fn terms(limits: &Limits, origins: std::sync::Arc<[String]>) -> Terms {
    Terms {
        subprotocol: Some(SUBPROTOCOL),
        deflate: Some(Contexts::Shared),
        // JSON writes a byte as up to six.
        max_message: limits.text * 6 + 1024,
        read_buffer: 256,
        origins,
    }
}

type Reason = Option<(CloseCode, String)>;

/// One connection.
struct Chat<'a> {
    socket: &'a mut Socket,
    session: &'a mut Session,
    shared: bool,
    wired: bool,
    /// When the client was last heard, and whether it has been pinged since.
    heard: Instant,
    pinged: bool,
    /// Since when it has not read what is written.
    stalled: Option<Instant>,
}

/// Serves one connection to its end, and holds `_open` until then. With `wire`, the client is also told of the
/// handshake and of each frame.
pub(crate) async fn serve(
    mut socket: Socket,
    mut session: Session,
    limits: Limits,
    wire: Option<WireHandshake>,
    _open: mpsc::Sender<()>,
) {
    let wired = wire.is_some();
    if let Some(handshake) = wire {
        socket.note();
        let (handshake, frames) = (Some(handshake), Vec::new());
        session.tell(&ServerMessage::Wire { handshake, frames });
    }
    let reason = {
        let mut chat = Chat {
            shared: socket.takes_shared(),
            socket: &mut socket,
            session: &mut session,
            wired,
            heard: Instant::now(),
            pinged: false,
            stalled: None,
        };
        let mut alarm = std::pin::pin!(sleep_until((chat.heard + limits.heartbeat).into()));
        std::future::poll_fn(|context| chat.poll(context, alarm.as_mut(), &limits)).await
    };
    // Others see at once that this one has gone, while it may still read our last words.
    drop(session);
    // Boxed: who is connected need not hold the memory for saying goodbye.
    Box::pin(socket.close(reason)).await;
}

impl Chat<'_> {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut alarm: std::pin::Pin<&mut Sleep>,
        limits: &Limits,
    ) -> Poll<Reason> {
        let was_stalled = self.stalled.is_some();
        for _ in 0..BATCH {
            let read = self.read(context);
            if let Poll::Ready(Some(reason)) = read {
                return Poll::Ready(reason);
            }
            if let Poll::Ready(reason) = self.write(context) {
                return Poll::Ready(reason);
            }
            if read.is_pending() {
                break;
            }
        }
        if self.stalled.is_some() != was_stalled {
            alarm.as_mut().reset(self.next_alarm(limits).into());
        }
        while alarm.as_mut().poll(context).is_ready() {
            if let Some(reason) = self.late(limits) {
                return Poll::Ready(Some(reason));
            }
            alarm.as_mut().reset(self.next_alarm(limits).into());
            if let Poll::Ready(reason) = self.write(context) {
                return Poll::Ready(reason);
            }
        }
        Poll::Pending
    }

    /// Reads what is there: ready if something was, with a reason if that was the last.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Option<Reason>> {
        let mut some = false;
        for _ in 0..BATCH {
            if self.socket.queued() > HIGH_WATER {
                break;
            }
            match self.socket.poll_next(context) {
                Poll::Pending => {
                    return if some {
                        Poll::Ready(None)
                    } else {
                        Poll::Pending
                    };
                }
                Poll::Ready(Incoming::End(said)) => {
                    let reason = said.map(|(code, reason)| (code, reason.to_owned()));
                    return Poll::Ready(Some(reason));
                }
                Poll::Ready(Incoming::Message(message)) => {
                    some = true;
                    (self.heard, self.pinged) = (Instant::now(), false);
                    match message {
                        Message::Text(text) => self.session.handle_text(&text),
                        Message::Binary(_) => {
                            self.session
                                .close(CloseCode::Unsupported, "only text is spoken here");
                        }
                        _ => {}
                    }
                }
            }
        }
        if some {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    /// Writes what there is to tell, until the client stops reading.
    fn write(&mut self, context: &mut Context<'_>) -> Poll<Reason> {
        loop {
            if self.socket.queued() <= HIGH_WATER {
                let (socket, shared) = (&mut *self.socket, self.shared);
                let given = self.session.poll_give(context, |event| {
                    socket.queue(event.frame(shared));
                    socket.queued() <= HIGH_WATER
                });
                if let Poll::Ready(Outgoing::Close(code, reason)) = given {
                    return Poll::Ready(Some((code, reason)));
                }
            }
            self.tell_frames();
            if self.socket.queued() == 0 {
                self.stalled = None;
                return Poll::Pending;
            }
            let before = self.socket.queued();
            match self.socket.poll_drain(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Pending => {
                    // Slowly is not stalled: who goes on too slowly skips.
                    if self.socket.queued() < before || self.stalled.is_none() {
                        self.stalled = Some(Instant::now());
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    fn tell_frames(&mut self) {
        if !self.wired {
            return;
        }
        let frames = self.socket.take_notes();
        if !frames.is_empty() {
            let handshake = None;
            let event = Event::new(&ServerMessage::Wire { handshake, frames });
            self.socket.queue_unnoted(event.frame(false));
        }
    }

    fn next_alarm(&self, limits: &Limits) -> Instant {
        let silent = self.heard + limits.heartbeat * if self.pinged { 2 } else { 1 };
        match self.stalled {
            Some(since) => silent.min(since + limits.stalled),
            None => silent,
        }
    }

    /// Something is overdue: a ping, or the end.
    fn late(&mut self, limits: &Limits) -> Reason {
        let now = Instant::now();
        if self
            .stalled
            .is_some_and(|since| now >= since + limits.stalled)
        {
            let reason = "you read too slowly; resume with the last seq";
            return Some((CloseCode::Again, reason.to_owned()));
        }
        if now >= self.heard + limits.heartbeat * 2 && self.pinged {
            return Some((CloseCode::Policy, "no answer to a ping".to_owned()));
        }
        if now >= self.heard + limits.heartbeat && !self.pinged {
            if !self.session.is_known() {
                let reason = "say hello first";
                return Some((CloseCode::Policy, reason.to_owned()));
            }
            self.socket.ping();
            self.pinged = true;
        }
        None
    }
}
