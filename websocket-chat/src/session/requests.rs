//! What a client may ask for: each request is checked, followed at once and answered, or refused with a reason.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Membership, Place, Refused, Session, Who};
use crate::draft::{Draft, short_hash};
use crate::hub::now;
use crate::protocol::{ClientMessage, ErrorCode, ServerMessage};
use crate::room::{Event, Kept, Room};

/// The longest name of somebody, of a room, of a message; in bytes.
const NAME: usize = 64;
/// What a `history` answer holds at most.
const HISTORY_EVENTS: usize = 100;
const HISTORY_BYTES: usize = 256 << 10;
const TYPING: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn follow(&mut self, message: ClientMessage) -> Result<(), Refused> {
        match message {
            ClientMessage::Hello { name, session } => self.hello(name, session),
            ClientMessage::Join { room, epoch, after } => self.join(&room, epoch.zip(after)),
            ClientMessage::Leave { room } => self.leave(room),
            ClientMessage::Say { room, id, text } => self.say(&room, id, text, None),
            ClientMessage::Edit {
                room,
                id,
                target,
                text,
            } => self.say(&room, id, text, Some(target)),
            ClientMessage::Private { to, id, text } => self.private(to, id, text),
            ClientMessage::Typing { room } => self.typing(&room),
            ClientMessage::History {
                room,
                after,
                before,
            } => self.history(&room, after, before),
            ClientMessage::Ping { at } => {
                self.tell(&ServerMessage::Pong { at });
                Ok(())
            }
        }
    }

    fn hello(&mut self, name: String, session: Option<String>) -> Result<(), Refused> {
        if self.who.is_some() {
            return Err(refused(ErrorCode::Hello, "you have said hello"));
        }
        check_name(&name, "name")?;
        let session = match session {
            Some(session) => {
                check_name(&session, "session")?;
                session
            }
            None => new_session(),
        };
        if !self.hub.claim(&name, &session, &self.connection.mailbox) {
            return Err((ErrorCode::Taken, format!("somebody else is {name}")));
        }
        let author = short_hash(&[session.as_bytes()]);
        let (heartbeat, max_text) = (self.hub.limits().heartbeat, self.hub.limits().text);
        self.tell(&ServerMessage::Welcome {
            name: name.clone(),
            session,
            heartbeat_ms: u64::try_from(heartbeat.as_millis()).unwrap_or(u64::MAX),
            max_text,
        });
        self.who = Some(Who { name, author });
        Ok(())
    }

    fn who(&self) -> Result<&Who, Refused> {
        self.who
            .as_ref()
            .ok_or_else(|| refused(ErrorCode::Hello, "say hello first"))
    }

    fn join(&mut self, name: &str, resume: Option<(String, u64)>) -> Result<(), Refused> {
        let who = self.who()?;
        check_name(name, "room")?;
        if self.rooms.iter().any(|member| member.room.name == name) {
            return Err(refused(ErrorCode::Full, "you are in that room"));
        }
        let limits = self.hub.limits();
        if self.rooms.len() >= limits.rooms_each {
            let reason = format!("at most {} rooms at once", limits.rooms_each);
            return Err((ErrorCode::Full, reason));
        }
        let room = self.hub.room(name);
        let room = room.ok_or_else(|| refused(ErrorCode::Full, "there are too many rooms"))?;
        if !room.enter(&self.connection.mailbox, &who.name, limits.members) {
            return Err(refused(ErrorCode::Full, "the room is full"));
        }
        // Most are in one room.
        self.rooms.reserve_exact(1);
        self.rooms.push(Membership {
            room,
            place: Place::Waiting(resume),
        });
        self.settle();
        Ok(())
    }

    fn leave(&mut self, name: String) -> Result<(), Refused> {
        let index = self
            .rooms
            .iter()
            .position(|member| member.room.name == name);
        let index =
            index.ok_or_else(|| refused(ErrorCode::NotFound, "you are not in that room"))?;
        let member = self.rooms.swap_remove(index);
        if let Some(who) = &self.who {
            member.room.leave(&self.connection.mailbox, &who.name);
        }
        self.tell(&ServerMessage::Left { room: name });
        Ok(())
    }

    fn room(&self, name: &str) -> Result<&Arc<Room>, Refused> {
        let member = self.rooms.iter().find(|member| member.room.name == name);
        member
            .map(|member| &member.room)
            .ok_or_else(|| refused(ErrorCode::NotFound, "you are not in that room"))
    }

    fn say(
        &mut self,
        room: &str,
        id: String,
        text: String,
        target: Option<u64>,
    ) -> Result<(), Refused> {
        let who = self.who()?;
        check_name(&id, "id")?;
        self.check_text(&text)?;
        let room = self.room(room)?;
        let draft = Draft {
            from: who.name.clone(),
            author: who.author,
            id,
            text,
            at: now(),
            target,
        };
        match self.hub.keep(room, &draft, &self.connection.mailbox) {
            None => Ok(()),
            Some(Kept::As(seq)) => {
                let (id, room) = (draft.id, Some(room.name.clone()));
                let seq = Some(seq);
                self.tell(&ServerMessage::Ack { id, room, seq });
                Ok(())
            }
            Some(Kept::NotTheirs) => {
                Err(refused(ErrorCode::NotFound, "no message of yours is there"))
            }
            Some(Kept::Busy) => Err(refused(ErrorCode::Unavailable, "too much waits to be kept")),
        }
    }

    fn private(&mut self, to: String, id: String, text: String) -> Result<(), Refused> {
        let who = self.who()?;
        check_name(&id, "id")?;
        self.check_text(&text)?;
        let message = ServerMessage::Private {
            from: who.name.clone(),
            to,
            text,
            id,
            at: now(),
        };
        let ServerMessage::Private { to, id, .. } = &message else {
            return Ok(());
        };
        if !self.hub.tell(to, &Event::new(&message)) {
            return Err((ErrorCode::Nobody, format!("{to} is not here")));
        }
        let (id, room, seq) = (id.clone(), None, None);
        self.tell(&ServerMessage::Ack { id, room, seq });
        Ok(())
    }

    fn typing(&mut self, room: &str) -> Result<(), Refused> {
        let name = self.who()?.name.clone();
        let room = Arc::clone(self.room(room)?);
        let now = Instant::now();
        if self
            .typed
            .is_none_or(|last| now.duration_since(last) >= TYPING)
        {
            self.typed = Some(now);
            room.pass(&ServerMessage::Typing {
                room: room.name.clone(),
                name,
            });
        }
        Ok(())
    }

    fn history(&mut self, room: &str, after: u64, before: Option<u64>) -> Result<(), Refused> {
        let room = self.room(room)?;
        let before = before.unwrap_or(u64::MAX);
        let history = room.history(after, before, HISTORY_EVENTS, HISTORY_BYTES);
        self.tell_event(history);
        Ok(())
    }

    fn check_text(&self, text: &str) -> Result<(), Refused> {
        let most = self.hub.limits().text;
        if text.is_empty() || text.len() > most {
            let reason = format!("a text has 1 to {most} bytes");
            return Err((ErrorCode::Text, reason));
        }
        Ok(())
    }
}

/// The client's own name for what it said.
pub(super) fn id_of(message: &ClientMessage) -> Option<String> {
    match message {
        ClientMessage::Say { id, .. }
        | ClientMessage::Edit { id, .. }
        | ClientMessage::Private { id, .. } => Some(id.chars().take(NAME).collect()),
        _ => None,
    }
}

fn refused(code: ErrorCode, reason: &str) -> Refused {
    (code, reason.to_owned())
}

/// Names are shown to others, so they are short and have no control characters.
fn check_name(name: &str, what: &str) -> Result<(), Refused> {
    let good = !name.is_empty()
        && name.len() <= NAME
        && name.trim() == name
        && !name.chars().any(char::is_control);
    good.then_some(()).ok_or_else(|| {
        let reason = format!("a {what} has 1 to {NAME} bytes, without control characters");
        (ErrorCode::Name, reason)
    })
}

/// 122 random bits: nobody guesses another's.
fn new_session() -> String {
    Uuid::new_v4().simple().to_string()
}
