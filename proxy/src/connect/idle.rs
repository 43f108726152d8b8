//! Connections to peers that wait for their next request, of one worker (ngx_http_upstream_module,
//! `keepalive`): newest first, oldest out when there are too many.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use super::PeerConnection;
use crate::upstream::Address;

/// Connections may stand in for each other if all of this is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) upstream: u64,
    pub(crate) address: Address,
    pub(crate) bind: Option<SocketAddr>,
    /// The settings of its TLS, and the name that its peer has.
    pub(crate) tls: Option<(u64, String)>,
}

#[derive(Debug)]
struct Idle {
    connection: Box<PeerConnection>,
    until: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct IdlePool {
    upstreams: HashMap<u64, VecDeque<Idle>>,
}

impl IdlePool {
    /// The connection that was used last and is still good.
    pub(crate) fn take(&mut self, key: &Key, now: Instant) -> Option<Box<PeerConnection>> {
        let idle = self.upstreams.get_mut(&key.upstream)?;
        loop {
            let at = idle.iter().rposition(|idle| idle.connection.key == *key)?;
            let mut found = idle.remove(at)?;
            // An idle peer that speaks has closed, or says something that nobody asked for.
            if found.until > now && !found.connection.stream.looks_readable() {
                return Some(found.connection);
            }
        }
    }

    pub(super) fn put(&mut self, connection: Box<PeerConnection>, limit: usize, until: Instant) {
        if limit == 0 {
            return;
        }
        let idle = self.upstreams.entry(connection.key.upstream).or_default();
        if idle.len() >= limit {
            idle.pop_front();
        }
        idle.push_back(Idle { connection, until });
    }

    /// Closes what has waited too long or was closed at the other end.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.upstreams.retain(|_, idle| {
            idle.retain_mut(|idle| idle.until > now && !idle.connection.stream.looks_readable());
            !idle.is_empty()
        });
    }

    pub(crate) fn clear(&mut self) {
        self.upstreams.clear();
    }
}
