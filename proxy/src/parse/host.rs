//! The host of a request: `name`, `1.2.3.4` or `[::1]`, with or without a port.

/// Splits and checks a host; answers name (lower case, no trailing dot) and port. `None` is
/// a host that nobody can have.
pub(crate) fn parse_host(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (name, port) = if text.starts_with(b"[") {
        let end = text.iter().position(|&b| b == b']')?;
        let literal = &text[1..end];
        // IPv6, or the future address that RFC 3986 section 3.2.2 leaves room for.
        let future = literal
            .first()
            .is_some_and(|b| b.eq_ignore_ascii_case(&b'v'));
        let valid = |b: &u8| match future {
            true => b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(b),
            false => b.is_ascii_hexdigit() || matches!(b, b':' | b'.'),
        };
        if literal.is_empty() || !literal.iter().all(valid) {
            return None;
        }
        let port = match &text[end + 1..] {
            [] => &[][..],
            [b':', port @ ..] => port,
            _ => return None,
        };
        (&text[..=end], port)
    } else {
        match text.iter().position(|&b| b == b':') {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (text, &[][..]),
        }
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    let port_ok = port.iter().all(u8::is_ascii_digit)
        && (port.is_empty() || std::str::from_utf8(port).ok()?.parse::<u16>().is_ok());
    (port_ok && name_ok(name)).then(|| (name.to_ascii_lowercase(), port.to_vec()))
}

/// RFC 3986 section 3.2.2, `reg-name`, narrowed: no empty label, no user, no path.
fn name_ok(name: &[u8]) -> bool {
    let legal =
        |&b: &u8| b.is_ascii_alphanumeric() || b >= 0x80 || b"-._~%!$&'()*+,;=[]:".contains(&b);
    !name.is_empty()
        && name.iter().all(legal)
        && !name.starts_with(b".")
        && !name.ends_with(b".")
        && !name.windows(2).any(|w| w == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_split_lowered_and_checked() {
        let table = [
            ("localhost", Some(("localhost", ""))),
            ("LocalHost:8080", Some(("localhost", "8080"))),
            ("a.b.:80", Some(("a.b", "80"))),
            ("a:", Some(("a", ""))),
            ("127.0.0.1:1", Some(("127.0.0.1", "1"))),
            ("[::1]", Some(("[::1]", ""))),
            ("[::1]:80", Some(("[::1]", "80"))),
            ("", None),
            (".", None),
            ("a..b", None),
            ("a:b", None),
            ("a:99999", None),
            ("a:1:2", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[]", None),
            ("a/b", None),
            ("user@a", None),
            ("a b", None),
            ("a\0b", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(name, port)| (name.as_bytes().to_vec(), port.into()));
            assert_eq!(parse_host(text.as_bytes()), expected, "{text:?}");
        }
    }
}
