//! Takes bytes from the wire as they come, decides where one HTTP/1.1 answer ends, and keeps a sample of its body.
//!
//! Nothing here allocates once a parser has seen its first answer, and nothing trusts the other side: a head has 64 KiB
//! and 64 fields at most, and framing that could be read in two ways is refused (RFC 9112, section 6.3).

mod chunked;
mod head;
mod sample;

use chunked::ChunkDecoder;
use head::{Framing, Head};
pub use sample::BodySample;

/// What the head of one answer may take before it counts as broken.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// Why bytes are not an answer to our request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum BadResponse {
    /// The first bytes are not `HTTP/`.
    #[error("not HTTP")]
    NotHttp,
    /// The head breaks the grammar.
    #[error("malformed head")]
    Head,
    /// The head is longer than [`HEAD_LIMIT`] or has too many fields.
    #[error("head too large")]
    HeadTooLarge,
    /// Content-Length is not one number, or stands beside Transfer-Encoding.
    #[error("ambiguous length")]
    Length,
    /// A chunk's size line, or the line end after its data, breaks the grammar.
    #[error("malformed chunk")]
    Chunk,
    /// More bytes came than the framing announced, so the next answer could not be told apart.
    #[error("bytes after the end of the answer")]
    Excess,
    /// `101 Switching Protocols` although nobody asked for it.
    #[error("switched protocols unasked")]
    Switched,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(ChunkDecoder),
    UntilClose,
    Complete,
}

/// An incremental parser: feed it, look whether the answer is complete, reset it for the next one.
#[derive(Debug)]
pub struct ResponseParser {
    to_head_request: bool,
    state: State,
    status: u16,
    keep_alive: bool,
    body: BodySample,
}

impl ResponseParser {
    /// `to_head_request`: answers to HEAD announce a body and send none.
    pub fn new(to_head_request: bool) -> Self {
        let body = BodySample::default();
        Self {
            to_head_request,
            state: State::Head,
            status: 0,
            keep_alive: false,
            body,
        }
    }

    /// Reads on; returns how many bytes of `input` are used up. Unused bytes of an unfinished head must be fed again,
    /// with what came after them. Bytes after the end of the answer stay unused too.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, BadResponse> {
        let mut used = 0;
        while matches!(self.state, State::Head) {
            let Some(head) = head::parse(&input[used..], self.to_head_request)? else {
                return Ok(used);
            };
            used += head.length;
            self.start_body(&head);
        }
        let rest = &input[used..];
        Ok(used
            + match &mut self.state {
                State::Length(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    self.body.push(&rest[..take]);
                    *left -= take as u64;
                    if *left == 0 {
                        self.state = State::Complete;
                    }
                    take
                }
                State::Chunked(decoder) => {
                    let take = decoder.decode(rest, &mut self.body)?;
                    if decoder.is_complete() {
                        self.state = State::Complete;
                    }
                    take
                }
                State::UntilClose => {
                    self.body.push(rest);
                    rest.len()
                }
                State::Head | State::Complete => 0,
            })
    }

    fn start_body(&mut self, head: &Head) {
        if head.interim {
            return; // 100 Continue, 103 Early Hints: the answer itself is still to come.
        }
        self.status = head.status;
        self.keep_alive = head.keep_alive;
        self.state = match head.framing {
            Framing::Length(0) => State::Complete,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(ChunkDecoder::default()),
            Framing::UntilClose => State::UntilClose,
        };
    }

    /// The other side closed. True if that ends the answer, false if it cuts it short.
    pub fn close(&mut self) -> bool {
        if matches!(self.state, State::UntilClose) {
            self.state = State::Complete;
        }
        self.is_complete()
    }

    /// Has the whole answer been read?
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Is no answer's head read yet?
    pub fn is_fresh(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// The status code, once the head is read.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// May the connection carry another request?
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Length, beginning and end of the body read so far.
    pub fn body(&self) -> &BodySample {
        &self.body
    }

    /// Forgets this answer and waits for the next head.
    pub fn reset(&mut self) {
        self.state = State::Head;
        self.body.clear();
    }
}

#[cfg(test)]
mod tests;
