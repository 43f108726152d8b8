//! `set_real_ip_from`, `real_ip_header`, `real_ip_recursive` (ngx_http_realip_module): whom to believe about the
//! client's address, and in which header.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use super::access::Network;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::values;
use crate::http1::{Head, Known};

#[derive(Debug)]
pub(crate) struct RealIp {
    pub(crate) trusted: Trusted,
    pub(crate) header: RealIpHeader,
    pub(crate) recursive: bool,
}

/// The networks whose word is taken.
#[derive(Debug, Default)]
pub(crate) struct Trusted(Vec<Network>);

#[derive(Debug)]
pub(crate) enum RealIpHeader {
    ForwardedFor,
    /// No header: what the proxy in front of us said before the first request.
    ProxyProtocol,
    /// As `$http_…` names it.
    Named(Vec<u8>),
}

impl Trusted {
    pub(super) fn of(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, address: Option<IpAddr>) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    #[cfg(test)]
    pub(crate) fn parse(networks: &[&str]) -> Self {
        Self(
            networks
                .iter()
                .filter_map(|text| Network::parse(text))
                .collect(),
        )
    }
}

impl RealIpHeader {
    /// The names, oldest first.
    pub(crate) fn chain(&self, head: &Head) -> Option<Vec<u8>> {
        match self {
            Self::ForwardedFor => head.joined(Known::XForwardedFor, b", "),
            Self::ProxyProtocol => None,
            Self::Named(name) => head.by_variable(name, b", "),
        }
    }
}

pub(super) fn real_ip(scope: &Scope<'_>) -> Result<Option<Arc<RealIp>>, ConfigError> {
    let from = scope.all("set_real_ip_from");
    if from.is_empty() {
        return Ok(None);
    }
    let mut trusted = Vec::new();
    for directive in from {
        trusted.extend(networks(directive)?);
    }
    let header = match scope.find("real_ip_header") {
        None => RealIpHeader::Named(b"x_real_ip".to_vec()),
        Some(directive) => header(directive)?,
    };
    Ok(Some(Arc::new(RealIp {
        trusted: Trusted(trusted),
        header,
        recursive: scope.flag("real_ip_recursive", false)?,
    })))
}

fn header(directive: &Directive) -> Result<RealIpHeader, ConfigError> {
    let name = values::only(directive)?.text.to_ascii_lowercase();
    match name.as_str() {
        "x-forwarded-for" => Ok(RealIpHeader::ForwardedFor),
        "proxy_protocol" => Ok(RealIpHeader::ProxyProtocol),
        _ => Ok(RealIpHeader::Named(name.replace('-', "_").into_bytes())),
    }
}

/// An address, a network, `unix:`, or a host's addresses at the time of loading.
pub(super) fn networks(directive: &Directive) -> Result<Vec<Network>, ConfigError> {
    let text = values::only(directive)?.text.as_str();
    if let Some(network) = Network::parse(text).filter(|network| *network != Network::All) {
        return Ok(vec![network]);
    }
    let host = (text, 0).to_socket_addrs();
    let found: Vec<_> = host
        .into_iter()
        .flatten()
        .map(|found| Network::of(found.ip()))
        .collect();
    if found.is_empty() {
        let name = &directive.name;
        return Err(directive.error(format!("host not found in {name} \"{text}\"")));
    }
    Ok(found)
}
