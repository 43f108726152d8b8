//! Text with variables inside a command, and the ways in which a value is written into a page.

use super::command::Encoding;

/// Writes `text` with each `$name` and `${name}` replaced by what `value` gives; `\$` is a dollar.
/// `None` is text that ends in the middle of a name.
pub(crate) fn expand(text: &[u8], mut value: impl FnMut(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(dollar) = rest.iter().position(|&b| b == b'$') {
        let (before, after) = (&rest[..dollar], &rest[dollar + 1..]);
        if let Some(bare) = before.strip_suffix(b"\\") {
            out.extend_from_slice(bare);
            out.push(b'$');
            rest = after;
            continue;
        }
        out.extend_from_slice(before);
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        let (name, behind) = match after.strip_prefix(b"{") {
            Some(inside) => {
                let end = inside.iter().position(|&b| b == b'}')?;
                (&inside[..end], &inside[end + 1..])
            }
            None => after.split_at(after.iter().take_while(is_part).count()),
        };
        if name.is_empty() || !name.iter().all(|b| is_part(&b)) {
            return None;
        }
        out.extend_from_slice(&value(&name.to_ascii_lowercase()));
        rest = behind;
    }
    out.extend_from_slice(rest);
    Some(out)
}

pub(super) fn encode(value: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    for &byte in value {
        match (encoding, byte) {
            (Encoding::Entity, b'&') => out.extend_from_slice(b"&amp;"),
            (Encoding::Entity, b'<') => out.extend_from_slice(b"&lt;"),
            (Encoding::Entity, b'>') => out.extend_from_slice(b"&gt;"),
            (Encoding::Entity, b'"') => out.extend_from_slice(b"&quot;"),
            (Encoding::Url, b' ' | b'#' | b'"' | b'%' | b'\'' | 0..=0x1f | 0x7f..) => {
                let digits = b"0123456789ABCDEF";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'%', digits[high], digits[low]]);
            }
            _ => out.push(byte),
        }
    }
}

/// The path and the arguments of an include, as a request would have them. A path without a slash
/// in front lies beside the page; one that climbs out of the site, or can't be decoded, is none.
pub(crate) fn target(text: &[u8], page: &[u8]) -> Option<Vec<u8>> {
    let question = text.iter().position(|&b| b == b'?');
    let (path, args) = text.split_at(question.unwrap_or(text.len()));
    let mut whole = Vec::new();
    if !path.starts_with(b"/") {
        let slash = page.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
        whole.extend_from_slice(&page[..slash]);
    }
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        };
        if decoded == 0 {
            return None;
        }
        whole.push(decoded);
    }
    let climbs = whole.split(|&b| b == b'/').any(|part| part == b"..");
    // A question mark that was encoded would end the path.
    if whole.is_empty() || climbs || whole.contains(&b'?') {
        return None;
    }
    whole.extend_from_slice(args);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_dollars_can_be_meant() {
        let expand = |text: &str| {
            let text = expand(text.as_bytes(), |name| [b"<", name, b">"].concat())?;
            Some(String::from_utf8(text).expect("text"))
        };
        assert_eq!(expand("a $B ${c}d \\$e").as_deref(), Some("a <b> <c>d $e"));
        assert_eq!(expand("none").as_deref(), Some("none"));
        for bad in ["$", "a$ b", "${a", "${}", "${a-b}"] {
            assert_eq!(expand(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_can_be_written_safely() {
        let write = |encoding| {
            let mut out = Vec::new();
            encode(b"<a href=\"x y\">&", encoding, &mut out);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(write(Encoding::None), "<a href=\"x y\">&");
        assert_eq!(
            write(Encoding::Entity),
            "&lt;a href=&quot;x y&quot;&gt;&amp;"
        );
        assert_eq!(write(Encoding::Url), "<a%20href=%22x%20y%22>&");
    }

    #[test]
    fn an_include_stays_in_the_site() {
        let target = |text: &str| {
            let target = target(text.as_bytes(), b"/dir/page.html")?;
            Some(String::from_utf8(target).expect("text"))
        };
        assert_eq!(target("/a%20b?c=%20").as_deref(), Some("/a b?c=%20"));
        assert_eq!(target("foot.html").as_deref(), Some("/dir/foot.html"));
        for bad in ["../a", "/a/%2e%2e/b", "/a%zz", "/a%0", "/a%00", "/a%3fb"] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }
}
