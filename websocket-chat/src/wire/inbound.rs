//! The way in, without any I/O: takes the bytes that a client sent as they come, hands on bytes that tungstenite
//! understands. It unmasks, checks UTF-8 as it arrives, and turns a compressed message into one plain frame. All
//! that breaks RFC 6455 goes through as it is, for tungstenite to refuse.

use crate::deflate::{Inflate, Inflater};
use crate::protocol::{Direction, WireFrame};

use super::frame::{self, BINARY, CLOSE, CONTINUATION, Head, MAX_HEAD, RSV1, TEXT};
use super::utf8::Utf8;

/// What is shown of a payload.
const SHOWN: usize = 200;
/// How many frames are noted until somebody takes them; more are not noted.
const NOTED: usize = 64;

/// Why a connection can't go on; what tungstenite can't know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// 1007: a text message that is none, or a compressed one that isn't.
    Payload,
    /// 1009
    TooBig,
}

/// Where in the stream of frames we are.
#[derive(Debug)]
pub(crate) struct Inbound {
    limit: usize,
    /// The beginning of a head that is not complete.
    head: ([u8; MAX_HEAD], usize),
    /// The frame whose payload is being read, and how much of it was.
    frame: Option<(Head, u64)>,
    message: Message,
    utf8: Utf8,
    inflater: Option<Inflating>,
    /// For tungstenite, from `read` on.
    ready: Vec<u8>,
    read: usize,
    notes: Option<Vec<WireFrame>>,
}

/// The data message whose frames are arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    None,
    Plain { text: bool },
    Compressed { opcode: u8 },
}

#[derive(Debug)]
struct Inflating {
    /// Made with the first compressed message; dropped after each if the client keeps no context.
    inflater: Option<Box<Inflater>>,
    keeps_context: bool,
    out: Vec<u8>,
}

impl Inbound {
    /// `deflate` is None if no compression was agreed on, else whether the client keeps its context.
    pub(crate) fn new(limit: usize, deflate: Option<bool>) -> Self {
        Self {
            limit,
            head: ([0; MAX_HEAD], 0),
            frame: None,
            message: Message::None,
            utf8: Utf8::default(),
            inflater: deflate.map(|keeps_context| Inflating {
                inflater: None,
                keeps_context,
                out: Vec::new(),
            }),
            ready: Vec::new(),
            read: 0,
            notes: None,
        }
    }

    /// From now on, notes each frame.
    pub(crate) fn note(&mut self) {
        self.notes = Some(Vec::new());
    }

    pub(crate) fn take_notes(&mut self) -> Vec<WireFrame> {
        self.notes.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    /// What tungstenite has not read yet.
    pub(crate) fn ready(&self) -> &[u8] {
        &self.ready[self.read..]
    }

    /// Tungstenite has read that much.
    pub(crate) fn consume(&mut self, length: usize) {
        self.read += length;
        if self.read == self.ready.len() {
            self.read = 0;
            self.ready.clear();
            // A connection that says nothing keeps no memory for it.
            self.ready.shrink_to(0);
        }
    }

    /// Takes the next bytes from the client, unmasking them where they are.
    pub(crate) fn push(&mut self, mut bytes: &mut [u8]) -> Result<(), Failure> {
        loop {
            if self.frame.is_none() {
                let Some(rest) = self.read_head(bytes) else {
                    return Ok(());
                };
                bytes = rest;
            }
            let Some((head, done)) = self.frame else {
                return Ok(());
            };
            let left = usize::try_from(head.length - done).unwrap_or(usize::MAX);
            let (payload, rest) = bytes.split_at_mut(left.min(bytes.len()));
            bytes = rest;
            self.payload(head, done, payload)?;
            let done = done + payload.len() as u64;
            if done < head.length {
                self.frame = Some((head, done));
                return Ok(());
            }
            self.frame = None;
            self.end(head)?;
        }
    }

    /// Collects a head; the bytes behind it, or None if it is not complete.
    fn read_head<'a>(&mut self, bytes: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (begun, length) = &mut self.head;
        let added = bytes.len().min(MAX_HEAD - *length);
        begun[*length..*length + added].copy_from_slice(&bytes[..added]);
        let Some((head, size)) = Head::parse(&begun[..*length + added]) else {
            *length += added;
            return None;
        };
        let used = size - *length;
        *length = 0;
        self.begin(head);
        Some(&mut bytes[used..])
    }

    /// A frame begins: does it begin a message, and is that one compressed?
    fn begin(&mut self, head: Head) {
        if !head.is_control() && head.opcode != CONTINUATION {
            let compressed = head.reserved == RSV1
                && self.inflater.is_some()
                && head.mask.is_some()
                && self.message == Message::None
                && matches!(head.opcode, TEXT | BINARY);
            self.message = if compressed {
                let opcode = head.opcode;
                Message::Compressed { opcode }
            } else {
                let text = head.opcode == TEXT;
                Message::Plain { text }
            };
        }
        self.note_head(head);
        if !self.is_inflated(head) {
            let bare = head.mask.map(|_| [0; 4]);
            Head { mask: bare, ..head }.write(&mut self.ready);
        }
        self.frame = Some((head, 0));
    }

