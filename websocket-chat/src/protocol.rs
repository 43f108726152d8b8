//! What is said over `chat.v1`: one JSON object in each text message, its kind in `type`. What a client may say is
//! [`ClientMessage`], what the server says [`ServerMessage`]; the example above each variant is parsed by a test.
//! Everything that a room keeps (messages and edits) has a `seq`: the room's one order, counted from 1 without gaps.

use serde::{Deserialize, Serialize};

/// The subprotocol's name in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "chat.v1";

/// What a client may say.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// `{"type":"hello","name":"Ada"}` comes first, and again after a cut with the `session` that `welcome` gave:
    /// `{"type":"hello","name":"Ada","session":"6f1f5c3e0a4b4d6c9a57c9d1d2f0a811"}`
    Hello {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// `{"type":"join","room":"lab"}` for the newest messages, or after a cut, to get what was missed, with what the
    /// last `joined` and the last event told: `{"type":"join","room":"lab","epoch":"k3v9","after":41}`
    Join {
        room: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// `{"type":"leave","room":"lab"}`
    Leave { room: String },
    /// `{"type":"say","room":"lab","id":"m1","text":"Hello!"}`: `id` is the client's own name for the message, so that
    /// it may say the same again after a cut, and nobody sees it twice
    Say {
        room: String,
        id: String,
        text: String,
    },
    /// `{"type":"edit","room":"lab","id":"m2","target":41,"text":"Hello, all!"}` changes one's own message with that `seq`
    Edit {
        room: String,
        id: String,
        target: u64,
        text: String,
    },
    /// `{"type":"private","to":"Bob","id":"m3","text":"psst"}`: to everyone who carries that name; not kept
    Private {
        to: String,
        id: String,
        text: String,
    },
    /// `{"type":"typing","room":"lab"}`: passed on at most once a second
    Typing { room: String },
    /// `{"type":"history","room":"lab","after":10,"before":42}`: the events between, the newest 100 of them
    History {
        room: String,
        #[serde(default)]
        after: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
    },
    /// `{"type":"ping","at":1700000000123}`: for who can't send a WebSocket ping, as browsers can't
    Ping {
        #[serde(default)]
        at: u64,
    },
}

/// What the server says.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// `{"type":"welcome","name":"Ada","session":"6f1f5c3e0a4b4d6c9a57c9d1d2f0a811","heartbeat_ms":25000,"max_text":16384}`:
    /// the session is a secret between the two; the server pings whom it has not heard for `heartbeat_ms`
    Welcome {
        name: String,
        session: String,
        heartbeat_ms: u64,
        max_text: usize,
    },
    /// `{"type":"joined","room":"lab","epoch":"k3v9","head":43,"recovered":true,"members":["Ada","Bob"]}`: the events
    /// up to `head` follow as history; `recovered` says that nothing after the client's `after` is missing
    Joined {
        room: String,
        epoch: String,
        head: u64,
        recovered: bool,
        members: Vec<String>,
    },
    /// `{"type":"left","room":"lab"}`
    Left { room: String },
    /// `{"type":"message","room":"lab","seq":42,"from":"Ada","text":"Hello!","id":"m1","at":1700000000123}`
    Message {
        room: String,
        seq: u64,
        from: String,
        text: String,
        id: String,
        at: u64,
    },
    /// `{"type":"edited","room":"lab","seq":43,"target":42,"from":"Ada","text":"Hello, all!","id":"m2","at":1700000000999}`
    Edited {
        room: String,
        seq: u64,
        target: u64,
        from: String,
        text: String,
        id: String,
        at: u64,
    },
    /// `{"type":"arrived","room":"lab","name":"Bob"}`: the first connection of that name
    Arrived { room: String, name: String },
    /// `{"type":"departed","room":"lab","name":"Bob"}`: the last connection of that name
    Departed { room: String, name: String },
    /// `{"type":"typing","room":"lab","name":"Bob"}`
    Typing { room: String, name: String },
    /// `{"type":"private","from":"Ada","to":"Bob","text":"psst","id":"m3","at":1700000000123}`
    Private {
        from: String,
        to: String,
        text: String,
        id: String,
        at: u64,
    },
    /// `{"type":"ack","id":"m1","room":"lab","seq":42}`: kept; from now on it is never lost. A private message has no
    /// room and no number: `{"type":"ack","id":"m3"}`
    Ack {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
    },
    /// `{"type":"history","room":"lab","complete":true,"events":[{"type":"message","room":"lab","seq":42,"from":"Ada","text":"Hello!","id":"m1","at":1700000000123}]}`
    History {
        room: String,
        complete: bool,
        events: Vec<Self>,
    },
    /// `{"type":"skipped","room":"lab","after":50,"before":812}`: you read too slowly, so what is between was left
    /// out; ask for it with `history`
    Skipped {
        room: String,
        after: u64,
        before: u64,
    },
    /// `{"type":"error","code":"rate","reason":"at most 50 messages a second","id":"m9"}`
    Error {
        code: ErrorCode,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// `{"type":"pong","at":1700000000123}`
    Pong { at: u64 },
    /// What went over the line, for who connects with `?wire=1`; first the handshake:
    /// `{"type":"wire","handshake":{"request":["GET /chat HTTP/1.1","Upgrade: websocket"],"response":["HTTP/1.1 101 Switching Protocols"]}}`,
    /// then frames: `{"type":"wire","frames":[{"dir":"in","opcode":1,"fin":true,"masked":true,"compressed":false,"bytes":17,"payload":"{}"}]}`
    Wire {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handshake: Option<WireHandshake>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        frames: Vec<WireFrame>,
    },
}

/// Why something was refused; the connection goes on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not a message of this protocol.
    Malformed,
    /// `hello` must come first, and once.
    Hello,
    /// A name, room or id that is empty, too long or has control characters.
    Name,
    /// Somebody else carries that name.
    Taken,
    /// Too much at once: messages a second, rooms, members.
    Rate,
    /// A limit on rooms or members.
    Full,
    /// The text is too long or empty.
    Text,
    /// Not in that room, or no such message, or not one's own.
    NotFound,
    /// Nobody of that name is here.
    Nobody,
    /// The bus that keeps messages can't be reached: say it again later, with the same id.
    Unavailable,
}

