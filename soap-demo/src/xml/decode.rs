//! Bytes to text: UTF-8 or UTF-16, told apart by byte order mark, HTTP charset or the first bytes, in that order of
//! trust; other encodings are refused (Basic Profile R1012: senders use one of the two).

use std::borrow::Cow;

use super::{XmlError, XmlErrorKind as Kind};

/// What the HTTP `charset` parameter can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Also said by `us-ascii`, a part of it.
    Utf8,
    /// Either byte order; the mark tells which.
    Utf16,
    /// Big end first.
    Utf16Be,
    /// Little end first.
    Utf16Le,
}

impl Charset {
    /// None for a charset that we don't read.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Some(Self::Utf8),
            "utf-16" => Some(Self::Utf16),
            "utf-16be" => Some(Self::Utf16Be),
            "utf-16le" => Some(Self::Utf16Le),
            _ => None,
        }
    }
}

/// The text of a document without its byte order mark.
pub fn decode(bytes: &[u8], charset: Option<Charset>) -> Result<Cow<'_, str>, XmlError> {
    decoded(bytes, charset).map_err(XmlError::at_start)
}

fn decoded(bytes: &[u8], charset: Option<Charset>) -> Result<Cow<'_, str>, Kind> {
    let (found, rest) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Some(Charset::Utf8), rest),
        [0xFE, 0xFF, rest @ ..] => (Some(Charset::Utf16Be), rest),
        [0xFF, 0xFE, rest @ ..] => (Some(Charset::Utf16Le), rest),
        // Without a mark a document begins with "<", whose zero byte shows the order.
        [0, b'<', ..] => (Some(Charset::Utf16Be), bytes),
        [b'<', 0, ..] => (Some(Charset::Utf16Le), bytes),
        _ => (None, bytes),
    };
    let agreed = match (found, charset) {
        (Some(Charset::Utf16Be | Charset::Utf16Le), Some(Charset::Utf16)) | (Some(_), None) => {
            found
        }
        (Some(found), Some(said)) if found != said => return Err(Kind::Encoding("charset")),
        (_, said) => said,
    };
    let text = match agreed.unwrap_or(Charset::Utf8) {
        Charset::Utf8 => Cow::Borrowed(str::from_utf8(rest).map_err(|_| Kind::Encoding("UTF-8"))?),
        Charset::Utf16 | Charset::Utf16Be => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        Charset::Utf16Le => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
    };
    let wide = matches!(text, Cow::Owned(_));
    agrees_with_declaration(&text, wide)?;
    Ok(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Kind> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| unit(pair));
    let text = char::decode_utf16(units).collect::<Result<String, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Kind::Encoding("UTF-16")),
    }
}

/// The declaration's `encoding` must be one that we read, and the family that the bytes are in (XML 4.3.3).
fn agrees_with_declaration(text: &str, wide: bool) -> Result<(), Kind> {
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|t| t.split_once("?>")) else {
        return Ok(());
    };
    let Some((_, value)) = declaration.0.split_once("encoding") else {
        return Ok(());
    };
    let value = value.trim_start_matches([' ', '\t', '\r', '\n', '=']);
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(()); // malformed: the reader will say so
    };
    let name = value[1..].split(quote).next().unwrap_or_default();
    match Charset::from_name(name) {
        Some(Charset::Utf8) if !wide => Ok(()),
        Some(Charset::Utf16 | Charset::Utf16Be | Charset::Utf16Le) if wide => Ok(()),
        Some(_) => Err(Kind::Encoding("encoding")),
        None => Err(Kind::Charset(name.chars().take(40).collect())),
    }
}
