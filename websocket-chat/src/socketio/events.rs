//! The chat in the words of the module's demo (Flask-SocketIO-Chat): a client says `joined`, `text` and `left` and hears
//! `status` and `message`. One [`Namespace`] is one member of the chat.

use serde_json::{Value, json};

use super::packet::{Kind, Packet};
use crate::protocol::{ClientMessage, ServerMessage};
use crate::session::Session;

/// A client's presence in one namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) session: Session,
    person: Option<String>,
    room: Option<String>,
    said: u64,
}

impl Namespace {
    pub(crate) fn new(name: String, session: Session) -> Self {
        Self {
            name,
            session,
            person: None,
            room: None,
            said: 0,
        }
    }

    /// Takes an event; what is to be answered at once is returned, everything else comes out of the session.
    pub(crate) fn take(
        &mut self,
        event: &str,
        arguments: &[Value],
        id: Option<u64>,
    ) -> Vec<Packet> {
        let data = arguments.first().unwrap_or(&Value::Null);
        match event {
            "joined" => self.joined(data, id),
            "text" => self.text(data, id),
            "typing" => {
                if let Some(room) = self.room.clone() {
                    self.session.handle(ClientMessage::Typing { room });
                }
                Vec::new()
            }
            "left" => {
                if let Some(room) = self.room.take() {
                    self.session.handle(ClientMessage::Leave { room });
                }
                self.acknowledge(id, json!({})).into_iter().collect()
            }
            other => vec![self.refuse(&format!("unknown event {other:?}"))],
        }
    }

    fn joined(&mut self, data: &Value, id: Option<u64>) -> Vec<Packet> {
        let (Some(name), Some(room)) = (data["name"].as_str(), data["room"].as_str()) else {
            return vec![self.refuse("joined needs {name, room}")];
        };
        if self.person.is_none() {
            let session = data["session"].as_str().map(str::to_owned);
            let name = name.to_owned();
            self.session.handle(ClientMessage::Hello { name, session });
            self.person = self
                .session
                .is_known()
                .then(|| data["name"].as_str().unwrap_or_default().to_owned());
        }
        if let Some(room) = self.room.take() {
            self.session.handle(ClientMessage::Leave { room });
        }
        self.room = Some(room.to_owned());
        self.session.handle(ClientMessage::Join {
            room: room.to_owned(),
            epoch: data["epoch"].as_str().map(str::to_owned),
            after: data["after"].as_u64(),
        });
        self.acknowledge(id, json!({})).into_iter().collect()
    }

    /// What is said gets an id of which the number of the acknowledgement can be read back.
    fn text(&mut self, data: &Value, id: Option<u64>) -> Vec<Packet> {
        let (Some(text), Some(room)) = (data["msg"].as_str(), self.room.clone()) else {
            return vec![self.refuse("text needs {msg}, and a room that was joined")];
        };
        self.said += 1;
        let id = match id {
            Some(id) => format!("a{id}"),
            None => format!("n{}", self.said),
        };
        let text = text.to_owned();
        self.session.handle(ClientMessage::Say { room, id, text });
        Vec::new()
    }

    /// What a message of the chat is in Socket.IO's words.
    pub(crate) fn translate(&self, message: ServerMessage) -> Vec<Packet> {
        match message {
            ServerMessage::Message {
                ref from, ref text, ..
            } => {
                let line = format!("{from}:{text}");
                vec![self.told("message", &message, Some(line))]
            }
            ServerMessage::Joined { .. } => {
                let name = self.person.as_deref().unwrap_or_default();
                let line = format!("{name} has entered the room.");
                vec![self.told("status", &message, Some(line))]
            }
            ServerMessage::Arrived { ref name, .. } => {
                let line = format!("{name} has entered the room.");
                vec![self.told("status", &message, Some(line))]
            }
            ServerMessage::Departed { ref name, .. } => {
                let line = format!("{name} has left the room.");
                vec![self.told("status", &message, Some(line))]
            }
            ServerMessage::History { events, .. } => {
                let each = events.into_iter();
                each.flat_map(|event| self.translate(event)).collect()
            }
            ServerMessage::Ack { id, seq, .. } => {
                let asked = id.strip_prefix('a').and_then(|id| id.parse().ok());
                self.acknowledge(asked, json!({ "seq": seq }))
                    .into_iter()
                    .collect()
            }
            ServerMessage::Error { ref reason, .. } => {
                let line = reason.clone();
                vec![self.told("refused", &message, Some(line))]
            }
            ServerMessage::Edited { .. } => vec![self.told("edited", &message, None)],
            ServerMessage::Typing { .. } => vec![self.told("typing", &message, None)],
            ServerMessage::Private { .. } => vec![self.told("private", &message, None)],
            ServerMessage::Skipped { .. } => vec![self.told("skipped", &message, None)],
            ServerMessage::Welcome { .. } => vec![self.told("welcome", &message, None)],
            ServerMessage::Left { .. }
            | ServerMessage::Pong { .. }
            | ServerMessage::Wire { .. } => Vec::new(),
        }
    }

    /// All that we know of it, and beside it the demo's one field, `msg`.
    fn told(&self, event: &str, message: &ServerMessage, line: Option<String>) -> Packet {
        let mut data = serde_json::to_value(message).expect("our messages are JSON");
        if let (Some(fields), Some(line)) = (data.as_object_mut(), line) {
            fields.insert("msg".to_owned(), line.into());
        }
        Packet::event(&self.name, event, data)
    }

    fn refuse(&self, reason: &str) -> Packet {
        Packet::event(&self.name, "refused", json!({ "msg": reason }))
    }

    fn acknowledge(&self, id: Option<u64>, answer: Value) -> Option<Packet> {
        let arguments = vec![answer];
        id.map(|id| Packet {
            namespace: self.name.clone(),
            kind: Kind::Ack { id, arguments },
        })
    }
}
