//! Which addresses are not on the public internet: one table, longest story first. It follows the registries of
//! special-purpose addresses (RFC 6890 and its successors), and adds the ways in which an IPv6 address hides an IPv4 one.

use std::net::IpAddr;
use std::str::FromStr;

/// A network such as 10.0.0.0/8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Text that is no network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no network such as 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() {
            width
        } else {
            bits.parse().map_err(|_| wrong())?
        };
        if bits > width {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u32::from(ours) ^ u32::from(theirs)).leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                (u128::from(ours) ^ u128::from(theirs)).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

/// Not public, and what it is instead.
const NOT_PUBLIC: [(&str, &str); 29] = [
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "a private network"),
    ("100.64.0.0/10", "a provider's shared network"),
    ("127.0.0.0/8", "loopback"),
    (
        "169.254.0.0/16",
        "link-local, where clouds serve their metadata",
    ),
    ("172.16.0.0/12", "a private network"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "a private network"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/96", "an IPv4 address inside of an IPv6 one"),
    ("::ffff:0:0:0/96", "an IPv4 address inside of an IPv6 one"),
    ("64:ff9b::/96", "an IPv4 address behind NAT64"),
    ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
    ("100::/64", "discard only"),
    ("2001::/23", "protocol assignments, Teredo"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "an IPv4 address behind 6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "a private network"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "a private network"),
    ("ff00::/8", "multicast"),
];

/// What an address is if it is not public. ::1 and :: lie in ::/96; IPv4-mapped ones are judged as IPv4.
pub(super) fn why_not_public(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    NOT_PUBLIC
        .iter()
        .find(|(network, _)| {
            let network: Network = network.parse().expect("a network, see the test");
            network.holds(address)
        })
        .map(|&(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_table_parses_and_nonsense_does_not() {
        for (network, _) in NOT_PUBLIC {
            assert!(network.parse::<Network>().is_ok(), "{network}");
        }
        for nonsense in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "a/8",
            "10.0.0.0/-1",
        ] {
            assert!(nonsense.parse::<Network>().is_err(), "{nonsense}");
        }
    }
}
