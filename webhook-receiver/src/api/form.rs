//! Query strings, forms and uploads, read from the bytes that were sent.

use std::convert::Infallible;

use axum::http::header;
use bytes::Bytes;
use futures_util::stream;

use crate::store::Event;

/// Most parts of one upload that are looked at.
const PARTS: usize = 1000;

/// The fields and files of a body.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) files: Vec<File>,
}

/// An uploaded file or an attachment.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// `a=1&b=x+y%21` in order, repeated names included.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let parts = text
        .split(|&byte| byte == b'&')
        .filter(|part| !part.is_empty());
    let pair = |part: &[u8]| {
        let equals = part.iter().position(|&byte| byte == b'=');
        let (name, value) = match equals {
            Some(at) => (&part[..at], &part[at + 1..]),
            None => (part, &b""[..]),
        };
        (decode(name), decode(value))
    };
    parts.map(pair).collect()
}

fn decode(text: &[u8]) -> String {
    let hex = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = match text[at..] {
            [b'%', high, low, ..] => hex(high).zip(hex(low)),
            _ => None,
        };
        match (escaped, text[at]) {
            (Some((high, low)), _) => {
                bytes.push(high * 16 + low);
                at += 2;
            }
            (None, b'+') => bytes.push(b' '),
            (None, other) => bytes.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the event's body as the form that its content type says it is; None if it is none.
pub(crate) async fn read(event: &Event) -> Option<Form> {
    let kind = event.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let name = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match name.as_str() {
        "application/x-www-form-urlencoded" => Some(Form {
            fields: pairs(&event.body),
            files: Vec::new(),
        }),
        "multipart/form-data" => Some(upload(kind, event.body.clone()).await),
        _ => None,
    }
}

/// As much of an upload as can be read; the raw body is there for the rest.
async fn upload(kind: &str, body: Bytes) -> Form {
    let mut form = Form::default();
    let Ok(boundary) = multer::parse_boundary(kind) else {
        return form;
    };
    let body = stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = multer::Multipart::new(body, boundary);
    while let Ok(Some(part)) = parts.next_field().await {
        let field = part.name().unwrap_or_default().to_owned();
        let name = part.file_name().map(str::to_owned);
        let content_type = part
            .content_type()
            .map_or_else(String::new, ToString::to_string);
        let Ok(bytes) = part.bytes().await else { break };
        match name {
            Some(name) => form.files.push(File {
                field,
                name,
                content_type,
                bytes,
            }),
            None => form
                .fields
                .push((field, String::from_utf8_lossy(&bytes).into_owned())),
        }
        if form.fields.len() + form.files.len() >= PARTS {
            break;
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_order_and_repetition() {
        let own = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert_eq!(
            pairs(b"b=1&a=x+y%21&b=2"),
            own(&[("b", "1"), ("a", "x y!"), ("b", "2")])
        );
        assert_eq!(
            pairs(b"&lone&=v&%zz=%2"),
            own(&[("lone", ""), ("", "v"), ("%zz", "%2")])
        );
        assert_eq!(
            pairs("%F0%9F%98%80=\u{e9}".as_bytes()),
            own(&[("\u{1f600}", "\u{e9}")])
        );
    }
}
