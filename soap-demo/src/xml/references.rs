//! Text as XML means it: line ends, character references and the five entities that need no declaration.

use std::borrow::Cow;

use super::XmlErrorKind as Kind;
use super::names::is_char;

/// `\r\n` and `\r` are read as `\n` (XML 2.11).
pub(super) fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}

/// What `&name;` stands for. Without a DTD there are five entities; any other is an error (XML 4.1).
pub(super) fn resolve(name: &str) -> Result<char, Kind> {
    let unknown = || Kind::Entity(name.chars().take(40).collect());
    let resolved = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(character),
    };
    resolved.ok_or_else(unknown)
}

/// `65` or `x41`.
fn character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // from_str_radix would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|&c| is_char(c))
}

/// An attribute's value (XML 3.3.3): white space becomes spaces, references become what they stand for.
pub(super) fn attribute_value(raw: &str) -> Result<Cow<'_, str>, Kind> {
    if !raw.contains(['&', '<', '\t', '\n', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        let found = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match found {
            b'&' => {
                let (name, after) = rest.split_once(';').ok_or(Kind::Attribute)?;
                value.push(resolve(name)?);
                rest = after;
            }
            b'<' => return Err(Kind::Attribute),
            b'\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                value.push(' ');
            }
            _ => value.push(' '),
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}
