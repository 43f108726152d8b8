//! One connection's part in the chat, whatever it came over: takes what its client says, and hands out what the client
//! is to be told, in each room's order.

mod requests;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::hub::{Connection, Hub};
use crate::limits::Rate;
use crate::protocol::{ClientMessage, ErrorCode, ServerMessage};
use crate::room::{Cursor, Event, Room};

/// Whoever goes on while being refused is closed.
const REFUSALS: u32 = 200;
/// Who has skipped that often in [`PATIENCE`] is closed.
const SKIPS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// A member, or one who has not said `hello` yet.
#[derive(Debug)]
pub(crate) struct Session {
    hub: Hub,
    connection: Connection,
    who: Option<Who>,
    rooms: Vec<Membership>,
    rate: Rate,
    refusals: u32,
    /// How often it has skipped since when.
    skips: (u32, Instant),
    typed: Option<Instant>,
}

#[derive(Debug)]
struct Who {
    name: String,
    author: u64,
}

#[derive(Debug)]
struct Membership {
    room: Arc<Room>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    At(Cursor),
    /// Waits for the room's past, to go on behind that number of that epoch.
    Waiting(Option<(String, u64)>),
}

/// What a transport has to do next.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Event(Arc<Event>),
    Close(CloseCode, String),
}

/// Why something was refused.
type Refused = (ErrorCode, String);

impl Session {
    pub(crate) fn new(hub: Hub, connection: Connection) -> Self {
        let start = Instant::now();
        Self {
            rate: Rate::new(hub.limits().messages_per_second, start),
            hub,
            connection,
            who: None,
            rooms: Vec::new(),
            refusals: 0,
            skips: (0, start),
            typed: None,
        }
    }

    /// True once the client has said who it is.
    pub(crate) fn is_known(&self) -> bool {
        self.who.is_some()
    }

    /// Ends the connection, as soon as the transport asks what is next.
    pub(crate) fn close(&self, code: CloseCode, reason: &str) {
        self.connection.mailbox.close(code, reason);
    }

    /// Tells the client alone.
    pub(crate) fn tell(&self, message: &ServerMessage) {
        self.tell_event(Event::new(message));
    }

    fn tell_event(&self, event: Arc<Event>) {
        if !self.connection.mailbox.leave(event) {
            self.close(CloseCode::Again, "too many answers wait to be read");
        }
    }

    /// Takes a message as it is on the wire.
    pub(crate) fn handle_text(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(message) => self.handle(message),
            Err(error) => self.refuse((ErrorCode::Malformed, error.to_string()), None),
        }
    }

    /// Takes what the client says. Never waits: answers are there when the transport asks for them.
    pub(crate) fn handle(&mut self, message: ClientMessage) {
        if !self.rate.take(Instant::now()) {
            let most = self.hub.limits().messages_per_second;
            let reason = format!("at most {most} messages a second");
            return self.refuse((ErrorCode::Rate, reason), requests::id_of(&message));
        }
        let id = requests::id_of(&message);
        if let Err(refused) = self.follow(message) {
            self.refuse(refused, id);
        }
    }

    fn refuse(&mut self, (code, reason): Refused, id: Option<String>) {
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return self.close(CloseCode::Policy, "too many refused messages");
        }
        self.tell(&ServerMessage::Error { code, reason, id });
    }

    /// Gives each waiting membership its place, where the room's past is there.
    fn settle(&mut self) {
        let mailbox = &self.connection.mailbox;
        for member in &mut self.rooms {
            if let Place::Waiting(resume) = &member.place {
                let resume = resume.as_ref().map(|(epoch, after)| (&**epoch, *after));
                if let Some((cursor, joined)) = member.room.join(resume) {
                    member.place = Place::At(cursor);
                    mailbox.leave(joined);
                }
            }
        }
    }

    /// Hands out what the client is to be told, until `give` returns false or there is no more. The task of `context`
    /// is woken when there is something new.
    pub(crate) fn poll_give(
        &mut self,
        context: &Context<'_>,
        mut give: impl FnMut(&Arc<Event>) -> bool,
    ) -> Poll<Outgoing> {
        let mailbox = Arc::clone(&self.connection.mailbox);
        mailbox.register(context.waker());
        // Whatever there is to give has been announced.
        if !mailbox.take_news() {
            return Poll::Pending;
        }
        if let Some((code, reason)) = mailbox.closing() {
            return Poll::Ready(Outgoing::Close(code, reason));
        }
        self.settle();
        while let Some(event) = mailbox.take() {
            if !give(&event) {
                mailbox.wake();
                return Poll::Pending;
            }
        }
        let mut full = false;
        for member in &mut self.rooms {
            if let Place::At(cursor) = &mut member.place {
                let skipped = member.room.read(cursor, |event| {
                    full = !give(event);
                    !full
                });
                if skipped {
                    count_skip(&mut self.skips, &mailbox);
                }
            }
            if full {
                mailbox.wake();
                break;
            }
        }
        Poll::Pending
    }

    /// The next thing to do, one at a time.
    pub(crate) async fn next(&mut self) -> Outgoing {
        std::future::poll_fn(|context| {
            let mut found = None;
            let closing = self.poll_give(context, |event| {
                found = Some(Arc::clone(event));
                false
            });
            match (closing, found) {
                (Poll::Ready(close), _) => Poll::Ready(close),
                (_, Some(event)) => Poll::Ready(Outgoing::Event(event)),
                _ => Poll::Pending,
            }
        })
        .await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(who) = &self.who {
            for member in &self.rooms {
                member.room.leave(&self.connection.mailbox, &who.name);
            }
            self.hub.release(&who.name, &self.connection.mailbox);
        }
    }
}

/// The client was too slow once more.
fn count_skip((count, since): &mut (u32, Instant), mailbox: &crate::mailbox::Mailbox) {
    if since.elapsed() > PATIENCE {
        (*count, *since) = (0, Instant::now());
    }
    *count += 1;
    if *count >= SKIPS {
        mailbox.close(
            CloseCode::Again,
            "you read too slowly; resume with the last seq",
        );
    }
}
