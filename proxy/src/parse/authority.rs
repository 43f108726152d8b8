//! The authority form of a CONNECT (RFC 9112 section 3.2.3): `host:port` and nothing else. It is stricter than a Host field,
//! since what stands here is connected to: the port must be there, and what looks like an address must be one.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name of the DNS, in its text form.
const LONGEST_NAME: usize = 253;

/// Host (lower case, no trailing dot, IPv6 in brackets) and port, if it is one.
pub(crate) fn parse_authority(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let text = std::str::from_utf8(text).ok()?;
    let (host, port) = text.rsplit_once(':')?;
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let number: u16 = port.parse().ok().filter(|&number| digits && number > 0)?;
    let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(literal) => format!("[{}]", literal.parse::<Ipv6Addr>().ok()?),
        None => name(host)?,
    };
    Some((host.into_bytes(), number.to_string().into_bytes()))
}

/// Letters, digits, `-` and `_` in labels; digits and dots only is an IPv4 address or nothing.
fn name(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(legal)
    };
    if host.len() > LONGEST_NAME || !host.split('.').all(label) {
        return None;
    }
    let numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return None;
    }
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_a_port_and_nothing_else() {
        let long = format!("{}.com:443", "a".repeat(64));
        let table = [
            ("example.com:443", Some("example.com 443")),
            ("EXAMPLE.com.:0443", Some("example.com 443")),
            ("a_b-c.d:1", Some("a_b-c.d 1")),
            (
                "xn--bcher-kva.example:443",
                Some("xn--bcher-kva.example 443"),
            ),
            ("127.0.0.1:65535", Some("127.0.0.1 65535")),
            ("[::1]:443", Some("[::1] 443")),
            ("[0:0:0:0:0:0:0:1]:443", Some("[::1] 443")),
            ("[::ffff:1.2.3.4]:443", Some("[::ffff:1.2.3.4] 443")),
            ("example.com", None),
            ("example.com:", None),
            ("example.com:0", None),
            ("example.com:65536", None),
            ("example.com:+443", None),
            ("example.com:443/", None),
            ("http://example.com:443", None),
            ("/:443", None),
            ("*:443", None),
            (":443", None),
            ("user@example.com:443", None),
            ("a..b:443", None),
            ("a b:443", None),
            ("a%2e:443", None),
            ("b\u{fc}cher.example:443", None),
            ("127.1:443", None),
            ("2130706433:443", None),
            ("1.2.3.4.5:443", None),
            ("::1:443", None),
            ("[::1%eth0]:443", None),
            ("[fe80::1]x:443", None),
            ("[]:443", None),
            ("[1.2.3.4]:443", None),
            (long.as_str(), None),
        ];
        for (text, expected) in table {
            let got = parse_authority(text.as_bytes()).map(|(host, port)| {
                let text = |bytes| String::from_utf8(bytes).expect("text");
                format!("{} {}", text(host), text(port))
            });
            assert_eq!(got.as_deref(), expected, "{text}");
        }
        assert_eq!(parse_authority(b"a\xff:443"), None);
    }
}
