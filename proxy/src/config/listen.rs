//! `listen`: the addresses that a server answers on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::location::Handler;
use super::proxy_pass::Target;
use super::server::VirtualServers;
use super::syntax::{Arg, ConfigError, Directive};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ListenAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// One address and the servers behind it.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) address: ListenAddress,
    pub(crate) backlog: i32,
    /// Every connection begins with a handshake.
    pub(crate) ssl: bool,
    /// Connections come redirected: they wanted to go elsewhere (ours).
    pub(crate) transparent: bool,
    /// Before that, the proxy in front of us says whose it is.
    pub(crate) proxy_protocol: bool,
    pub(crate) servers: VirtualServers,
}

impl Listen {
    /// Where the default server passes `/` to, if it passes it on as it stands.
    pub(crate) fn main_upstream(&self) -> Option<String> {
        let tree = &self.servers.default_server().root.locations;
        let (location, _) = crate::route::find_location(tree, b"/")?;
        let Handler::Proxy(pass) = &location.handler else {
            return None;
        };
        match &pass.target {
            Target::Fixed { upstream, .. } => Some(upstream.upstream.name().to_owned()),
            Target::Variable { .. } => None,
        }
    }
}

impl ListenAddress {
    /// Whether a socket bound here accepts what is sent to `other` (`*:80` covers all of port 80).
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(mine), Self::Tcp(other)) => {
                mine.port() == other.port()
                    && mine.ip().is_unspecified()
                    && mine.is_ipv4() == other.is_ipv4()
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One `listen` line.
#[derive(Debug)]
pub(super) struct ListenLine {
    pub(super) addresses: Vec<ListenAddress>,
    pub(super) default_server: bool,
    pub(super) backlog: Option<i32>,
    pub(super) ssl: bool,
    pub(super) transparent: bool,
    pub(super) proxy_protocol: bool,
}

impl ListenLine {
    pub(super) fn parse(directive: &Directive) -> Result<Self, ConfigError> {
        let (first, parameters) = directive
            .args
            .split_first()
            .ok_or_else(|| directive.error("no address"))?;
        let mut line = Self {
            addresses: addresses(first)?,
            default_server: false,
            backlog: None,
            ssl: false,
            transparent: false,
            proxy_protocol: false,
        };
        for parameter in parameters {
            line.parameter(parameter)?;
        }
        if line.ssl && line.transparent {
            return Err(directive
                .error("\"ssl\" and \"transparent\" can't stand together")
                .with_help("the TLS of a redirected connection is between others"));
        }
        Ok(line)
    }

    fn parameter(&mut self, arg: &Arg) -> Result<(), ConfigError> {
        let (name, value) = arg.text.split_once('=').unwrap_or((&arg.text, ""));
        match name {
            "default_server" | "default" => self.default_server = true,
            "backlog" => {
                let backlog = value.parse().ok().filter(|&n| n != 0);
                self.backlog =
                    Some(backlog.ok_or_else(|| arg.error(format!("invalid backlog \"{value}\"")))?);
            }
            // Wishes about the socket that change nothing a client could see; and "http2", which the server reads.
            "bind" | "reuseport" | "deferred" | "rcvbuf" | "sndbuf" | "ipv6only"
            | "so_keepalive" | "fastopen" | "setfib" | "accept_filter" | "multipath" | "http2" => {}
            "ssl" => self.ssl = true,
            "transparent" if value.is_empty() => self.transparent = true,
            "proxy_protocol" => self.proxy_protocol = true,
            "quic" => {
                return Err(arg.error("the \"quic\" parameter is not implemented by this proxy"));
            }
            _ => return Err(arg.error(format!("invalid parameter \"{}\"", arg.text))),
        }
        Ok(())
    }
}

/// `80`, `*:80`, `127.0.0.1`, `127.0.0.1:8000-8010`, `[::]:80`, `localhost:80`, `unix:/path`.
fn addresses(arg: &Arg) -> Result<Vec<ListenAddress>, ConfigError> {
    let text = arg.text.as_str();
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            return Err(arg.error(format!("no path in the unix domain socket in \"{text}\"")));
        }
        return Ok(vec![ListenAddress::Unix(path.into())]);
    }
    let (host, ports) = split(text);
    let ports = ports_of(ports).ok_or_else(|| {
        arg.error(format!(
            "invalid port in \"{text}\" of the \"listen\" directive"
        ))
    })?;
    let ips = ips_of(host).ok_or_else(|| {
        arg.error(format!(
            "host not found in \"{text}\" of the \"listen\" directive"
        ))
    })?;
    let all = ips.iter().flat_map(|&ip| {
        ports
            .clone()
            .map(move |port| ListenAddress::Tcp(SocketAddr::new(ip, port)))
    });
    Ok(all.collect())
}

fn split(text: &str) -> (&str, &str) {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return ("*", text);
    }
    if let Some(end) = text.find(']') {
        let rest = &text[end + 1..];
        return (&text[..=end], rest.strip_prefix(':').unwrap_or("80"));
    }
    text.rsplit_once(':').unwrap_or((text, "80"))
}

fn ports_of(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

fn ips_of(host: &str) -> Option<Vec<IpAddr>> {
    if host == "*" {
        return Some(vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)]);
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return Some(vec![IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?)]);
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some(vec![IpAddr::V4(ip)]);
    }
    // A listening address must be known now: there is nothing to wait for.
    use std::net::ToSocketAddrs as _;
    let found: Vec<_> = (host, 0)
        .to_socket_addrs()
        .ok()?
        .map(|address| address.ip())
        .collect();
    (!found.is_empty()).then_some(found)
}
