//! Behind another proxy the connection's address is that proxy's. Takes the header in which it names its client,
//! decides how far the chain of names can be believed, hands on the exchange with the client's address in it.
//!
//! Every proxy appends whom it got the request from, so the chain is read from its end: the last name was written by
//! the peer itself, the one before by whoever the peer names, and so on. A name counts only while the one who wrote
//! it is trusted; whatever stands before that, a client may have invented.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{RealIp, RealIpHeader, Trusted};
use crate::exchange::Exchange;

/// Gives the exchange its client's address, at most once; `rules` are those of its server or location.
pub(crate) fn apply(ex: &mut Exchange, rules: Option<&Arc<RealIp>>) {
    let Some(rules) = rules else { return };
    if ex.asked_by.is_some() || rules.trusted.is_empty() {
        return;
    }
    let peer = ex.connection.remote;
    let named = match &rules.header {
        RealIpHeader::ProxyProtocol => {
            let told = ex.connection.told.as_ref().and_then(|told| told.ends);
            told.map(|ends| ends.client)
                .filter(|_| rules.trusted.contains(peer.map(|peer| peer.ip())))
        }
        header => {
            let chain = header.chain(&ex.request.head.head);
            chain.and_then(|chain| client(peer, &chain, &rules.trusted, rules.recursive))
        }
    };
    if let Some(client) = named {
        let real = ex.connection.seen_as(client);
        ex.asked_by = Some(std::mem::replace(&mut ex.connection, Rc::new(real)));
    }
}

// ANCHOR: chain
/// Whom the chain names, if its last writer, the peer, is trusted.
pub(crate) fn client(
    peer: Option<SocketAddr>,
    chain: &[u8],
    trusted: &Trusted,
    recursive: bool,
) -> Option<SocketAddr> {
    let mut writer = peer.map(|peer| peer.ip());
    let mut found = None;
    let mut names = chain
        .rsplit(|&byte| byte == b',' || byte == b' ')
        .filter(|name| !name.is_empty());
    while trusted.contains(writer) && (recursive || found.is_none()) {
        let Some(named) = names.next().and_then(address) else {
            break;
        };
        writer = Some(named.ip());
        found = Some(named);
    }
    found
}
// ANCHOR_END: chain

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; port 0 where none is named.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let plain = || {
        Some(SocketAddr::new(
            bare.unwrap_or(text).parse::<IpAddr>().ok()?,
            0,
        ))
    };
    text.parse().ok().or_else(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_while_their_writer_is_trusted() {
        let trusted = Trusted::parse(&["127.0.0.1", "10.0.0.0/8", "::1"]);
        let client = |peer: &str, chain: &str, recursive| {
            let found = client(peer.parse().ok(), chain.as_bytes(), &trusted, recursive);
            found.map(|found| found.to_string()).unwrap_or_default()
        };
        for (peer, chain, last, furthest) in [
            ("127.0.0.1:9", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:0"),
            ("192.0.2.9:9", "192.0.2.1", "", ""),
            (
                "127.0.0.1:9",
                "192.0.2.1, 10.1.1.1",
                "10.1.1.1:0",
                "192.0.2.1:0",
            ),
            (
                "127.0.0.1:9",
                "198.51.100.7,192.0.2.1, 10.1.1.1",
                "10.1.1.1:0",
                "192.0.2.1:0",
            ),
            ("127.0.0.1:9", "10.1.1.1", "10.1.1.1:0", "10.1.1.1:0"),
            ("127.0.0.1:9", "junk, 10.1.1.1", "10.1.1.1:0", "10.1.1.1:0"),
            ("127.0.0.1:9", "192.0.2.1, junk", "", ""),
            (
                "127.0.0.1:9",
                "192.0.2.1:77",
                "192.0.2.1:77",
                "192.0.2.1:77",
            ),
            (
                "[::1]:9",
                "[2001:db8::1]:77",
                "[2001:db8::1]:77",
                "[2001:db8::1]:77",
            ),
            (
                "[::1]:9",
                "2001:db8::1",
                "[2001:db8::1]:0",
                "[2001:db8::1]:0",
            ),
            ("127.0.0.1:9", " , ", "", ""),
        ] {
            assert_eq!(client(peer, chain, false), last, "{peer} {chain}");
            assert_eq!(
                client(peer, chain, true),
                furthest,
                "{peer} {chain}, recursive"
            );
        }
    }
}
