//! Doors for the fuzzers in `fuzz/`: each takes any bytes, puts them through one parser of untrusted text, and panics when
//! the parser breaks a promise. Not part of the proxy's interface.

use crate::config::syntax::{self, Directive};
use crate::http1::chunked::{BadChunk, Decoder};
use crate::http1::framing::{self, Framing, Piece};
use crate::http1::request::HeadRules;
use crate::http1::{Known, RequestHead};

/// A configuration is read or refused with a report, and what was read survives being written out and read again.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match syntax::load_str("fuzz.conf", text) {
        Err(error) => {
            let report = format!("{error}\n{}", error.report());
            assert!(
                report.len() < 20_000 + 10 * error.message.len(),
                "a report stays readable"
            );
        }
        Ok(tree) => {
            let written = write_out(&tree.directives);
            let again =
                syntax::load_str("again.conf", &written).expect("a tree written out is good text");
            assert_eq!(write_out(&again.directives), written);
        }
    }
}

/// The tree as text: every word quoted, so that nothing depends on what a word looks like.
fn write_out(directives: &[Directive]) -> String {
    let mut text = String::new();
    for directive in directives {
        text.push_str(&quoted(&directive.name));
        for arg in &directive.args {
            text.push(' ');
            text.push_str(&quoted(&arg.text));
        }
        match &directive.block {
            Some(block) => text.push_str(&format!(" {{\n{}}}\n", write_out(block))),
            None => text.push_str(";\n"),
        }
    }
    text
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A request head means the same however it arrives, and holds nothing that another reader could read differently.
pub fn request_head(bytes: &[u8]) {
    let strict = HeadRules::default();
    let lax = HeadRules {
        ignore_invalid_headers: false,
        underscores_in_headers: true,
        ..strict
    };
    for rules in [strict, lax] {
        let mut head = RequestHead::default();
        let whole = head.parse(bytes, &rules);
        let Ok(Some(end)) = whole else { continue };
        check_head(&head, &bytes[..end]);
        for cut in cuts(bytes) {
            let part = RequestHead::default().parse(&bytes[..cut], &rules);
            assert_eq!(
                part,
                Ok((cut >= end).then_some(end)),
                "first {cut} of {} bytes",
                bytes.len()
            );
        }
    }
}

/// Some places to cut an input at, the same for the same input.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut seed = bytes.iter().fold(bytes.len(), |seed, &byte| {
        seed.wrapping_mul(31) ^ usize::from(byte)
    });
    let length = bytes.len();
    (0..8).map(move |_| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % (length + 1)
    })
}

/// Reads an accepted head once more, line by line, and compares.
fn check_head(head: &RequestHead, raw: &[u8]) {
    let mut lines = raw
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .skip_while(|line| line.is_empty());
    let first = lines.next().expect("a head has a request line");
    assert_eq!(head.line(), first);
    assert!(first.starts_with(head.method()));
    for part in [head.method(), head.target()] {
        assert!(!part.is_empty() && part.iter().all(|&byte| byte > b' ' && byte != 0x7f));
    }
    let fields: Vec<_> = lines
        .take_while(|line| !line.is_empty())
        .map(name_and_value)
        .collect();
    let named = |name: &str| {
        fields
            .iter()
            .filter(|field| field.0.eq_ignore_ascii_case(name.as_bytes()))
            .count()
    };
    assert_eq!(
        named("content-length"),
        head.head.count(Known::ContentLength)
    );
    assert_eq!(
        named("transfer-encoding"),
        head.head.count(Known::TransferEncoding)
    );
    assert_eq!(named("host"), head.head.count(Known::Host));
    match framing::of_request(head) {
        Ok(Framing::Chunked) => assert_eq!(
            (named("content-length"), named("transfer-encoding")),
            (0, 1)
        ),
        Ok(Framing::Length(_)) => assert_eq!(
            (named("content-length"), named("transfer-encoding")),
            (1, 0)
        ),
        Ok(Framing::None) => assert_eq!(named("transfer-encoding"), 0),
        Ok(Framing::Close) => panic!("a request does not end with its connection"),
        Err(_) => {}
    }
}

fn name_and_value(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line
        .iter()
        .position(|&byte| byte == b':')
        .expect("a field has a colon");
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    assert!(
        !name.is_empty() && name.iter().all(|&byte| byte > b' ' && byte != 0x7f),
        "{name:?}"
    );
    assert!(
        value
            .iter()
            .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)),
        "{value:?}"
    );
    (name, value)
}

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
