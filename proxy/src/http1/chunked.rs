//! The chunked coding (RFC 9112 section 7.1), decoding only and strictly: hexadecimal sizes,
//! CRLF and nothing else as line ends, bounded extensions and trailers. Takes bytes as they come,
//! hands on where the data lies among them.

use super::framing::Piece;

/// `size;extension` lines and the trailer section may be this long, bytes.
const MAX_LINE: usize = 4 * 1024;
const MAX_TRAILERS: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sent invalid chunked body")]
pub(crate) struct BadChunk;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the first digit of a size, which must be there.
    #[default]
    SizeStart,
    Size,
    /// After the size: `;name=value`, kept by nobody.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Done,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    /// Bytes left of the current chunk.
    left: u64,
    /// Bytes of the current size line.
    line: usize,
    trailers: Vec<u8>,
}

impl Decoder {
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(crate) fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Piece, BadChunk> {
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Data => {
                    let rest = bytes.len() - at;
                    let length = usize::try_from(self.left).map_or(rest, |l| l.min(rest));
                    self.left -= length as u64;
                    if self.left == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Piece::Data { skip: at, length });
                }
                State::Trailers => {
                    at += self.trailer(&bytes[at..])?;
                    if self.is_done() {
                        return Ok(Piece::End { skip: at });
                    }
                }
                State::Done => return Ok(Piece::End { skip: at }),
                _ => {
                    self.between_chunks(bytes[at])?;
                    at += 1;
                }
            }
        }
        if self.is_done() {
            return Ok(Piece::End { skip: at });
        }
        Ok(Piece::More { skip: at })
    }

    /// One byte of what stands between the data of two chunks.
    fn between_chunks(&mut self, byte: u8) -> Result<(), BadChunk> {
        self.state = match (self.state, byte) {
            (State::SizeStart | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.add_digit(byte)?;
                State::Size
            }
            (State::Size | State::Extension, b'\r') => State::SizeLf,
            (State::Size, b';' | b' ' | b'\t')
            | (State::Extension, b'\t' | b' '..=b'~' | 0x80..) => State::Extension,
            (State::SizeLf, b'\n') => {
                self.line = 0;
                if self.left == 0 {
                    State::Trailers
                } else {
                    State::Data
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeStart,
            _ => return Err(BadChunk),
        };
        self.line += 1;
        if self.line > MAX_LINE {
            Err(BadChunk)
        } else {
            Ok(())
        }
    }

    fn add_digit(&mut self, byte: u8) -> Result<(), BadChunk> {
        if self.state == State::SizeStart {
            (self.left, self.line) = (0, 0);
        }
        let digit = char::from(byte).to_digit(16).ok_or(BadChunk)?;
        // Past 2^60 no size is honest, and a sum of lengths could wrap.
        if self.left >= 1 << 56 {
            return Err(BadChunk);
        }
        self.left = self.left << 4 | u64::from(digit);
        Ok(())
    }

    /// Collects the trailer section until its empty line; answers how many bytes were of it.
    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, BadChunk> {
        for (at, &byte) in bytes.iter().enumerate() {
            self.trailers.push(byte);
            let section = &self.trailers[..];
            if byte == b'\n' && !section.ends_with(b"\r\n") || section.len() > MAX_TRAILERS {
                return Err(BadChunk);
            }
            if section == b"\r\n" || section.ends_with(b"\r\n\r\n") {
                self.state = State::Done;
                return self.check_trailers().map(|()| at + 1);
            }
        }
        Ok(bytes.len())
    }

    fn check_trailers(&mut self) -> Result<(), BadChunk> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        match httparse::parse_headers(&self.trailers, &mut fields) {
            Ok(httparse::Status::Complete((_, []))) => {
                self.trailers.clear();
                Ok(())
            }
            Ok(httparse::Status::Complete(_)) => Ok(()),
            _ => Err(BadChunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `input` given in pieces of `step` bytes; answers the data and the bytes consumed.
    fn decode(input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), BadChunk> {
        let (mut decoder, mut data, mut at, mut seen) = (Decoder::default(), Vec::new(), 0, 0);
        loop {
            match decoder.next(&input[at..seen])? {
                Piece::Data { skip, length } => {
                    data.extend_from_slice(&input[at + skip..at + skip + length]);
                    at += skip + length;
                }
                Piece::End { skip } => return Ok((data, at + skip, true)),
                Piece::More { skip } => {
                    at += skip;
                    if seen == input.len() {
                        return Ok((data, at, false));
                    }
                    seen = (seen + step).min(input.len());
                }
            }
        }
    }

    #[test]
    fn chunks_are_decoded_however_they_are_cut() {
        let body = b"5\r\nhello\r\n7;a=\"b\"\r\n, world\r\n0\r\nX-Sum: 1\r\n\r\nGET /next";
        for step in 1..body.len() {
            let (data, consumed, done) = decode(body, step).expect("valid");
            assert_eq!(data, b"hello, world");
            assert!(done);
            assert_eq!(
                &body[consumed..],
                b"GET /next",
                "the next request is left alone"
            );
        }
    }

    #[test]
    fn a_cut_body_is_not_at_its_end() {
        for cut in [
            "",
            "5",
            "5\r",
            "5\r\n",
            "5\r\nhel",
            "5\r\nhello\r\n",
            "5\r\nhello\r\n0\r\n",
        ] {
            assert!(
                !decode(cut.as_bytes(), 1).expect("valid so far").2,
                "{cut:?}"
            );
        }
    }

    #[test]
    fn whatever_is_not_a_chunk_is_refused() {
        for bad in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            " 1\r\n",
            "0x1\r\n",
            "1\n",
            "5\rhello",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "1;\x01\r\n",
            "ffffffffffffffffff\r\n",
            "0\r\nbad header\r\n\r\n",
            "0\r\nX: a\n\r\n",
            "0\r\n X: folded\r\n\r\n",
        ] {
            for step in [1, 2, bad.len()] {
                assert_eq!(decode(bad.as_bytes(), step), Err(BadChunk), "{bad:?}");
            }
        }
    }
}
