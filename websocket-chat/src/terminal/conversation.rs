//! What the terminal client knows: who it is, what it has seen, what it has said that nobody has confirmed. Decides
//! what to say and what to show; knows nothing of sockets. After a cut the same conversation goes on: it asks for what
//! it missed and repeats what was not acknowledged, under the same ids, so that nothing is lost and nothing is twice.

use std::collections::VecDeque;

use crate::protocol::{ClientMessage, ErrorCode, ServerMessage};

/// Something for the person at the terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// What somebody said: goes to standard output.
    Line(String),
    /// What happened: goes to standard error.
    Notice(String),
}

/// What follows from a server's message.
#[derive(Debug, Default)]
pub(super) struct Reaction {
    pub(super) say: Vec<ClientMessage>,
    pub(super) show: Vec<Shown>,
    /// There is no point in trying again.
    pub(super) give_up: Option<String>,
}

#[derive(Debug)]
pub(super) struct Conversation {
    name: String,
    room: String,
    session: Option<String>,
    epoch: Option<String>,
    seen: u64,
    /// The number of the last of one's own words.
    kept: u64,
    said: u64,
    unconfirmed: VecDeque<ClientMessage>,
    inside: bool,
}

impl Conversation {
    pub(super) fn new(room: String, name: String) -> Self {
        Self {
            name,
            room,
            session: None,
            epoch: None,
            seen: 0,
            kept: 0,
            said: 0,
            unconfirmed: VecDeque::new(),
            inside: false,
        }
    }

    /// The first words on each connection.
    pub(super) fn hello(&mut self) -> ClientMessage {
        self.inside = false;
        ClientMessage::Hello {
            name: self.name.clone(),
            session: self.session.clone(),
        }
    }

    /// Everything said has its number, so it can't be lost any more, and was seen in its place.
    pub(super) fn is_confirmed(&self) -> bool {
        self.inside && self.unconfirmed.is_empty() && self.seen >= self.kept
    }

    /// How much has been said that is not confirmed.
    pub(super) fn waiting(&self) -> usize {
        self.unconfirmed.len()
    }

    /// What the person said; None while it can't be sent, in which case it goes out with the next `joined`.
    pub(super) fn say(&mut self, text: String) -> Option<ClientMessage> {
        let (room, id) = (self.room.clone(), self.next_id());
        self.remember(ClientMessage::Say { room, id, text })
    }

    pub(super) fn tell(&mut self, to: String, text: String) -> Option<ClientMessage> {
        let id = self.next_id();
        self.remember(ClientMessage::Private { to, id, text })
    }

    fn next_id(&mut self) -> String {
        self.said += 1;
        format!("t{}", self.said)
    }

    fn remember(&mut self, message: ClientMessage) -> Option<ClientMessage> {
        self.unconfirmed.push_back(message.clone());
        self.inside.then_some(message)
    }

    pub(super) fn hear(&mut self, message: ServerMessage) -> Reaction {
        let mut reaction = Reaction::default();
        match message {
            ServerMessage::Welcome { session, .. } => {
                self.session = Some(session);
                reaction.say.push(self.join());
            }
            ServerMessage::Joined {
                epoch,
                recovered,
                members,
                ..
            } => reaction = self.joined(epoch, recovered, &members),
            ServerMessage::History { events, .. } => {
                for event in events {
                    reaction.show.extend(self.event(event));
                }
            }
            event @ (ServerMessage::Message { .. } | ServerMessage::Edited { .. }) => {
                reaction.show.extend(self.event(event));
            }
            ServerMessage::Ack { id, seq, .. } => {
                self.confirm(&id);
                self.kept = self.kept.max(seq.unwrap_or_default());
            }
            ServerMessage::Error { code, reason, id } => {
                reaction = self.refused(code, reason, id.as_deref());
            }
            ServerMessage::Skipped { after, before, .. } => {
                let room = self.room.clone();
                let before = Some(before);
                reaction.say.push(ClientMessage::History {
                    room,
                    after,
                    before,
                });
            }
            ServerMessage::Private { from, text, .. } if from != self.name => {
                reaction
                    .show
                    .push(Shown::Line(format!("{from} (to you): {text}")));
            }
            ServerMessage::Arrived { name, .. } => {
                reaction
                    .show
                    .push(Shown::Notice(format!("{name} has come")));
            }
            ServerMessage::Departed { name, .. } => {
                reaction
                    .show
                    .push(Shown::Notice(format!("{name} has left")));
            }
            _ => {}
        }
        reaction
    }

    fn join(&self) -> ClientMessage {
        ClientMessage::Join {
            room: self.room.clone(),
            epoch: self.epoch.clone(),
            after: self.epoch.as_ref().map(|_| self.seen),
        }
    }