    /// True for the frames of a compressed message, which are replaced; frames between that break the rules are not.
    fn is_inflated(&self, head: Head) -> bool {
        let first = head.opcode != CONTINUATION;
        matches!(self.message, Message::Compressed { .. })
            && !head.is_control()
            && head.mask.is_some()
            && (first || head.reserved == 0)
    }

    fn payload(&mut self, head: Head, done: u64, payload: &mut [u8]) -> Result<(), Failure> {
        if let Some(mask) = head.mask {
            frame::unmask(payload, mask, done);
        }
        if self.is_inflated(head) {
            return self.inflate(payload);
        }
        self.note_payload(payload);
        self.ready.extend_from_slice(payload);
        if !head.is_control() && self.message == (Message::Plain { text: true }) {
            self.utf8.push(payload).map_err(|_| Failure::Payload)?;
        }
        Ok(())
    }

    fn inflate(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let Message::Compressed { opcode } = self.message else {
            return Ok(());
        };
        let inflating = self.inflater.as_mut().expect("else nothing is compressed");
        let inflater = inflating
            .inflater
            .get_or_insert_with(|| Box::new(Inflater::new()));
        let before = inflating.out.len();
        inflater.push(payload, &mut inflating.out, self.limit)?;
        let fresh = &inflating.out[before..];
        if opcode == TEXT {
            self.utf8.push(fresh).map_err(|_| Failure::Payload)?;
        }
        note(self.notes.as_mut(), fresh);
        Ok(())
    }

    /// A frame is complete; the last one of a message completes that.
    fn end(&mut self, head: Head) -> Result<(), Failure> {
        if head.is_control() || !head.fin {
            return Ok(());
        }
        match std::mem::replace(&mut self.message, Message::None) {
            Message::None | Message::Plain { text: false } => Ok(()),
            Message::Plain { text: true } => self.utf8.finish().map_err(|_| Failure::Payload),
            Message::Compressed { opcode } => self.end_inflated(opcode),
        }
    }

    fn end_inflated(&mut self, opcode: u8) -> Result<(), Failure> {
        let inflating = self.inflater.as_mut().expect("else nothing is compressed");
        let inflater = inflating
            .inflater
            .get_or_insert_with(|| Box::new(Inflater::new()));
        let before = inflating.out.len();
        inflater.finish(&mut inflating.out, self.limit)?;
        if !inflating.keeps_context {
            inflating.inflater = None;
        }
        let out = std::mem::take(&mut inflating.out);
        if opcode == TEXT {
            self.utf8
                .push(&out[before..])
                .and_then(|()| self.utf8.finish())
                .map_err(|_| Failure::Payload)?;
        }
        let head = Head {
            fin: true,
            reserved: 0,
            opcode,
            mask: Some([0; 4]),
            length: out.len() as u64,
        };
        head.write(&mut self.ready);
        self.ready.extend_from_slice(&out);
        Ok(())
    }

    fn note_head(&mut self, head: Head) {
        if let Some(notes) = self.notes.as_mut().filter(|notes| notes.len() < NOTED) {
            notes.push(WireFrame {
                dir: Direction::In,
                opcode: head.opcode,
                fin: head.fin,
                masked: head.mask.is_some(),
                compressed: head.reserved & RSV1 != 0,
                bytes: head.length,
                payload: String::new(),
            });
        }
    }

    fn note_payload(&mut self, payload: &[u8]) {
        note(self.notes.as_mut(), payload);
    }
}

fn note(notes: Option<&mut Vec<WireFrame>>, payload: &[u8]) {
    if let Some(last) = notes.and_then(|notes| notes.last_mut()) {
        let room = SHOWN.saturating_sub(last.payload.len());
        last.payload
            .push_str(&shown(last.opcode, &payload[..payload.len().min(room)]));
    }
}

/// A payload for reading: a close frame's code as a number, other bytes as text.
pub(super) fn shown(opcode: u8, payload: &[u8]) -> String {
    match (opcode, payload.split_first_chunk::<2>()) {
        (CLOSE, Some((code, reason))) => {
            let code = u16::from_be_bytes(*code);
            format!("{code} {}", String::from_utf8_lossy(reason))
        }
        _ => String::from_utf8_lossy(payload).into_owned(),
    }
}

impl From<Inflate> for Failure {
    fn from(error: Inflate) -> Self {
        match error {
            Inflate::Broken => Self::Payload,
            Inflate::TooBig => Self::TooBig,
        }
    }
}
