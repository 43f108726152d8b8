//! Behind a proxy, the address that a connection comes from is the proxy's, and the host in the request line may be
//! one that only the proxy knows. What the client used stands in headers that anybody can send, so they count only
//! when the connection comes from a network that the operator trusts.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// The networks whose `X-Real-IP`, `X-Forwarded-Proto` and `Host` are believed. The default trusts nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<(IpAddr, u32)>);

/// A list that is not made of addresses and networks.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address or network such as 127.0.0.1 or 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    /// `127.0.0.0/8, ::1`: addresses and networks with commas between; empty trusts nobody.
    fn from_str(list: &str) -> Result<Self, NotANetwork> {
        let parts = list
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let network = |part: &str| {
            let (address, bits) = part.split_once('/').unwrap_or((part, ""));
            let address: IpAddr = address.parse().ok()?;
            let width = if address.is_ipv4() { 32 } else { 128 };
            let bits = if bits.is_empty() {
                width
            } else {
                bits.parse().ok()?
            };
            (bits <= width).then_some((address, bits))
        };
        let networks = parts.map(|part| network(part).ok_or_else(|| NotANetwork(part.to_owned())));
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// The client that a request comes from: the `peer` of the connection, or whom a trusted peer names in
    /// `X-Real-IP` (the lab's proxy sets it, so a client can't).
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let named = || headers.get("x-real-ip")?.to_str().ok()?.trim().parse().ok();
        let peer = peer.to_canonical();
        if self.trusts(peer) {
            named().unwrap_or(peer)
        } else {
            peer
        }
    }

    /// The scheme and host that the client used, such as `https://localhost:8001`, for links to ourselves. None
    /// without a usable `Host`.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Option<String> {
        let host = headers.get(HOST)?.to_str().ok()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return None;
        }
        let secure = self.trusts(peer.to_canonical())
            && headers
                .get("x-forwarded-proto")
                .is_some_and(|scheme| scheme == "https");
        Some(format!(
            "{}://{host}",
            if secure { "https" } else { "http" }
        ))
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|&(network, bits)| match (network, peer) {
            (IpAddr::V4(network), IpAddr::V4(peer)) => {
                (u32::from(network) ^ u32::from(peer)).leading_zeros() >= bits
            }
            (IpAddr::V6(network), IpAddr::V6(peer)) => {
                (u128::from(network) ^ u128::from(peer)).leading_zeros() >= bits
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_a_trusted_network_may_name_the_client() {
        let trusted: TrustedProxies = "10.0.0.0/8, ::1".parse().unwrap();
        let said = headers(&[("x-real-ip", "203.0.113.9")]);
        for (peer, client) in [
            ("10.200.0.1", "203.0.113.9"),
            ("::1", "203.0.113.9"),
            ("::ffff:10.0.0.1", "203.0.113.9"),
            ("11.0.0.1", "11.0.0.1"),
            ("::2", "::2"),
        ] {
            let client: IpAddr = client.parse().unwrap();
            assert_eq!(
                trusted.client(peer.parse().unwrap(), &said),
                client,
                "{peer}"
            );
        }
        let nonsense = headers(&[("x-real-ip", "me")]);
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        assert_eq!(trusted.client(peer, &nonsense), peer);
    }

    #[test]
    fn the_origin_is_the_host_the_client_used() {
        let trusted: TrustedProxies = "127.0.0.1".parse().unwrap();
        let secure = headers(&[("host", "lab.test:8001"), ("x-forwarded-proto", "https")]);
        let near = "127.0.0.1".parse().unwrap();
        let far = "192.0.2.1".parse().unwrap();
        assert_eq!(
            trusted.origin(near, &secure).unwrap(),
            "https://lab.test:8001"
        );
        assert_eq!(
            trusted.origin(far, &secure).unwrap(),
            "http://lab.test:8001"
        );
        assert_eq!(trusted.origin(near, &headers(&[("host", "a\"b")])), None);
        assert_eq!(trusted.origin(near, &headers(&[])), None);
    }

    #[test]
    fn a_bad_list_says_which_part_is_bad() {
        for list in ["proxy", "10.0.0.0/33", "10.0.0.1, x"] {
            assert!(list.parse::<TrustedProxies>().is_err(), "{list}");
        }
        assert_eq!(
            "".parse::<TrustedProxies>().unwrap(),
            TrustedProxies::default()
        );
    }
}