    fn joined(&mut self, epoch: String, recovered: bool, members: &[String]) -> Reaction {
        let mut reaction = Reaction::default();
        if self.epoch.as_ref() != Some(&epoch) {
            // Another log, which counts from the start.
            self.seen = 0;
            self.kept = 0;
        }
        let again = self.epoch.replace(epoch).is_some();
        self.inside = true;
        let here = members.join(", ");
        let notice = match (again, recovered) {
            (false, _) => format!("in {} with {here}", self.room),
            (true, true) => format!("back in {} with {here}, nothing missed", self.room),
            (true, false) => format!("back in {} with {here}; older messages are gone", self.room),
        };
        reaction.show.push(Shown::Notice(notice));
        reaction.say.extend(self.unconfirmed.iter().cloned());
        reaction
    }

    /// An event of the room, unless it was seen before.
    fn event(&mut self, event: ServerMessage) -> Option<Shown> {
        let (seq, line) = match event {
            ServerMessage::Message {
                seq, from, text, ..
            } => (seq, format!("{from}: {text}")),
            ServerMessage::Edited {
                seq,
                target,
                from,
                text,
                ..
            } => (seq, format!("{from} changed message {target}: {text}")),
            _ => return None,
        };
        if seq <= self.seen {
            return None;
        }
        self.seen = seq;
        Some(Shown::Line(line))
    }

    fn confirm(&mut self, id: &str) {
        self.unconfirmed
            .retain(|message| id_of(message) != Some(id));
    }

    fn refused(&mut self, code: ErrorCode, reason: String, id: Option<&str>) -> Reaction {
        let mut reaction = Reaction::default();
        match (code, id) {
            // The bus is away or the pace too high: what was said stays unconfirmed and is said again after a cut.
            (ErrorCode::Unavailable, _) => {}
            (_, Some(id)) => self.confirm(id),
            (_, None) if !self.inside => reaction.give_up = Some(reason.clone()),
            (_, None) => {}
        }
        reaction.show.push(Shown::Notice(reason));
        reaction
    }
}

fn id_of(message: &ClientMessage) -> Option<&str> {
    match message {
        ClientMessage::Say { id, .. } | ClientMessage::Private { id, .. } => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(json: &str) -> ServerMessage {
        serde_json::from_str(json).unwrap()
    }

    fn welcome() -> ServerMessage {
        server(
            r#"{"type":"welcome","name":"Ada","session":"s","heartbeat_ms":25000,"max_text":100}"#,
        )
    }

    fn joined(epoch: &str) -> ServerMessage {
        server(&format!(
            r#"{{"type":"joined","room":"lab","epoch":"{epoch}","head":2,"recovered":true,"members":["Ada"]}}"#
        ))
    }

    fn message(seq: u64, text: &str) -> ServerMessage {
        server(&format!(
            r#"{{"type":"message","room":"lab","seq":{seq},"from":"Bob","text":"{text}","id":"x","at":1}}"#
        ))
    }

    fn ada() -> Conversation {
        Conversation::new("lab".to_owned(), "Ada".to_owned())
    }

    #[test]
    fn after_a_cut_it_asks_for_what_it_missed_and_repeats_what_nobody_confirmed() {
        let mut ada = ada();
        ada.hello();
        ada.hear(welcome());
        ada.hear(joined("e1"));
        ada.hear(message(7, "seen"));
        let said = ada.say("hello".to_owned()).unwrap();
        assert!(!ada.is_confirmed());
        let ClientMessage::Hello { session, .. } = ada.hello() else {
            panic!("not a hello");
        };
        assert_eq!(session.as_deref(), Some("s"));
        let join = ClientMessage::Join {
            room: "lab".to_owned(),
            epoch: Some("e1".to_owned()),
            after: Some(7),
        };
        assert_eq!(ada.hear(welcome()).say, [join]);
        assert_eq!(ada.hear(joined("e1")).say, [said]);
        ada.hear(server(r#"{"type":"ack","id":"t1","room":"lab","seq":8}"#));
        assert!(!ada.is_confirmed(), "kept, but not seen in its place");
        ada.hear(message(8, "hello"));
        assert!(ada.is_confirmed());
    }

    #[test]
    fn what_was_seen_is_not_shown_again_unless_the_room_began_anew() {
        let mut ada = ada();
        ada.hear(joined("e1"));
        let line = || vec![Shown::Line("Bob: hi".to_owned())];
        assert_eq!(ada.hear(message(3, "hi")).show, line());
        assert_eq!(ada.hear(message(3, "hi")).show, []);
        ada.hear(joined("e2"));
        assert_eq!(ada.hear(message(1, "hi")).show, line());
    }

    #[test]
    fn what_is_said_before_it_is_inside_goes_out_when_it_is() {
        let mut ada = ada();
        assert_eq!(ada.say("early".to_owned()), None);
        ada.hear(welcome());
        assert_eq!(ada.hear(joined("e1")).say.len(), 1);
    }

    #[test]
    fn a_name_that_is_taken_is_the_end() {
        let mut ada = ada();
        let refused = ada.hear(server(
            r#"{"type":"error","code":"taken","reason":"somebody else is Ada"}"#,
        ));
        assert_eq!(refused.give_up.as_deref(), Some("somebody else is Ada"));
    }
}
