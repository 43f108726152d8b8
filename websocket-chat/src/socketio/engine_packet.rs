//! Engine.IO 4, the layer under Socket.IO: a packet is one digit and its text. A WebSocket frame carries one packet, an
//! HTTP body (long polling) several, separated by the record separator. Decides what is a packet and refuses the rest.

use serde_json::json;

/// Between the packets of an HTTP body: a control character that JSON always escapes, so it can't be in a packet.
const RECORD_SEPARATOR: char = '\u{1e}';
/// More packets than this in one body is no chat.
const MOST_PACKETS: usize = 64;

/// One packet of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EnginePacket {
    Open(String),
    Close,
    Ping(String),
    Pong(String),
    /// What Socket.IO wants carried.
    Message(String),
    Upgrade,
    Noop,
}

/// Why a text is not a packet, or not one that this chat takes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("an empty packet")]
    Empty,
    #[error("unknown packet type {0:?}")]
    UnknownType(char),
    #[error("binary packets are not part of this chat")]
    Binary,
    #[error("a packet of this type has no text")]
    Surplus,
    #[error("more than {MOST_PACKETS} packets in one body")]
    TooMany,
}

/// How often the server pings and how long it waits for the answer; told to the client when it opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat {
    pub(crate) interval: std::time::Duration,
    pub(crate) timeout: std::time::Duration,
}

impl EnginePacket {
    /// The first packet of every session.
    pub(crate) fn open(sid: &str, upgradable: bool, beat: Heartbeat, max_payload: usize) -> Self {
        let upgrades: &[&str] = if upgradable { &["websocket"] } else { &[] };
        let told = json!({
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": beat.interval.as_millis() as u64,
            "pingTimeout": beat.timeout.as_millis() as u64,
            "maxPayload": max_payload,
        });
        Self::Open(told.to_string())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, EngineError> {
        let mut characters = text.chars();
        let digit = characters.next().ok_or(EngineError::Empty)?;
        let rest = characters.as_str();
        let bare = |packet| {
            if rest.is_empty() {
                Ok(packet)
            } else {
                Err(EngineError::Surplus)
            }
        };
        match digit {
            '0' => Ok(Self::Open(rest.to_owned())),
            '1' => bare(Self::Close),
            '2' => Ok(Self::Ping(rest.to_owned())),
            '3' => Ok(Self::Pong(rest.to_owned())),
            '4' => Ok(Self::Message(rest.to_owned())),
            '5' => bare(Self::Upgrade),
            '6' => bare(Self::Noop),
            'b' => Err(EngineError::Binary),
            other => Err(EngineError::UnknownType(other)),
        }
    }

    /// The packets of a POST's body.
    pub(crate) fn parse_body(body: &str) -> Result<Vec<Self>, EngineError> {
        let mut packets = Vec::new();
        for text in body.split(RECORD_SEPARATOR) {
            if packets.len() == MOST_PACKETS {
                return Err(EngineError::TooMany);
            }
            packets.push(Self::parse(text)?);
        }
        Ok(packets)
    }

    pub(crate) fn encode(&self) -> String {
        let (digit, text) = match self {
            Self::Open(text) => ('0', text.as_str()),
            Self::Close => ('1', ""),
            Self::Ping(text) => ('2', text.as_str()),
            Self::Pong(text) => ('3', text.as_str()),
            Self::Message(text) => ('4', text.as_str()),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
        };
        let mut encoded = String::with_capacity(1 + text.len());
        encoded.push(digit);
        encoded.push_str(text);
        encoded
    }

    /// The body that answers a GET.
    pub(crate) fn encode_body(packets: &[Self]) -> String {
        let mut body = String::new();
        for packet in packets {
            if !body.is_empty() {
                body.push(RECORD_SEPARATOR);
            }
            body.push_str(&packet.encode());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_packet_reads_back_as_it_was_written() {
        for text in ["0{}", "1", "2", "2probe", "3probe", "4hello", "4", "5", "6"] {
            assert_eq!(EnginePacket::parse(text).unwrap().encode(), text);
        }
    }

    #[test]
    fn what_is_no_packet_is_refused_with_the_reason() {
        let cases = [
            ("", EngineError::Empty),
            ("9", EngineError::UnknownType('9')),
            ("é", EngineError::UnknownType('é')),
            ("bAQID", EngineError::Binary),
            ("5x", EngineError::Surplus),
        ];
        for (text, error) in cases {
            assert_eq!(EnginePacket::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_body_has_its_packets_in_order() {
        let body = "4one\u{1e}4two\u{1e}3";
        let packets = EnginePacket::parse_body(body).unwrap();
        assert_eq!(packets.len(), 3);
        assert_eq!(packets[1], EnginePacket::Message("two".to_owned()));
        assert_eq!(EnginePacket::encode_body(&packets), body);
    }

    #[test]
    fn a_body_with_too_many_packets_or_an_empty_one_is_refused() {
        let many = vec!["4"; MOST_PACKETS + 1].join("\u{1e}");
        assert_eq!(EnginePacket::parse_body(&many), Err(EngineError::TooMany));
        assert_eq!(
            EnginePacket::parse_body("4a\u{1e}"),
            Err(EngineError::Empty)
        );
    }

    #[test]
    fn the_first_packet_tells_the_heartbeat_in_milliseconds() {
        let beat = Heartbeat {
            interval: Duration::from_secs(25),
            timeout: Duration::from_secs(20),
        };
        let EnginePacket::Open(told) = EnginePacket::open("x", true, beat, 1000) else {
            panic!("not an open packet");
        };
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["pingInterval"], 25_000);
        assert_eq!(told["upgrades"], json!(["websocket"]));
    }
}
