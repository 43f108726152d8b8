//! Takes the bytes of a chunked body, hands its data to the sample, and decides where the last chunk's trailers end.

use super::{BadResponse, BodySample, HEAD_LIMIT};

/// Extensions of one chunk are read over, up to here.
const EXTENSION_LIMIT: usize = 4 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size line, with this many hexadecimal digits read.
    Size(u8),
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the beginning of a trailer line, which the final empty line may be.
    TrailerStart,
    Trailer,
    TrailerEnd,
    LastLf,
    Complete,
}

/// Where we are in a chunked body.
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    state: State,
    /// Bytes of the current chunk still to come (while its size is read: the size so far).
    left: u64,
    /// Bytes of the current extension, or of all trailers.
    overhead: usize,
}

impl Default for ChunkDecoder {
    fn default() -> Self {
        Self {
            state: State::Size(0),
            left: 0,
            overhead: 0,
        }
    }
}

impl ChunkDecoder {
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Returns how many bytes of `input` belong to this body.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        body: &mut BodySample,
    ) -> Result<usize, BadResponse> {
        let mut used = 0;
        while used < input.len() && self.state != State::Complete {
            if self.state == State::Data {
                let rest = &input[used..];
                let take = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(rest.len());
                body.push(&rest[..take]);
                self.left -= take as u64;
                used += take;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.step(input[used])?;
                used += 1;
            }
        }
        Ok(used)
    }

    fn step(&mut self, byte: u8) -> Result<State, BadResponse> {
        Ok(match (self.state, byte) {
            (State::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte)?,
            (State::Size(1..), b'\r') | (State::Extension, b'\r') => State::SizeEnd,
            (State::Size(1..), b';' | b' ' | b'\t') => State::Extension,
            (State::Extension, _) if byte != b'\n' => {
                self.spend(EXTENSION_LIMIT, State::Extension)?
            }
            (State::SizeEnd, b'\n') => {
                self.overhead = 0;
                if self.left == 0 {
                    State::TrailerStart
                } else {
                    State::Data
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size(0),
            (State::TrailerStart, b'\r') => State::LastLf,
            (State::LastLf, b'\n') => State::Complete,
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::TrailerStart | State::Trailer, _) if byte != b'\n' => {
                self.spend(HEAD_LIMIT, State::Trailer)?
            }
            (State::TrailerEnd, b'\n') => State::TrailerStart,
            _ => return Err(BadResponse::Chunk),
        })
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, BadResponse> {
        // Sixteen digits fill 64 bits; one more would overflow silently.
        if digits == 16 {
            return Err(BadResponse::Chunk);
        }
        let value = char::from(byte).to_digit(16).ok_or(BadResponse::Chunk)?;
        self.left = self.left << 4 | u64::from(value);
        Ok(State::Size(digits + 1))
    }

    fn spend(&mut self, limit: usize, next: State) -> Result<State, BadResponse> {
        self.overhead += 1;
        if self.overhead > limit {
            Err(BadResponse::Chunk)
        } else {
            Ok(next)
        }
    }
}
