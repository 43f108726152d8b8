//! Version 1: one line of text, `PROXY TCP4 192.0.2.1 192.0.2.2 1234 80`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Broken, Ends, Told};

pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// With its line end, as the specification counts.
pub(super) const LONGEST: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Told, usize)>, Broken> {
    let most = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr::memchr(b'\n', most) else {
        return if bytes.len() < LONGEST {
            Ok(None)
        } else {
            Err(Broken::Header)
        };
    };
    let line = most[..end].strip_suffix(b"\r").ok_or(Broken::Header)?;
    let told = told(&line[SIGNATURE.len().min(line.len())..]).ok_or(Broken::Header)?;
    Ok(Some((told, end + 1)))
}

fn told(rest: &[u8]) -> Option<Told> {
    // Whatever follows is not for us to read.
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        return Some(Told::default());
    }
    let mut words = std::str::from_utf8(rest).ok()?.split(' ');
    let address: fn(&str) -> Option<IpAddr> = match words.next()? {
        "TCP4" => |text| Some(IpAddr::V4(text.parse::<Ipv4Addr>().ok()?)),
        "TCP6" => |text| Some(IpAddr::V6(text.parse::<Ipv6Addr>().ok()?)),
        _ => return None,
    };
    let (client, server) = (address(words.next()?)?, address(words.next()?)?);
    let ends = Ends {
        client: SocketAddr::new(client, port(words.next()?)?),
        server: SocketAddr::new(server, port(words.next()?)?),
    };
    words.next().is_none().then_some(Told {
        ends: Some(ends),
        tlvs: Box::default(),
    })
}

/// Digits, and none too many.
fn port(text: &str) -> Option<u16> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn ends(line: &str) -> Result<Option<String>, Broken> {
        let told = parse(line.as_bytes())?;
        Ok(told.map(|(told, length)| {
            let ends = told
                .ends
                .map(|ends| format!("{} {}", ends.client, ends.server));
            format!("{} {length}", ends.unwrap_or_default())
        }))
    }

    #[test]
    fn a_line_names_both_ends() {
        for (line, expected) in [
            (
                "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\nGET",
                "192.0.2.1:123 192.0.2.2:5678 41",
            ),
            (
                "PROXY TCP6 2001:Db8::1 ::2 0 65535\r\n",
                "[2001:db8::1]:0 [::2]:65535 36",
            ),
            ("PROXY UNKNOWN\r\n", " 15"),
            ("PROXY UNKNOWN 1 2 3 4 5 6\r\n", " 27"),
        ] {
            assert_eq!(ends(line), Ok(Some(expected.to_owned())), "{line:?}");
        }
    }

    #[test]
    fn a_line_that_has_not_ended_may_go_on() {
        let line = "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\n";
        for cut in 0..line.len() {
            assert_eq!(ends(&line[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn what_is_not_such_a_line_is_broken() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST));
        for line in [
            "GET / HTTP/1.1\r\n",
            "PROXY\r\n",
            "PROXY \r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 123\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678 9\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\n",
            "PROXY TCP4 192.0.2.1  192.0.2.2 123 5678\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 0123 5678\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 +123 5678\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 123 65536\r\n",
            "PROXY TCP4 ::1 ::2 123 5678\r\n",
            "PROXY TCP6 192.0.2.1 192.0.2.2 123 5678\r\n",
            "PROXY TCP4 192.0.2.256 192.0.2.2 123 5678\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 123 5678\r\n",
            "proxy TCP4 192.0.2.1 192.0.2.2 123 5678\r\n",
            "PROXY UNKNOWNS\r\n",
            &long,
        ] {
            assert_eq!(ends(line), Err(Broken::Header), "{line:?}");
        }
    }
}
