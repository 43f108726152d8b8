//! Which addresses a request may reach. Asked with the very address that is connected to next, so that a name can't mean one
//! thing when it is checked and another when it is used (DNS rebinding), and a public name can't lead inside (SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::AllowUpstream;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::upstream::{Address, Failure};

/// What an address is for (the registries of RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// This host, by whatever name.
    Loopback,
    /// This wire; also where clouds keep their metadata (169.254.169.254).
    LinkLocal,
    Private,
    /// Neither here nor there: documentation, benchmarks, multicast, reserved.
    Special,
    Public,
    Unix,
}

impl Network {
    /// As `$upstream_last_network` shows it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Special => "special",
            Self::Public => "public",
            Self::Unix => "unix",
        }
    }

    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }
}

fn of_v4(ip: Ipv4Addr) -> Network {
    match ip.octets() {
        // Linux connects 0.0.0.0 to itself.
        [0 | 127, ..] => Network::Loopback,
        [169, 254, ..] => Network::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Network::Private,
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Network::Special,
        _ => Network::Public,
    }
}

fn of_v6(ip: Ipv6Addr) -> Network {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Network::Loopback,
        // IPv4 in other clothes: mapped, compatible, translated (NAT64), 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        [0xfe80..=0xfebf, ..] => Network::LinkLocal,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Network::Private,
        [0x2001, 0 | 0xdb8, ..] | [0x2001, 2, 0, ..] => Network::Special,
        [0x2000..=0x3fff, ..] => Network::Public,
        _ => Network::Special,
    }
}

/// The network of an address as `$upstream_addr` shows it.
pub(crate) fn network_of(label: &str) -> Option<Network> {
    if label.starts_with("unix:") {
        return Some(Network::Unix);
    }
    let address: std::net::SocketAddr = label.parse().ok()?;
    Some(Network::of(address.ip()))
}

// ANCHOR: reach
pub(super) fn check(ex: &Exchange, rule: &AllowUpstream, address: &Address) -> Result<(), Fault> {
    let allowed = match rule {
        AllowUpstream::All => return Ok(()),
        AllowUpstream::If(conditions) => conditions.iter().all(|condition| condition.is_true(ex)),
        AllowUpstream::AsNear => {
            let to = match address {
                Address::Tcp(address) => Network::of(address.ip()),
                Address::Unix(_) => Network::Unix,
            };
            to == Network::Public || !comes_from_outside(ex)
        }
    };
    if allowed {
        return Ok(());
    }
    let why = format!("access to upstream {address} denied");
    Err(Fault::upstream(403, Failure::Denied, why))
}
// ANCHOR_END: reach

fn comes_from_outside(ex: &Exchange) -> bool {
    let from = ex.client().map(|client| Network::of(client.ip()));
    matches!(from, Some(Network::Public | Network::Special))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_whatever_they_are_dressed_in() {
        let table = [
            ("127.0.0.1", Network::Loopback),
            ("127.255.255.255", Network::Loopback),
            ("0.0.0.0", Network::Loopback),
            ("0.1.2.3", Network::Loopback),
            ("::", Network::Loopback),
            ("::1", Network::Loopback),
            ("::ffff:127.0.0.1", Network::Loopback),
            ("::127.0.0.1", Network::Loopback),
            ("64:ff9b::7f00:1", Network::Loopback),
            ("2002:7f00:1::", Network::Loopback),
            ("169.254.169.254", Network::LinkLocal),
            ("::ffff:169.254.169.254", Network::LinkLocal),
            ("fe80::1", Network::LinkLocal),
            ("febf::1", Network::LinkLocal),
            ("10.0.0.1", Network::Private),
            ("172.16.0.1", Network::Private),
            ("172.31.255.255", Network::Private),
            ("192.168.1.1", Network::Private),
            ("100.64.0.1", Network::Private),
            ("100.127.0.1", Network::Private),
            ("fc00::1", Network::Private),
            ("fd00:ec2::254", Network::Private),
            ("fec0::1", Network::Private),
            ("::ffff:10.0.0.1", Network::Private),
            ("192.0.2.1", Network::Special),
            ("198.51.100.1", Network::Special),
            ("203.0.113.1", Network::Special),
            ("198.18.0.1", Network::Special),
            ("224.0.0.1", Network::Special),
            ("255.255.255.255", Network::Special),
            ("2001:db8::1", Network::Special),
            ("ff02::1", Network::Special),
            ("172.15.0.1", Network::Public),
            ("172.32.0.1", Network::Public),
            ("100.63.0.1", Network::Public),
            ("100.128.0.1", Network::Public),
            ("11.0.0.1", Network::Public),
            ("192.1.2.3", Network::Public),
            ("8.8.8.8", Network::Public),
            ("2a00:1450::1", Network::Public),
            ("64:ff9b::808:808", Network::Public),
        ];
        for (text, expected) in table {
            assert_eq!(Network::of(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_label_names_its_network() {
        assert_eq!(network_of("[::1]:80"), Some(Network::Loopback));
        assert_eq!(network_of("10.0.0.1:80"), Some(Network::Private));
        assert_eq!(network_of("unix:/run/a.sock"), Some(Network::Unix));
        assert_eq!(network_of("backend1:5000"), None);
    }
}
