//! Socket.IO 5: events and acknowledgements in namespaces, inside Engine.IO's messages. Takes the text of a message and
//! gives a [`Packet`], and back. Binary packets (types 5 and 6) are refused: this chat is text.

use serde_json::Value;

/// The namespace of a client that names none.
pub(crate) const ROOT: &str = "/";
/// Longer names of namespaces are refused before they are compared with anything.
const LONGEST_NAMESPACE: usize = 64;

/// One packet and the namespace it is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packet {
    pub(crate) namespace: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// With what the client calls `auth`, or the server's `{"sid": ...}`.
    Connect(Option<Value>),
    Disconnect,
    /// `id` is there when the sender asks for an acknowledgement.
    Event {
        name: String,
        arguments: Vec<Value>,
        id: Option<u64>,
    },
    Ack {
        id: u64,
        arguments: Vec<Value>,
    },
    ConnectError(String),
}

/// Why a message is not a packet.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    #[error("no packet type")]
    NoType,
    #[error("binary events are not part of this chat")]
    Binary,
    #[error("only the server sends this")]
    NotFromClient,
    #[error("the namespace is too long")]
    Namespace,
    #[error("the number for the acknowledgement is too large")]
    Id,
    #[error("the data is not the JSON that this packet needs")]
    Data,
}

impl Packet {
    pub(crate) fn event(namespace: &str, name: &str, argument: Value) -> Self {
        let kind = Kind::Event {
            name: name.to_owned(),
            arguments: vec![argument],
            id: None,
        };
        Self {
            namespace: namespace.to_owned(),
            kind,
        }
    }

    /// `type [namespace ","] [id] [JSON]`, as a client may send it.
    pub(crate) fn parse(text: &str) -> Result<Self, PacketError> {
        let mut characters = text.chars();
        let digit = characters.next().ok_or(PacketError::NoType)?;
        let (namespace, rest) = split_namespace(characters.as_str())?;
        let kind = match digit {
            '0' => Kind::Connect(connect_data(rest)?),
            '1' if rest.is_empty() => Kind::Disconnect,
            '1' => return Err(PacketError::Data),
            '2' => event(rest)?,
            '3' => ack(rest)?,
            '4' => return Err(PacketError::NotFromClient),
            '5' | '6' => return Err(PacketError::Binary),
            _ => return Err(PacketError::NoType),
        };
        Ok(Self { namespace, kind })
    }

    pub(crate) fn encode(&self) -> String {
        let (digit, id, data) = match &self.kind {
            Kind::Connect(data) => ('0', None, data.as_ref().map(Value::to_string)),
            Kind::Disconnect => ('1', None, None),
            Kind::Event {
                name,
                arguments,
                id,
            } => {
                let all: Vec<_> = std::iter::once(Value::from(name.as_str()))
                    .chain(arguments.iter().cloned())
                    .collect();
                ('2', *id, Some(Value::from(all).to_string()))
            }
            Kind::Ack { id, arguments } => (
                '3',
                Some(*id),
                Some(Value::from(arguments.clone()).to_string()),
            ),
            Kind::ConnectError(message) => {
                let told = serde_json::json!({ "message": message });
                ('4', None, Some(told.to_string()))
            }
        };
        let mut encoded = String::from(digit);
        if self.namespace != ROOT {
            encoded.push_str(&self.namespace);
            encoded.push(',');
        }
        if let Some(id) = id {
            encoded.push_str(&id.to_string());
        }
        encoded.push_str(&data.unwrap_or_default());
        encoded
    }
}

/// A namespace starts with a slash and ends with a comma; a query behind it is not part of the name.
fn split_namespace(text: &str) -> Result<(String, &str), PacketError> {
    if !text.starts_with('/') {
        return Ok((ROOT.to_owned(), text));
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = name.split('?').next().unwrap_or(name);
    if name.len() > LONGEST_NAMESPACE {
        return Err(PacketError::Namespace);
    }
    Ok((name.to_owned(), rest))
}

/// What is passed with a connect is an object, or nothing.
fn connect_data(text: &str) -> Result<Option<Value>, PacketError> {
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(Some(value)),
        _ => Err(PacketError::Data),
    }
}

fn event(text: &str) -> Result<Kind, PacketError> {
    let (id, data) = split_id(text)?;
    let Ok(Value::Array(all)) = serde_json::from_str(data) else {
        return Err(PacketError::Data);
    };
    let mut all = all.into_iter();
    match all.next() {
        Some(Value::String(name)) => Ok(Kind::Event {
            name,
            arguments: all.collect(),
            id,
        }),
        _ => Err(PacketError::Data),
    }
}

fn ack(text: &str) -> Result<Kind, PacketError> {
    let (id, data) = split_id(text)?;
    match (id, serde_json::from_str(data)) {
        (Some(id), Ok(Value::Array(arguments))) => Ok(Kind::Ack { id, arguments }),
        _ => Err(PacketError::Data),
    }
}

fn split_id(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        return Ok((None, rest));
    }
    let id = number.parse().map_err(|_| PacketError::Id)?;
    Ok((Some(id), rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_packet_reads_back_as_it_was_written() {
        let cases = [
            "0",
            "0/chat,",
            r#"0/chat,{"name":"Ann"}"#,
            "1/chat,",
            r#"2["text",{"msg":"hello"}]"#,
            r#"2/chat,17["left",{}]"#,
            r#"3/chat,17["ok"]"#,
        ];
        for text in cases {
            assert_eq!(Packet::parse(text).unwrap().encode(), text);
        }
    }

    #[test]
    fn a_namespace_may_come_without_comma_and_with_a_query() {
        for text in ["0/chat", "0/chat,", "0/chat?token=1,"] {
            let packet = Packet::parse(text).unwrap();
            assert_eq!(packet.namespace, "/chat", "{text}");
        }
    }

    #[test]
    fn an_event_has_name_arguments_and_the_number_of_its_acknowledgement() {
        let packet = Packet::parse(r#"2/chat,5["text",{"msg":"a,b"},1]"#).unwrap();
        let kind = Kind::Event {
            name: "text".to_owned(),
            arguments: vec![json!({"msg": "a,b"}), json!(1)],
            id: Some(5),
        };
        assert_eq!(packet.kind, kind);
    }

    #[test]
    fn what_is_no_packet_is_refused_with_the_reason() {
        let long = format!("0/{}", "x".repeat(80));
        let cases = [
            ("", PacketError::NoType),
            ("9", PacketError::NoType),
            ("é", PacketError::NoType),
            ("0[1]", PacketError::Data),
            ("1x", PacketError::Data),
            ("2", PacketError::Data),
            ("2{}", PacketError::Data),
            ("2[]", PacketError::Data),
            ("2[1]", PacketError::Data),
            (r#"299999999999999999999["a"]"#, PacketError::Id),
            (r#"3["no id"]"#, PacketError::Data),
            ("4{}", PacketError::NotFromClient),
            (
                r#"51-["a",{"_placeholder":true,"num":0}]"#,
                PacketError::Binary,
            ),
            (&long, PacketError::Namespace),
        ];
        for (text, error) in cases {
            assert_eq!(Packet::parse(text), Err(error), "{text:?}");
        }
    }
}
