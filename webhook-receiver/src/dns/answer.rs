//! One DNS question and its answer, as bytes in and bytes out; no sockets and no store.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use serde::Deserialize;

/// The label below which tokens live, and which any domain may follow.
const HOOK: &str = "dnshook";
/// What fits into a datagram that says nothing about its size.
const PLAIN: u16 = 512;
/// What fits into a datagram everywhere.
const SAFE: u16 = 1232;
/// Most records of one answer.
const RECORDS: usize = 20;
/// Longest text in one piece of a TXT record.
const PIECE: usize = 255;

/// A question that deserves an answer.
#[derive(Debug)]
pub struct Asked {
    message: Message,
    query: Query,
    labels: Vec<String>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Kept; the token's content may hold records.
    Content(String),
    NoSuchName,
    Refused,
    Failed,
}

/// A record as webhook.site has them in a token's content.
#[derive(Debug, Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Reads a message. The error is what to send instead of an answer; nothing to what is no question at all, so that
/// two servers never talk to each other for ever.
pub fn read(bytes: &[u8]) -> Result<Asked, Option<Vec<u8>>> {
    let Ok(message) = Message::from_vec(bytes) else {
        return Err(malformed(bytes));
    };
    if message.metadata.message_type != MessageType::Query {
        return Err(None);
    }
    let refuse = |code| Err(bare(message.metadata.id, message.metadata.op_code, code));
    if message.metadata.op_code != OpCode::Query {
        return refuse(ResponseCode::NotImp);
    }
    let [query] = message.queries.as_slice() else {
        return refuse(ResponseCode::FormErr);
    };
    if query.query_class() != DNSClass::IN {
        return refuse(ResponseCode::Refused);
    }
    let query = query.clone();
    let labels = query
        .name()
        .iter()
        .map(|label| String::from_utf8_lossy(label).into_owned());
    let labels = labels.collect();
    Ok(Asked {
        message,
        query,
        labels,
    })
}

/// A header is enough to be told that the rest is wrong; an answer is told nothing.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (id, flags) = (bytes.get(..2)?, *bytes.get(2)?);
    if bytes.len() < 12 || flags & 0x80 != 0 {
        return None;
    }
    bare(
        u16::from_be_bytes([id[0], id[1]]),
        OpCode::Query,
        ResponseCode::FormErr,
    )
}

fn bare(id: u16, code: OpCode, response: ResponseCode) -> Option<Vec<u8>> {
    Message::error_msg(id, code, response).to_vec().ok()
}

impl Asked {
    /// The token: the label before `dnshook`.
    pub fn token(&self) -> Option<&str> {
        let hook = self
            .labels
            .iter()
            .rposition(|label| label.eq_ignore_ascii_case(HOOK))?;
        let before = self.labels.get(hook.checked_sub(1)?);
        before.map(String::as_str)
    }

    /// The name, as it was asked for.
    pub fn name(&self) -> String {
        self.labels.join(".")
    }

    /// The type of record asked for, such as `TXT`.
    pub fn kind(&self) -> String {
        self.query.query_type().to_string()
    }

    /// The answer; cut short, so that the client asks by TCP, if a datagram could not hold it.
    pub fn answer(&self, outcome: &Outcome, datagram: bool) -> Option<Vec<u8>> {
        let request = &self.message.metadata;
        let mut answer = Message::response(request.id, request.op_code);
        answer.metadata.recursion_desired = request.recursion_desired;
        answer.add_query(self.query.clone());
        let size = self
            .message
            .edns
            .as_ref()
            .map_or(PLAIN, |edns| edns.max_payload().clamp(PLAIN, SAFE));
        if self.message.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(SAFE);
            answer.set_edns(edns);
        }
        answer.metadata.authoritative =
            matches!(outcome, Outcome::Content(_) | Outcome::NoSuchName);
        answer.metadata.response_code = match outcome {
            Outcome::Content(content) => {
                answer.add_answers(self.records(content));
                ResponseCode::NoError
            }
            Outcome::NoSuchName => ResponseCode::NXDomain,
            Outcome::Refused => ResponseCode::Refused,
            Outcome::Failed => ResponseCode::ServFail,
        };
        let bytes = answer.to_vec().ok()?;
        if datagram && bytes.len() > usize::from(size) {
            return answer.truncate().to_vec().ok();
        }
        Some(bytes)
    }

    /// The records in a token's content that were asked for. They may not be kept: the next answer may differ.
    fn records(&self, content: &str) -> Vec<Record> {
        let written: Vec<Written> = serde_json::from_str(content).unwrap_or_default();
        let wanted = self.query.query_type();
        let data = written.iter().filter_map(data);
        let fits = |data: &RData| {
            let kind = data.record_type();
            kind == wanted || kind == RecordType::CNAME || wanted == RecordType::ANY
        };
        let name = self.query.name();
        let records = data.filter(fits).take(RECORDS);
        records
            .map(|data| Record::from_rdata(name.clone(), 0, data))
            .collect()
    }
}