/// The upgrade as it was on the wire, a line each.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct WireHandshake {
    pub request: Vec<String>,
    pub response: Vec<String>,
}

/// One frame, seen from the server.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct WireFrame {
    pub dir: Direction,
    pub opcode: u8,
    pub fin: bool,
    pub masked: bool,
    pub compressed: bool,
    /// Of the payload, as it was on the wire.
    pub bytes: u64,
    /// The beginning of what it says, unmasked and inflated.
    pub payload: String,
}

/// Which way a frame went, seen from the server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    In,
    Out,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples in the comments of this file, as `(of_the_server, text)`.
    fn examples() -> Vec<(bool, String)> {
        let source = include_str!("protocol.rs");
        let (client, server) = source
            .split_once("pub enum ServerMessage")
            .expect("both enums are here");
        let of = |server, text: &str| {
            text.lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .filter(|line| line.trim_start().starts_with("///"))
                .flat_map(|line| line.split('`'))
                .filter(|part| part.starts_with("{\"type\""))
                .map(|part| (server, part.to_owned()))
                .collect::<Vec<_>>()
        };
        [of(false, client), of(true, server)].concat()
    }

    #[test]
    fn every_example_in_the_documentation_is_a_message() {
        let examples = examples();
        assert!(examples.len() >= 25, "{}", examples.len());
        for (server, text) in examples {
            let again = if server {
                let message: ServerMessage = serde_json::from_str(&text).expect(&text);
                serde_json::to_string(&message)
            } else {
                let message: ClientMessage = serde_json::from_str(&text).expect(&text);
                serde_json::to_string(&message)
            };
            assert_eq!(again.unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"type":"shout"}"#,
            r#"{"type":"leave"}"#,
            r#"{"type":"leave","room":7}"#,
            r#"{"type":"leave","room":"a","more":1}"#,
        ] {
            assert!(
                serde_json::from_str::<ClientMessage>(text).is_err(),
                "{text}"
            );
        }
    }
}
