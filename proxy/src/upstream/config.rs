//! What an `upstream {}` block says, checked and typed; nothing here is live yet.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Address;
use super::queue::Queue;
use super::resolve::Resolving;
use crate::balance::Method;
use crate::dns::Name;

#[derive(Debug, Clone)]
pub(crate) struct UpstreamConfig {
    pub(crate) name: String,
    pub(crate) servers: Vec<ServerConfig>,
    pub(crate) method: Method,
    /// `queue`: how many requests may wait for a peer, and how long.
    pub(crate) queue: Option<(usize, Duration)>,
}

/// One `server` line; a name in it can stand for several peers.
#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    /// As written: `backend1:5000`. It identifies the server in the status API and over a reload.
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) weight: u32,
    /// So many failures within `fail_timeout` take a peer out; 0 is never.
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout: Duration,
    /// At most so many requests at a time; 0 is no limit.
    pub(crate) max_conns: u64,
    pub(crate) backup: bool,
    pub(crate) down: bool,
    /// How long its share grows when it has come back; 0 is at once.
    pub(crate) slow_start: Duration,
    /// Of its upstream: who waits there is told of each request that ends.
    pub(crate) queue: Option<Arc<Queue>>,
    /// Its upstream chooses by time, so its answers are timed.
    pub(crate) timed: bool,
    /// Only for clients that are bound to it already.
    pub(crate) drain: bool,
    /// Its name for sticky clients, in place of a digest of its address.
    pub(crate) route: Option<String>,
    /// `resolve`, where a `resolver` is named; without one the system is asked.
    pub(crate) resolving: Option<Arc<Resolving>>,
}

/// Where the peers of a `server` line are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Address(Address),
    /// Has to be asked for, again and again: containers come back under other addresses.
    Name {
        host: String,
        port: u16,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("no host")]
    NoHost,
    #[error("no path in the unix domain socket")]
    NoPath,
    #[error("invalid port")]
    InvalidPort,
    #[error("invalid IPv6 address")]
    InvalidIpv6,
}

impl Target {
    /// `None` of a path.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Address(Address::Tcp(address)) => Some(address.port()),
            Self::Address(Address::Unix(_)) => None,
            Self::Name { port, .. } => Some(*port),
        }
    }

    /// Reads `host`, `host:port`, `1.2.3.4:80`, `[::1]:80` or `unix:/path`, in nginx's wording when it is wrong.
    pub(crate) fn parse(name: &str, default_port: u16) -> Result<Self, TargetError> {
        if let Some((scheme, path)) = name.split_at_checked(5)
            && scheme.eq_ignore_ascii_case("unix:")
        {
            let path = path.trim_end_matches(':');
            let path = if path.is_empty() {
                return Err(TargetError::NoPath);
            } else {
                Path::new(path)
            };
            return Ok(Self::Address(Address::Unix(Arc::from(path))));
        }
        let (host, port) = split_port(name)?;
        let port = match port {
            None => default_port,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or(TargetError::InvalidPort)?,
        };
        if let Some(ipv6) = host.strip_prefix('[') {
            let ip = ipv6
                .trim_end_matches(']')
                .parse()
                .map_err(|_| TargetError::InvalidIpv6)?;
            return Ok(Self::Address(Address::Tcp(SocketAddr::new(
                IpAddr::V6(ip),
                port,
            ))));
        }
        Ok(match host.parse::<IpAddr>() {
            _ if host.is_empty() => return Err(TargetError::NoHost),
            Ok(ip) => Self::Address(Address::Tcp(SocketAddr::new(ip, port))),
            Err(_) => Self::Name {
                host: host.to_owned(),
                port,
            },
        })
    }
}

fn split_port(name: &str) -> Result<(&str, Option<&str>), TargetError> {
    let after_ipv6 = if name.starts_with('[') {
        name.find(']').ok_or(TargetError::InvalidIpv6)? + 1
    } else {
        0
    };
    Ok(match name[after_ipv6..].split_once(':') {
        None => (name, None),
        Some((before, port)) => (&name[..after_ipv6 + before.len()], Some(port)),
    })
}

impl ServerConfig {
    /// The name of `service=`, as it is asked for.
    pub(super) fn service(&self) -> Option<&Name> {
        self.resolving.as_ref()?.service.as_ref()
    }

    /// A `server` line without parameters: nginx's defaults.
    pub(crate) fn new(name: impl Into<String>, default_port: u16) -> Result<Self, TargetError> {
        let name = name.into();
        Ok(Self {
            target: Target::parse(&name, default_port)?,
            name,
            weight: 1,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            max_conns: 0,
            backup: false,
            down: false,
            slow_start: Duration::ZERO,
            queue: None,
            timed: false,
            drain: false,
            route: None,
            resolving: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_or_a_name_to_ask_for() {
        let tcp = |text: &str| Ok(Target::Address(Address::Tcp(text.parse().unwrap())));
        let named = |host: &str, port| {
            Ok(Target::Name {
                host: host.to_owned(),
                port,
            })
        };
        for (name, target) in [
            ("127.0.0.1:5001", tcp("127.0.0.1:5001")),
            ("127.0.0.1", tcp("127.0.0.1:80")),
            ("[::1]:81", tcp("[::1]:81")),
            ("[::1]", tcp("[::1]:80")),
            ("backend1:5000", named("backend1", 5000)),
            ("backend1", named("backend1", 80)),
            (
                "unix:/run/a.sock",
                Ok(Target::Address(Address::Unix(Arc::from(Path::new(
                    "/run/a.sock",
                ))))),
            ),
            ("unix:", Err(TargetError::NoPath)),
            (":80", Err(TargetError::NoHost)),
            ("", Err(TargetError::NoHost)),
            ("a:b", Err(TargetError::InvalidPort)),
            ("a:", Err(TargetError::InvalidPort)),
            ("a:0", Err(TargetError::InvalidPort)),
            ("a:65536", Err(TargetError::InvalidPort)),
            ("[::1", Err(TargetError::InvalidIpv6)),
            ("[1.2.3.4]:80", Err(TargetError::InvalidIpv6)),
        ] {
            assert_eq!(Target::parse(name, 80), target, "{name}");
        }
    }
}
