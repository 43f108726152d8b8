//! Heads for people to read: takes the bytes of one, decides what in it is nobody's business, hands on lines of text.
//! Secrets go here, before anything is kept; bounds, too.

use serde::Serialize;

const REDACTED: &str = "[redacted]";
const MOST_FIELDS: usize = 64;
const LONGEST: usize = 512;
const MOST_BYTES: usize = 4096;

/// Field names, and parts of names, whose values are never kept. Parts also count in query arguments.
const SECRET_PARTS: [&str; 8] = [
    "authorization",
    "password",
    "passwd",
    "secret",
    "token",
    "api-key",
    "apikey",
    "session",
];

/// The first line of a head and its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Lines {
    line: String,
    fields: Vec<(String, String)>,
    /// There was more than is kept.
    cut: bool,
}

impl Lines {
    /// Reads up to the first empty line.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut lines = bytes
            .trim_ascii_start()
            .split(|&byte| byte == b'\n')
            .map(|line| line.trim_ascii_end());
        let first = lines.next().unwrap_or_default();
        let mut head = Self {
            line: without_secret_arguments(&text(first)),
            ..Self::default()
        };
        let mut left = MOST_BYTES.saturating_sub(head.line.len());
        for line in lines.take_while(|line| !line.is_empty()) {
            let colon = line.iter().position(|&byte| byte == b':');
            let (name, value) = line.split_at(colon.unwrap_or(line.len()));
            let name = text(name);
            let value = text(value.get(1..).unwrap_or_default().trim_ascii());
            let cost = name.len() + value.len();
            if head.fields.len() == MOST_FIELDS || cost > left {
                head.cut = true;
                break;
            }
            left -= cost;
            let value = without_secrets(&name, value);
            head.fields.push((name, value));
        }
        head
    }
}

/// Bytes as text, no longer than a screen is patient.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned();
    if bytes.len() > LONGEST {
        text.push('…');
    }
    text
}

// ANCHOR: redact
/// What may be kept of a field's value: the scheme of `Authorization`, the names of cookies, nothing of other secrets.
fn without_secrets(name: &str, value: String) -> String {
    match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                format!("{scheme} {REDACTED}")
            }
            _ => REDACTED.to_owned(),
        },
        "cookie" => value
            .split(';')
            .map(without_cookie)
            .collect::<Vec<_>>()
            .join("; "),
        "set-cookie" => match value.split_once(';') {
            Some((cookie, attributes)) => format!("{};{attributes}", without_cookie(cookie)),
            None => without_cookie(&value),
        },
        name if is_secret(name) => REDACTED.to_owned(),
        "referer" | "location" | "content-location" | "refresh" | "link" => {
            without_secret_arguments(&value)
        }
        _ => value,
    }
}
// ANCHOR_END: redact

fn without_cookie(cookie: &str) -> String {
    match cookie.trim().split_once('=') {
        Some((name, _)) => format!("{name}={REDACTED}"),
        None => REDACTED.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// `?access_token=abc&page=2` becomes `?access_token=[redacted]&page=2`.
pub(super) fn without_secret_arguments(text: &str) -> String {
    let Some((before, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    // In a request line the version follows.
    let (query, after) = query.split_at(query.find([' ', '#']).unwrap_or(query.len()));
    let kept = |argument: &str| match argument.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
        _ => argument.to_owned(),
    };
    let query: Vec<_> = query.split('&').map(kept).collect();
    format!("{before}?{}{after}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(head: &str) -> String {
        let lines = Lines::of_bytes(format!("GET / HTTP/1.1\r\n{head}\r\n\r\n").as_bytes());
        lines.fields[0].1.clone()
    }

    #[test]
    fn a_head_is_its_lines_in_order_and_ends_at_the_empty_one() {
        let lines = Lines::of_bytes(b"GET /a HTTP/1.1\r\nHost: a\r\nX-B:  1 \r\n\r\nbody: secret");
        assert_eq!(lines.line, "GET /a HTTP/1.1");
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(lines.fields, [field("Host", "a"), field("X-B", "1")]);
        assert!(!lines.cut);
    }

    #[test]
    fn secrets_are_not_kept_in_any_spelling() {
        for (field, kept) in [
            ("Authorization: Basic dXNlcjpwdw==", "Basic [redacted]"),
            ("AUTHORIZATION: hunter2", "[redacted]"),
            ("Authorization: hunter-2 x", "[redacted]"),
            ("proxy-authorization: Bearer abc", "Bearer [redacted]"),
            (
                "Cookie: sid=abc=; theme=dark",
                "sid=[redacted]; theme=[redacted]",
            ),
            ("Cookie: justavalue", "[redacted]"),
            (
                "Set-Cookie: sid=abc; Path=/; HttpOnly",
                "sid=[redacted]; Path=/; HttpOnly",
            ),
            ("Set-Cookie: sid=abc", "sid=[redacted]"),
            ("X-Api-Key: abc", "[redacted]"),
            ("X-CSRF-Token: abc", "[redacted]"),
            ("X_Auth_Token: abc", "[redacted]"),
            (
                "Location: /cb?code=1&access_token=abc#x",
                "/cb?code=1&access_token=[redacted]#x",
            ),
            ("Accept: text/html", "text/html"),
        ] {
            assert_eq!(value_of(field), kept, "{field}");
        }
    }

    #[test]
    fn secret_arguments_of_the_request_line_are_not_kept() {
        let lines = Lines::of_bytes(b"GET /a?token=abc&b=2 HTTP/1.1\r\n\r\n");
        assert_eq!(lines.line, "GET /a?token=[redacted]&b=2 HTTP/1.1");
    }

    #[test]
    fn a_head_is_kept_within_bounds() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(10_000));
        assert!(Lines::of_bytes(long.as_bytes()).line.len() < LONGEST + 8);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1000));
        let many = Lines::of_bytes(many.as_bytes());
        assert_eq!((many.fields.len(), many.cut), (MOST_FIELDS, true));
        let large = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            format!("a: {}\r\n", "b".repeat(500)).repeat(60)
        );
        let large = Lines::of_bytes(large.as_bytes());
        let bytes: usize = large
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(bytes <= MOST_BYTES && large.cut, "{bytes}");
    }
}
