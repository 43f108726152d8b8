//! `charset`: says in the Content-Type what the text is written in, and writes it so if it is not
//! (ngx_http_charset_module).

use std::collections::HashMap;
use std::sync::Arc;

use super::{Draft, Step};
use crate::config::Recoding;
use crate::exchange::Exchange;
use crate::http1::Known;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) {
    let Some(charset) = ex
        .location
        .filters
        .as_ref()
        .and_then(|f| f.charset.as_ref())
    else {
        return;
    };
    // What is packed can't be read here.
    if draft.encoding.is_some() {
        return;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let to = text(&charset.name.evaluate(ex));
    let Some((bare, own)) = split(&draft.content_type) else {
        return;
    };
    let from = match own {
        // Somebody has said what it is in, and here it counts.
        Some(_) if !charset.overrides => return,
        Some(own) => own,
        None if !charset.types.hold(&draft.content_type) => return,
        None => charset
            .source
            .as_ref()
            .map(|source| text(&source.evaluate(ex)))
            .unwrap_or_default(),
    };
    if to.is_empty() || !is_name(&to) {
        return;
    }
    draft.content_type = [&bare[..], b"; charset=", to.as_bytes()].concat().into();
    draft.change(Known::ContentType);
    let map = charset.maps.iter().find(|map| map.is_between(&from, &to));
    if let Some(map) = map {
        recode(draft, &map.table);
    }
}

fn recode(draft: &mut Draft<'_>, table: &Arc<Recoding>) {
    if !matches!(**table, Recoding::Bytes(_)) {
        draft.rewrite_body();
    }
    draft.steps.push(Step::Recode(Recoder {
        table: Arc::clone(table),
        held: Vec::new(),
    }));
}

/// A type without its charset, and the charset.
fn split(content_type: &[u8]) -> Option<(Vec<u8>, Option<String>)> {
    let text = std::str::from_utf8(content_type).ok()?;
    let (bare, rest) = text.split_once(';').unwrap_or((text, ""));
    let own = rest.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        let named = name.eq_ignore_ascii_case("charset");
        named.then(|| value.trim_matches('"').to_owned())
    });
    Some((bare.trim_end().as_bytes().to_vec(), own))
}

/// A body on its way from one charset to another.
#[derive(Debug)]
pub(crate) struct Recoder {
    table: Arc<Recoding>,
    /// The start of a character whose rest has not come.
    held: Vec<u8>,
}

impl Recoder {
    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let table = Arc::clone(&self.table);
        match &*table {
            Recoding::Bytes(table) => out.extend(input.iter().map(|&b| table[usize::from(b)])),
            Recoding::ToUtf8(table) => {
                for &byte in input {
                    out.extend_from_slice(&table[usize::from(byte)]);
                }
            }
            Recoding::FromUtf8(table) => {
                self.held.extend_from_slice(input);
                self.characters(table, out);
            }
        }
    }

    /// What was cut off in the middle can't be written.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::take(&mut self.held).is_empty() {
            out.push(b'?');
        }
    }

    fn characters(&mut self, table: &HashMap<Vec<u8>, u8>, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while let Some(&first) = rest.first() {
            let length = match first {
                ..0x80 => 1,
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 0,
            };
            if rest.len() < length {
                self.held = rest.to_vec();
                return;
            }
            let one = &rest[..length.max(1)];
            match (
                table.get(one),
                std::str::from_utf8(one).ok().and_then(|s| s.chars().next()),
            ) {
                (Some(&byte), _) => out.push(byte),
                (None, Some(ascii)) if ascii.is_ascii() => out.push(first),
                // As HTML writes what a charset has not.
                (None, Some(other)) => {
                    out.extend_from_slice(format!("&#{};", u32::from(other)).as_bytes());
                }
                (None, None) => out.push(b'?'),
            }
            rest = &rest[one.len()..];
        }
    }
}

fn is_name(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.:+()".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recode(table: Recoding, input: &str, size: usize) -> String {
        let table = Arc::new(table);
        let (mut recoder, mut out) = (
            Recoder {
                table,
                held: Vec::new(),
            },
            Vec::new(),
        );
        for piece in input.as_bytes().chunks(size) {
            recoder.run(piece, &mut out);
        }
        recoder.end(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn characters_are_written_otherwise_however_they_come() {
        for size in 1..8 {
            let back = HashMap::from([("ф".as_bytes().to_vec(), b'f')]);
            let text = recode(Recoding::FromUtf8(back), "aфb€", size);
            assert_eq!(text, "afb&#8364;", "pieces of {size}");
            let mut there: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
            there[usize::from(b'f')] = "ф".as_bytes().to_vec();
            assert_eq!(recode(Recoding::ToUtf8(there), "afb", size), "aфb");
        }
    }

    #[test]
    fn a_type_and_its_charset_come_apart() {
        let parts = |text: &str| split(text.as_bytes()).expect("text");
        assert_eq!(parts("text/html"), (b"text/html".to_vec(), None));
        let own = Some("utf-8".to_owned());
        assert_eq!(
            parts("text/html ; charset=\"utf-8\""),
            (b"text/html".to_vec(), own)
        );
    }
}
