//! What is said to each kind of chat server to join a room and to speak, and how a chat message is known when it comes
//! back: whatever is around it, its text starts with `m#` and a number.

/// How a server wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Our `chat.v1`.
    Ours,
    /// The few lines of JSON of the peers on plain WebSocket.
    Plain,
    /// Engine.IO and Socket.IO with the module's events.
    SocketIo,
}

/// What a message's text starts with; then eight hexadecimal digits.
const MARK: &[u8] = b"m#";
const DIGITS: usize = 8;
/// The length of a message's text.
const TEXT_LENGTH: usize = 64;

/// One step of the way into a room: when a message has this in it, send that.
pub(super) struct Step {
    pub(super) heard: &'static str,
    pub(super) say: String,
}

impl Dialect {
    /// Request target of the upgrade.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Ours => "/chat",
            Self::Plain => "/",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        }
    }

    /// A step without `heard` is taken at once; a member is in when the last one's was heard.
    pub(super) fn way_in(self, room: &str, name: &str) -> Vec<Step> {
        let step = |heard, say: String| Step { heard, say };
        let done = |heard| step(heard, String::new());
        match self {
            Self::Ours => vec![
                step("", format!(r#"{{"type":"hello","name":"{name}"}}"#)),
                step(
                    r#""welcome""#,
                    format!(r#"{{"type":"join","room":"{room}"}}"#),
                ),
                done(r#""joined""#),
            ],
            Self::Plain => vec![
                step(
                    "",
                    format!(r#"{{"type":"join","room":"{room}","name":"{name}"}}"#),
                ),
                done(r#""joined""#),
            ],
            Self::SocketIo => vec![
                step("0{", "40/chat,".to_owned()),
                step(
                    "40/chat,{",
                    format!(r#"42/chat,["joined",{{"room":"{room}","name":"{name}"}}]"#),
                ),
                done("has entered the room"),
            ],
        }
    }

    /// Message number `number`, said to `room`.
    pub(super) fn say(self, room: &str, number: u32) -> String {
        let mut text =
            format!("m#{number:08x} the quick brown fox jumps over the lazy dog, again and again");
        text.truncate(TEXT_LENGTH);
        match self {
            Self::Ours => {
                format!(r#"{{"type":"say","room":"{room}","id":"{number}","text":"{text}"}}"#)
            }
            Self::Plain => format!(r#"{{"type":"say","text":"{text}"}}"#),
            Self::SocketIo => format!(r#"42/chat,["text",{{"msg":"{text}"}}]"#),
        }
    }

    /// Engine.IO's own heartbeat.
    pub(super) fn answer(self, payload: &[u8]) -> Option<&'static str> {
        (self == Self::SocketIo && payload == b"2").then_some("3")
    }
}

/// The number of a chat message; `hint` is where the last one was found, which is where most are.
pub(super) fn number(payload: &[u8], hint: &mut usize) -> Option<u32> {
    let at = if payload.get(*hint..*hint + MARK.len()) == Some(MARK) {
        *hint
    } else {
        payload.windows(MARK.len()).position(|two| two == MARK)?
    };
    *hint = at;
    let digits = payload.get(at + MARK.len()..at + MARK.len() + DIGITS)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialects_message_is_known_when_it_comes_back() {
        for dialect in [Dialect::Ours, Dialect::Plain, Dialect::SocketIo] {
            let said = dialect.say("lab", 4711);
            let mut hint = 0;
            assert_eq!(number(said.as_bytes(), &mut hint), Some(4711), "{said}");
            assert_eq!(number(said.as_bytes(), &mut hint), Some(4711), "{said}");
        }
        assert_eq!(number(br#"{"type":"ack"}"#, &mut 500), None);
    }

    #[test]
    fn every_text_has_the_same_length() {
        let said = Dialect::Plain.say("lab", 1);
        let text = said.split('"').nth_back(1).unwrap();
        assert_eq!(text.len(), TEXT_LENGTH);
    }
}
