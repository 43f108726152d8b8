//! Something that a member is told: encoded once, as the frame that every member's connection writes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::deflate;
use crate::protocol::ServerMessage;
use crate::wire::frame::{self, Head, TEXT};

/// Compressing less saves too little: a short message hardly shrinks without the memory of earlier ones.
const WORTH_COMPRESSING: usize = 1024;

/// A [`ServerMessage`], encoded.
#[derive(Debug)]
pub(crate) struct Event {
    plain: Bytes,
    packed: OnceLock<Option<Bytes>>,
}

impl Event {
    pub(crate) fn new(message: &ServerMessage) -> Arc<Self> {
        let json = serde_json::to_vec(message).expect("strings and numbers always encode");
        Self::of_json(&json)
    }

    /// Of a message that is encoded already.
    pub(crate) fn of_json(json: &[u8]) -> Arc<Self> {
        Arc::new(Self {
            plain: frame::message(TEXT, false, json),
            packed: OnceLock::new(),
        })
    }

    /// The frame to write; compressed, at the first time that somebody wants it so, if that is worth it.
    pub(crate) fn frame(&self, compressed: bool) -> Bytes {
        if !compressed || self.plain.len() < WORTH_COMPRESSING {
            return self.plain.clone();
        }
        let packed = self.packed.get_or_init(|| {
            let packed = deflate::shared(self.payload());
            (packed.len() < self.plain.len()).then(|| frame::message(TEXT, true, &packed))
        });
        packed.as_ref().unwrap_or(&self.plain).clone()
    }

    /// The message as it is on the wire.
    pub(crate) fn json(&self) -> &str {
        std::str::from_utf8(self.payload()).expect("it was encoded by serde_json")
    }

    /// The message, read back.
    pub(crate) fn message(&self) -> ServerMessage {
        serde_json::from_slice(self.payload()).expect("it was encoded by serde_json")
    }

    /// How much memory it takes, more or less, with its entry in the log.
    pub(crate) fn size(&self) -> usize {
        self.plain.len() + 256
    }

    fn payload(&self) -> &[u8] {
        let (_, head) = Head::parse(&self.plain).expect("it begins with a head");
        &self.plain[head..]
    }
}
