//! What somebody wants a room to keep, before it has a number. Instances give each other drafts over the bus.

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::protocol::ServerMessage;
use crate::room::Said;

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Draft {
    pub(crate) from: String,
    /// A hash of the author's session, which is a secret.
    pub(crate) author: u64,
    /// The author's own name for it.
    pub(crate) id: String,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// The message that it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<u64>,
}

impl Draft {
    pub(crate) fn said(&self) -> Said {
        let author = self.author;
        let key = short_hash(&[&author.to_be_bytes(), self.id.as_bytes()]);
        Said { author, key }
    }

    /// What the members are told.
    pub(crate) fn message(&self, room: &str, seq: u64) -> ServerMessage {
        let (room, from, text, id) = (
            room.to_owned(),
            self.from.clone(),
            self.text.clone(),
            self.id.clone(),
        );
        let at = self.at;
        match self.target {
            None => ServerMessage::Message {
                room,
                seq,
                from,
                text,
                id,
                at,
            },
            Some(target) => ServerMessage::Edited {
                room,
                seq,
                target,
                from,
                text,
                id,
                at,
            },
        }
    }
}

/// Eight bytes of SHA-1: the same at every instance, and nobody finds a session from it.
pub(crate) fn short_hash(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    let hash = hash.finalize();
    let (first, _) = hash
        .split_first_chunk::<8>()
        .expect("SHA-1 gives twenty bytes");
    u64::from_be_bytes(*first)
}
