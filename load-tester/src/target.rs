//! Takes the address the user typed and decides host, port and path; resolves the name once, before the run.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
};

/// An `http://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

/// Why an address cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The load tester does not speak TLS.
    #[error("https is not spoken here; ask the http port of the same server")]
    Https,
    /// Some other scheme.
    #[error("`{0}://` is not http")]
    Scheme(String),
    /// There is no host, or it has characters that no host has.
    #[error("{0:?} names no host")]
    Host(String),
    /// The port is not a number from 1 to 65535.
    #[error("{0:?} is not a port")]
    Port(String),
    /// White space or control characters would break the request line apart.
    #[error("white space in the address; write it as %20")]
    Space,
}

impl Target {
    /// Host and port as the Host field names them: the port only if it was typed.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All addresses of the host, in the order the system prefers.
    pub(crate) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<SocketAddr> =
            (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address",
            ));
        }
        Ok(addresses)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    /// `http://host:port/path?query`; the scheme and the path may be left out.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Space);
        }
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                return Err(TargetError::Https);
            }
            Some((scheme, _)) => return Err(TargetError::Scheme(scheme.to_owned())),
            None => text,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('?') => (&rest[..at], format!("/{}", &rest[at..])),
            Some(at) => (&rest[..at], rest[at..].to_owned()),
            None => (rest, "/".to_owned()),
        };
        let (host, port) = split_port(authority)?;
        Ok(Self {
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            path,
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, u16), TargetError> {
    let no_host = || TargetError::Host(authority.to_owned());
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or_else(no_host)?;
            (
                host,
                after
                    .strip_prefix(':')
                    .or(after.is_empty().then_some("80"))
                    .ok_or_else(no_host)?,
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "80")),
    };
    if host.is_empty() || host.contains(['@', '[', ']', '"', '\\']) {
        return Err(no_host());
    }
    match port.parse() {
        Ok(port) if port > 0 => Ok((host, port)),
        _ => Err(TargetError::Port(port.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetError};

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (text, authority, host, port, path) in [
            ("http://localhost:80/", "localhost:80", "localhost", 80, "/"),
            ("localhost:8088", "localhost:8088", "localhost", 8088, "/"),
            ("HTTP://proxy", "proxy", "proxy", 80, "/"),
            ("http://proxy?ms=5", "proxy", "proxy", 80, "/?ms=5"),
            (
                "http://proxy/slow?ms=5&u=a://b#here",
                "proxy",
                "proxy",
                80,
                "/slow?ms=5&u=a://b",
            ),
            ("http://[::1]:8088/x", "[::1]:8088", "::1", 8088, "/x"),
            ("http://[::1]", "[::1]", "::1", 80, "/"),
        ] {
            let target: Target = text.parse().unwrap();
            let found = (
                target.authority.as_str(),
                target.host.as_str(),
                target.port,
                target.path.as_str(),
            );
            assert_eq!(found, (authority, host, port, path), "{text}");
        }
    }

    #[test]
    fn addresses_that_cannot_be_asked_are_refused_with_the_reason() {
        for (text, error) in [
            ("https://localhost/", TargetError::Https),
            ("ftp://localhost/", TargetError::Scheme("ftp".into())),
            ("http:///x", TargetError::Host(String::new())),
            ("http://me@host/", TargetError::Host("me@host".into())),
            ("http://[::1", TargetError::Host("[::1".into())),
            ("http://host:http/", TargetError::Port("http".into())),
            ("http://host:0/", TargetError::Port("0".into())),
            ("http://host/a b", TargetError::Space),
            ("http://host/\r\nX: y", TargetError::Space),
        ] {
            assert_eq!(text.parse::<Target>(), Err(error), "{text}");
        }
    }
}
