//! Replies of name servers.

use crate::dns::{Kind, Name, Question};

/// Reading any bytes ends; nothing with another id or cut short is taken for a reply.
pub fn dns_reply(bytes: &[u8]) {
    let name = Name::new("a.example.net").expect("a name of a host");
    for kind in [Kind::A, Kind::Aaaa, Kind::Srv] {
        let id = bytes.first_chunk().copied().map_or(0, u16::from_be_bytes);
        let question = Question {
            id,
            name: name.clone(),
            kind,
        };
        let Ok(reply) = question.decode(bytes) else {
            continue;
        };
        let other = Question {
            id: id ^ 1,
            ..question.clone()
        };
        assert!(other.decode(bytes).is_err());
        if !reply.truncated {
            assert!(question.decode(&bytes[..bytes.len().min(12)]).is_err());
        }
    }
}
