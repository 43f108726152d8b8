//! `allow` and `deny` (ngx_http_access_module): who may, by address.

use std::net::IpAddr;

use super::scope::Scope;
use super::syntax::{ConfigError, Directive};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    All,
    Unix,
    Prefix { address: IpAddr, bits: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccessRule {
    pub(crate) allow: bool,
    pub(crate) network: Network,
}

pub(super) fn rules(scope: &Scope<'_>) -> Result<Vec<AccessRule>, ConfigError> {
    let is_rule = |d: &&Directive| matches!(d.name.as_str(), "allow" | "deny");
    scope.nearest(is_rule).into_iter().map(rule).collect()
}

fn rule(directive: &Directive) -> Result<AccessRule, ConfigError> {
    let text = &super::values::only(directive)?.text;
    let network = Network::parse(text)
        .ok_or_else(|| directive.error(format!("invalid parameter \"{text}\"")))?;
    Ok(AccessRule {
        allow: directive.name == "allow",
        network,
    })
}

impl Network {
    /// This address alone.
    pub(crate) fn of(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self::Prefix { address, bits }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => return Some(Self::All),
            "unix:" => return Some(Self::Unix),
            _ => {}
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self::Prefix { address, bits })
    }

    /// Whether the client is in the network; `None` is a client on a Unix-domain socket.
    pub(crate) fn contains(&self, client: Option<IpAddr>) -> bool {
        match (self, client) {
            (Self::All, _) | (Self::Unix, None) => true,
            (Self::Prefix { address, bits }, Some(client)) => {
                match (address, client.to_canonical()) {
                    (IpAddr::V4(a), IpAddr::V4(c)) => {
                        same_prefix(a.to_bits().into(), c.to_bits().into(), 32 - bits)
                    }
                    (IpAddr::V6(a), IpAddr::V6(c)) => {
                        same_prefix(a.to_bits(), c.to_bits(), 128 - bits)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

fn same_prefix(a: u128, b: u128, ignored: u32) -> bool {
    a.checked_shr(ignored) == b.checked_shr(ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        let table = [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("all", "::1", true),
            ("unix:", "::1", false),
        ];
        for (network, client, inside) in table {
            let parsed = Network::parse(network).expect(network);
            assert_eq!(
                parsed.contains(client.parse().ok()),
                inside,
                "{client} in {network}"
            );
        }
        assert!(Network::Unix.contains(None));
        for bad in ["", "10.0.0.0/33", "::/129", "host", "10.0.0.0/x"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
