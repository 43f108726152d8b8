//! Where `proxy_pass` points: the parts of its URL.

use std::sync::Arc;

use crate::config::loader::Loader;
use crate::config::resolver::Names;
use crate::config::syntax::{Arg, ConfigError};
use crate::config::template::Template;
use crate::config::upstream::UpstreamBlock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

#[derive(Debug)]
pub(crate) enum Target {
    Fixed {
        scheme: Scheme,
        upstream: Arc<UpstreamBlock>,
        /// `$proxy_host`, `$proxy_port`.
        host: Arc<str>,
        port: Arc<str>,
        /// The path that replaces the location's prefix; without one the request's own is sent.
        path: Option<Box<[u8]>>,
    },
    /// A URL with variables, evaluated for each request, and who knows the address of the name in it.
    Variable { url: Template, names: Names },
}

/// The parts of `http://authority/path`, or an error in nginx's words.
pub(crate) fn split_url(url: &str) -> Result<(Scheme, &str, Option<&str>), String> {
    let plain = strip_scheme(url, "http://").map(|rest| (Scheme::Http, rest));
    let found = plain.or_else(|| Some((Scheme::Https, strip_scheme(url, "https://")?)));
    let (scheme, rest) = found.ok_or("invalid URL prefix")?;
    // The path of a socket ends at a colon: http://unix:/run/a.sock:/path.
    if let Some(socket) = rest.strip_prefix("unix:") {
        return Ok(match socket.split_once(':') {
            Some((path, "")) => (scheme, &rest[..5 + path.len()], None),
            Some((path, uri)) => (scheme, &rest[..5 + path.len()], Some(uri)),
            None => (scheme, rest, None),
        });
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() {
        return Err("no host in upstream".to_owned());
    }
    Ok((scheme, authority, (!path.is_empty()).then_some(path)))
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// `$proxy_host` and `$proxy_port` of an authority: the scheme's own port is left out of the host.
pub(crate) fn host_and_port(authority: &str, scheme: Scheme) -> (Arc<str>, Arc<str>) {
    if authority.starts_with("unix:") {
        return ("localhost".into(), "".into());
    }
    let after_ipv6 = authority.find(']').unwrap_or(0);
    match authority[after_ipv6..].rsplit_once(':') {
        Some((_, port)) if port.parse() == Ok(scheme.port()) => (
            authority[..authority.len() - port.len() - 1].into(),
            port.into(),
        ),
        Some((_, port)) => (authority.into(), port.into()),
        None => (authority.into(), scheme.port().to_string().into()),
    }
}

pub(super) fn fixed(url: &Arg, location: &str, loader: &Loader) -> Result<Target, ConfigError> {
    let (scheme, authority, path) = split_url(&url.text).map_err(|why| url.error(why))?;
    if path.is_some() && (location.starts_with(['~', '@']) || loader.in_if.get()) {
        return Err(url.error(
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or \
             inside named location, or inside \"if\" statement, or inside \"limit_except\" block",
        ));
    }
    let (host, port) = host_and_port(authority, scheme);
    let path = path.map(|path| match path.strip_prefix('?') {
        Some(_) => format!("/{path}").into_bytes().into(),
        None => path.as_bytes().into(),
    });
    Ok(Target::Fixed {
        scheme,
        upstream: loader.upstream(url, authority, scheme.port())?,
        host,
        port,
        path,
    })
}