fn data(written: &Written) -> Option<RData> {
    let value = written.value.trim();
    match written.kind.to_ascii_lowercase().as_str() {
        "a" => value
            .parse::<Ipv4Addr>()
            .ok()
            .map(|address| RData::A(A(address))),
        "aaaa" => value
            .parse::<Ipv6Addr>()
            .ok()
            .map(|address| RData::AAAA(AAAA(address))),
        "cname" => {
            let mut name = Name::from_ascii(value).ok()?;
            name.set_fqdn(true);
            Some(RData::CNAME(CNAME(name)))
        }
        "txt" => Some(RData::TXT(TXT::from_bytes(
            written.value.as_bytes().chunks(PIECE).collect(),
        ))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, kind: RecordType) -> Asked {
        let mut message = Message::query();
        message.metadata.id = 7;
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        read(&message.to_vec().unwrap()).unwrap()
    }

    fn answered(asked: &Asked, content: &str, datagram: bool) -> Message {
        let bytes = asked
            .answer(&Outcome::Content(content.to_owned()), datagram)
            .unwrap();
        Message::from_vec(&bytes).unwrap()
    }

    #[test]
    fn the_token_is_the_label_before_the_hook() {
        for (name, expected) in [
            ("a.b.tok.dnshook.localhost.", Some("tok")),
            ("TOK.DnsHook.example.org.", Some("TOK")),
            ("dnshook.localhost.", None),
            ("tok.example.org.", None),
            (".", None),
        ] {
            assert_eq!(asked(name, RecordType::A).token(), expected, "{name}");
        }
    }

    #[test]
    fn the_content_says_what_is_answered() {
        let content = r#"[{"type":"A","value":"192.0.2.1"},{"type":"aaaa","value":"::1"},{"type":"txt","value":"hi"},
            {"type":"a","value":"nonsense"},{"type":"mx","value":"x"}]"#;
        for (kind, expected) in [
            (RecordType::A, 1),
            (RecordType::TXT, 1),
            (RecordType::MX, 0),
            (RecordType::ANY, 3),
        ] {
            let answer = answered(&asked("x.tok.dnshook.localhost.", kind), content, true);
            assert_eq!(answer.answers.len(), expected, "{kind}");
            assert_eq!(answer.metadata.id, 7);
            assert!(answer.metadata.authoritative && !answer.metadata.recursion_available);
        }
        let none = answered(
            &asked("tok.dnshook.localhost.", RecordType::A),
            "hello",
            true,
        );
        assert_eq!(none.metadata.response_code, ResponseCode::NoError);
    }

    #[test]
    fn what_is_too_long_for_a_datagram_is_asked_for_by_tcp() {
        let content = format!(r#"[{{"type":"txt","value":"{}"}}]"#, "x".repeat(2000));
        let asked = asked("tok.dnshook.localhost.", RecordType::TXT);
        let short = answered(&asked, &content, true);
        assert!(short.metadata.truncation && short.answers.is_empty());
        assert_eq!(answered(&asked, &content, false).answers.len(), 1);
    }

    #[test]
    fn what_is_no_question_gets_no_answer_and_nonsense_an_error() {
        assert!(matches!(read(b""), Err(None)));
        assert!(matches!(read(&[0; 5]), Err(None)));
        let mut response = Message::response(1, OpCode::Query).to_vec().unwrap();
        assert!(matches!(read(&response), Err(None)));
        response.truncate(12);
        // A header that promises a question which never comes.
        let broken = [0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let Err(Some(refused)) = read(&broken) else {
            panic!("no answer")
        };
        let refused = Message::from_vec(&refused).unwrap();
        assert_eq!(refused.metadata.response_code, ResponseCode::FormErr);
        assert_eq!(refused.metadata.id, 9);
    }
}
