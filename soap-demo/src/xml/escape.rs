//! Text on its way out.

use super::names::is_char;

/// Appends `text` as character data that is safe in an element and in a double-quoted attribute. A character that XML
/// can't carry becomes U+FFFD: an answer is always a document.
pub fn escape_into(out: &mut String, text: &str) {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\r') || !is_char(c);
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut after = from.chars();
        match after.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            // A bare one would be read back as a line feed.
            Some('\r') => out.push_str("&#13;"),
            _ => out.push('\u{FFFD}'),
        }
        rest = after.as_str();
    }
    out.push_str(rest);
}

/// Whether XML can carry every character of `text`.
pub fn is_xml_text(text: &str) -> bool {
    text.chars().all(is_char)
}
