//! Which characters and names XML 1.0 (fifth edition) and Namespaces in XML 1.0 allow.

use super::XmlErrorKind as Kind;

/// The offset of the first character that no XML document may hold.
pub(super) fn first_illegal(text: &str) -> Option<usize> {
    // Nearly all text is printable ASCII or UTF-8's upper bytes; only U+FFFE, U+FFFF (EF BF BE, EF BF BF) and controls
    // are illegal, so a look at bytes decides without decoding.
    let bytes = text.as_bytes();
    let suspicious = |&byte: &u8| byte < 0x20 || byte == 0xEF;
    if !bytes.iter().any(suspicious) {
        return None;
    }
    let illegal = |at: usize| match bytes[at] {
        b'\t' | b'\n' | b'\r' => false,
        0..0x20 => true,
        0xEF => matches!(bytes[at + 1..], [0xBF, 0xBE | 0xBF, ..]),
        _ => false,
    };
    (0..bytes.len()).find(|&at| illegal(at))
}

/// Production Char.
pub(super) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// A name without a colon (Namespaces, production NCName).
pub(super) fn is_ncname(name: &str) -> bool {
    let mut rest = name.chars();
    rest.next().is_some_and(is_name_start) && rest.all(is_name_char)
}

/// `prefix:local` or `local`.
pub(super) fn split_qname(name: &str) -> Result<(&str, &str), Kind> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefixed = name.len() > local.len();
    if is_ncname(local) && (!prefixed || is_ncname(prefix)) {
        Ok((prefix, local))
    } else {
        Err(Kind::Name(name.chars().take(40).collect()))
    }
}

fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
