//! The client's address decides: the same client comes to the same peer, as long as that peer is there.
//!
//! Only the first three octets of an IPv4 address count, so that a client whose address changes within its network
//! (10.1.2.x) keeps its peer; of IPv6 the whole address counts. A hash starts at 89 and takes in each octet by
//!
//! ```text
//!   hash = (hash * 113 + octet) mod 6271        6271 is prime, so all 6271 values are reached
//! ```
//!
//! `hash mod total weight` is the point that a peer owns. If that peer can't be used, the octets go in once more, from
//! the last hash on; after 20 misses round robin chooses. In this lab all requests come from one address, so one
//! server has them all: that is the method working, not failing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Candidate, Walk, owner_of, total_weight};

const START: u64 = 89;

/// Where the connection comes from, as far as the hash is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAddr {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    /// A Unix socket has no address: all its clients are one.
    Unix,
}

impl From<IpAddr> for ClientAddr {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6(v6),
        }
    }
}

impl From<SocketAddr> for ClientAddr {
    fn from(address: SocketAddr) -> Self {
        address.ip().into()
    }
}

pub(crate) fn pick(candidates: &[Candidate], client: ClientAddr, walk: &mut Walk) -> Option<usize> {
    if candidates.len() < 2 {
        return None;
    }
    let total = total_weight(candidates);
    let mut hash = walk.position.unwrap_or(START);
    while !walk.is_lost() {
        hash = take_in(hash, client);
        let index = owner_of(hash % total, candidates);
        if candidates[index].eligible {
            walk.position = Some(hash);
            return Some(index);
        }
        walk.miss();
    }
    None
}

// ANCHOR: hash
fn take_in(hash: u64, client: ClientAddr) -> u64 {
    let mix = |octets: &[u8]| {
        octets
            .iter()
            .fold(hash, |hash, octet| (hash * 113 + u64::from(*octet)) % 6271)
    };
    match client {
        ClientAddr::V4(address) => mix(&address.octets()[..3]),
        ClientAddr::V6(address) => mix(&address.octets()),
        ClientAddr::Unix => mix(&[0, 0, 0]),
    }
}
// ANCHOR_END: hash

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    fn of(client: &str, peers: &str) -> char {
        let client = client.parse::<IpAddr>().unwrap().into();
        letter(pick(&draw(peers), client, &mut Walk::default()))
    }

    #[test]
    fn the_hash_is_the_documented_arithmetic() {
        // 89 * 113 + 127 = 10184 = 3913 mod 6271; * 113 + 0 = 3199; * 113 + 0 = 4040
        assert_eq!(take_in(START, ClientAddr::V4(Ipv4Addr::LOCALHOST)), 4040);
        assert_eq!(of("127.0.0.1", "a b c"), 'c', "4040 mod 3 = 2");
    }

    #[test]
    fn clients_land_where_nginx_sends_them() {
        // Observed: nginx 1.22.1, real_ip_header for the client's address, weights 1, 3, 2.
        for (client, chosen) in [
            ("127.0.0.1", 'b'),
            ("10.1.2.3", 'c'),
            ("172.18.0.1", 'b'),
            ("192.168.1.77", 'c'),
            ("203.0.113.9", 'a'),
            ("::1", 'c'),
            ("2001:db8::7", 'b'),
        ] {
            assert_eq!(of(client, "a:1 b:3 c:2"), chosen, "{client}");
        }
    }

    #[test]
    fn the_last_octet_of_ipv4_does_not_count() {
        for last in 0..=255 {
            assert_eq!(
                of(&format!("10.1.2.{last}"), "a b c"),
                of("10.1.2.0", "a b c")
            );
        }
    }

    #[test]
    fn every_octet_of_ipv6_counts() {
        let chosen: std::collections::BTreeSet<char> = (0..20)
            .map(|n| of(&format!("2001:db8::{n:x}"), "a b c"))
            .collect();
        assert_eq!(chosen.len(), 3);
    }

    #[test]
    fn networks_spread_over_the_peers_by_weight() {
        let mut count = [0; 2];
        for network in 0..10_000_u32 {
            let client = Ipv4Addr::from(network << 8);
            count[pick(
                &draw("a:3 b:1"),
                ClientAddr::V4(client),
                &mut Walk::default(),
            )
            .unwrap()] += 1;
        }
        assert!((7_300..7_700).contains(&count[0]), "{count:?}");
    }

    #[test]
    fn a_client_moves_only_while_its_own_peer_is_away() {
        assert_eq!(of("127.0.0.1", "a b c"), 'c');
        assert_ne!(of("127.0.0.1", "a b c!"), 'c');
        for network in 0..50 {
            let client = format!("10.0.{network}.1");
            let before = of(&client, "a b c");
            if before != 'c' {
                assert_eq!(
                    of(&client, "a b c!"),
                    before,
                    "the others stay where they are"
                );
            }
        }
    }

    #[test]
    fn a_retry_goes_on_from_the_last_hash() {
        let client = ClientAddr::V4(Ipv4Addr::new(10, 20, 30, 40));
        let mut peers = draw("a b c");
        let mut walk = Walk::default();
        let mut seen = String::new();
        while let Some(index) = pick(&peers, client, &mut walk) {
            seen.push(letter(Some(index)));
            peers[index].eligible = false;
        }
        assert_eq!(seen.len(), 3, "each peer once, then no more: {seen}");
        assert!(walk.is_lost());
    }

    #[test]
    fn all_clients_of_a_unix_socket_are_one() {
        let chosen = pick(&draw("a b c"), ClientAddr::Unix, &mut Walk::default());
        assert_eq!(
            chosen,
            pick(
                &draw("a b c"),
                ClientAddr::V4(Ipv4Addr::UNSPECIFIED),
                &mut Walk::default()
            )
        );
    }
}
