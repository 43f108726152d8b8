//! The chunked coding, beside a second decoder that is written for reading.

use super::cuts;
use crate::http1::chunked::{BadChunk, Decoder};
use crate::http1::framing::Piece;

/// A chunked body decodes to the same data however it arrives, and only if it follows the grammar to the letter.
pub fn chunked(bytes: &[u8]) {
    let whole = decode([bytes]);
    let singly = decode(bytes.chunks(1));
    assert_eq!(whole, singly);
    let cut = cuts(bytes).next().unwrap_or(0);
    assert_eq!(whole, decode([&bytes[..cut], &bytes[cut..]]));
    if let Ok(Some(body)) = &whole {
        assert_eq!(
            by_the_grammar(&bytes[..body.length]),
            Some(body.data.clone())
        );
    }
}

#[derive(Debug, PartialEq)]
struct Body {
    data: Vec<u8>,
    trailers: Vec<u8>,
    /// How many bytes the coding took.
    length: usize,
}

/// `None` when the body is not at its end yet.
fn decode<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Body>, BadChunk> {
    let mut decoder = Decoder::default();
    let (mut data, mut length) = (Vec::new(), 0);
    for mut part in parts {
        while !part.is_empty() {
            match decoder.next(part)? {
                Piece::Data {
                    skip,
                    length: count,
                } => {
                    assert!(skip + count > 0, "every step goes on");
                    data.extend_from_slice(&part[skip..skip + count]);
                    (part, length) = (&part[skip + count..], length + skip + count);
                }
                Piece::More { skip } => {
                    assert_eq!(skip, part.len(), "more is asked for when all was looked at");
                    (part, length) = (&[], length + skip);
                }
                Piece::End { skip } => {
                    assert!(decoder.is_done());
                    let trailers = decoder.trailers().to_vec();
                    return Ok(Some(Body {
                        data,
                        trailers,
                        length: length + skip,
                    }));
                }
            }
        }
    }
    Ok(None)
}

/// The same coding, read all at once with no regard to speed (RFC 9112 section 7.1).
fn by_the_grammar(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let line = take_line(&mut rest)?;
        let digits = line
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let size = usize::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        if !matches!(line.get(digits), None | Some(b';' | b' ' | b'\t')) {
            return None;
        }
        if size == 0 {
            while !take_line(&mut rest)?.is_empty() {}
            return rest.is_empty().then_some(data);
        }
        data.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
}

/// A line that ends with CRLF and holds no other CR or LF.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let line = &rest[..end];
    *rest = rest[end..].strip_prefix(b"\r\n")?;
    Some(line)
}
