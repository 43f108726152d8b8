//! Where a message body ends (RFC 9112 section 6): the one place that decides it, for requests
//! and for responses. Two readers who disagree here are what request smuggling is made of, so
//! whatever is ambiguous is an error, never a guess.

use super::chunked::{self, BadChunk};
use super::{Head, Known, RequestHead, ResponseHead, Version};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
    /// Until the connection closes; only responses may (section 6.3, rule 8).
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFraming {
    #[error("sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time")]
    LengthAndEncoding,
    #[error("sent duplicate \"Content-Length\" header")]
    RepeatedLength,
    #[error("sent invalid \"Content-Length\" header")]
    InvalidLength,
    #[error("sent duplicate \"Transfer-Encoding\" header")]
    RepeatedEncoding,
    #[error("sent unknown \"Transfer-Encoding\"")]
    UnknownEncoding,
    #[error("sent HTTP/1.0 request with \"Transfer-Encoding\" header")]
    EncodingInHttp10,
}

// ANCHOR: request_framing
/// The framing of a request: no header means no body.
pub(crate) fn of_request(request: &RequestHead) -> Result<Framing, BadFraming> {
    match declared(&request.head)? {
        Some(Framing::Chunked) if request.version == Version::Http10 => {
            Err(BadFraming::EncodingInHttp10)
        }
        Some(Framing::Length(0)) | None => Ok(Framing::None),
        Some(framing) => Ok(framing),
    }
}

/// The framing of a response to a request that was `HEAD` or not.
pub(crate) fn of_response(response: &ResponseHead, head_only: bool) -> Result<Framing, BadFraming> {
    let declared = declared(&response.head)?;
    if head_only || matches!(response.status, 100..=199 | 204 | 304) {
        return Ok(Framing::None);
    }
    Ok(declared.unwrap_or(Framing::Close))
}

fn declared(head: &Head) -> Result<Option<Framing>, BadFraming> {
    let (mut length, mut encoding) = (None, None);
    for header in head.iter() {
        match header.known {
            Known::ContentLength if length.is_some() => return Err(BadFraming::RepeatedLength),
            Known::ContentLength => length = Some(content_length(header.value)?),
            Known::TransferEncoding if encoding.is_some() => {
                return Err(BadFraming::RepeatedEncoding);
            }
            Known::TransferEncoding => encoding = Some(header.value),
            _ => {}
        }
    }
    match (length, encoding) {
        (Some(_), Some(_)) => Err(BadFraming::LengthAndEncoding),
        (_, Some(value)) if value.eq_ignore_ascii_case(b"chunked") => Ok(Some(Framing::Chunked)),
        (_, Some(_)) => Err(BadFraming::UnknownEncoding),
        (Some(length), None) => Ok(Some(Framing::Length(length))),
        (None, None) => Ok(None),
    }
}
// ANCHOR_END: request_framing

/// Digits only: no sign, no list, no space (RFC 9110 section 8.6). Nothing past 2^63 - 1.
pub(crate) fn content_length(value: &[u8]) -> Result<u64, BadFraming> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(BadFraming::InvalidLength);
    }
    std::str::from_utf8(value)
        .ok()
        .and_then(|digits| digits.parse::<i64>().ok())
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(BadFraming::InvalidLength)
}

/// A body on its way: the framing with what has passed so far.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Done,
    Length(u64),
    Chunked(chunked::Decoder),
    Close,
}

/// What lies at the start of the bytes that a body was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Skip so many bytes, then so many are data.
    Data { skip: usize, length: usize },
    /// Skip so many bytes, then more must be read.
    More { skip: usize },
    /// Skip so many bytes, then the body is at its end.
    End { skip: usize },
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(chunked::Decoder::default()),
            Framing::Close => Self::Close,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Chunked(decoder) => decoder.is_done(),
            Self::Length(_) | Self::Close => false,
        }
    }

    /// The trailer section that followed the last chunk, its empty line included.
    pub(crate) fn trailers(&self) -> &[u8] {
        match self {
            Self::Chunked(decoder) => decoder.trailers(),
            _ => b"",
        }
    }

    /// Looks at bytes just read; the caller consumes exactly what the piece says.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Piece, BadChunk> {
        match self {
            Self::Done => Ok(Piece::End { skip: 0 }),
            Self::Close | Self::Length(_) if bytes.is_empty() => Ok(Piece::More { skip: 0 }),
            Self::Close => Ok(Piece::Data {
                skip: 0,
                length: bytes.len(),
            }),
            Self::Length(left) => {
                let length = usize::try_from(*left).map_or(bytes.len(), |l| l.min(bytes.len()));
                *left -= length as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Piece::Data { skip: 0, length })
            }
            Self::Chunked(decoder) => decoder.next(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::request::HeadRules;

    fn request(head: &str) -> Result<Framing, BadFraming> {
        let mut request = RequestHead::default();
        let end = request.parse(head.as_bytes(), &HeadRules::default());
        assert_eq!(end, Ok(Some(head.len())), "{head:?} parses");
        of_request(&request)
    }

    #[test]
    fn the_end_of_a_request_body_is_decided_or_refused() {
        let table = [
            ("", Ok(Framing::None)),
            ("Content-Length: 0\r\n", Ok(Framing::None)),
            ("Content-Length: 17\r\n", Ok(Framing::Length(17))),
            ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: ChunKed\r\n", Ok(Framing::Chunked)),
            (
                "Content-Length: 1\r\nContent-Length: 1\r\n",
                Err(BadFraming::RepeatedLength),
            ),
            (
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                Err(BadFraming::RepeatedLength),
            ),
            ("Content-Length: 1, 1\r\n", Err(BadFraming::InvalidLength)),
            ("Content-Length: +1\r\n", Err(BadFraming::InvalidLength)),
            ("Content-Length: -1\r\n", Err(BadFraming::InvalidLength)),
            ("Content-Length: 0x10\r\n", Err(BadFraming::InvalidLength)),
            ("Content-Length:\r\n", Err(BadFraming::InvalidLength)),
            (
                "Content-Length: 9223372036854775808\r\n",
                Err(BadFraming::InvalidLength),
            ),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Err(BadFraming::LengthAndEncoding),
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Err(BadFraming::RepeatedEncoding),
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                Err(BadFraming::UnknownEncoding),
            ),
            (
                "Transfer-Encoding: identity\r\n",
                Err(BadFraming::UnknownEncoding),
            ),
        ];
        for (fields, expected) in table {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            assert_eq!(request(&head), expected, "{fields:?}");
        }
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(request(old), Err(BadFraming::EncodingInHttp10));
    }

    #[test]
    fn a_response_without_length_ends_with_the_connection() {
        let framing = |head: &str, head_only| {
            let mut response = ResponseHead::default();
            assert_eq!(response.parse(head.as_bytes()), Ok(Some(head.len())));
            of_response(&response, head_only)
        };
        assert_eq!(
            framing("HTTP/1.1 200 OK\r\n\r\n", false),
            Ok(Framing::Close)
        );
        assert_eq!(
            framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true),
            Ok(Framing::None)
        );
        assert_eq!(
            framing("HTTP/1.1 204 No Content\r\n\r\n", false),
            Ok(Framing::None)
        );
        assert_eq!(
            framing(
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                false
            ),
            Ok(Framing::None)
        );
    }
}
