//! One place that requests can go to, and all that is known about it.
//!
//! What the configuration says ([`Peer`]) is apart from what was observed ([`PeerState`]): a reload or a new address
//! makes a new `Peer`, the state goes on, and requests still under way count in it until they end.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use md5::{Digest, Md5};

use super::config::ServerConfig;
use super::health::Policy;
use super::orders::{Order, Orders};
use super::state::PeerState;
use super::verdict::Turn;

/// Where to connect. It is also the key of a worker's idle connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(Arc<Path>),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a name stands for: an address, with what an SRV record says beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// Multiplies the weight of the `server` line.
    pub(crate) weight: u32,
    pub(crate) backup: bool,
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            backup: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) config: Arc<ServerConfig>,
    /// `None`: the name does not resolve (yet).
    pub(crate) address: Option<Address>,
    pub(crate) backup: bool,
    /// Of its SRV record.
    share: u32,
    /// What `$upstream_addr` shows, written once.
    pub(crate) label: String,
    /// What sticky clients know it by.
    pub(crate) sid: Arc<str>,
    pub(crate) state: Arc<PeerState>,
    /// Of its `server` line, from the status API.
    pub(super) orders: Arc<Orders>,
}

impl Peer {
    /// `is_lone`: its `server` line has no other peer.
    pub(super) fn new(
        config: Arc<ServerConfig>,
        endpoint: Option<Endpoint>,
        is_lone: bool,
        state: Arc<PeerState>,
        orders: Arc<Orders>,
    ) -> Self {
        let label = endpoint.as_ref().map_or_else(
            || config.name.clone(),
            |endpoint| endpoint.address.to_string(),
        );
        let backup = config.backup || endpoint.as_ref().is_some_and(|endpoint| endpoint.backup);
        let share = endpoint.as_ref().map_or(1, |endpoint| endpoint.weight);
        Self {
            address: endpoint.map(|endpoint| endpoint.address),
            backup,
            share,
            sid: sid(&config, &label, is_lone),
            config,
            label,
            state,
            orders,
        }
    }

    pub(super) fn is(&self, endpoint: &Endpoint) -> bool {
        self.address.as_ref() == Some(&endpoint.address)
            && self.share == endpoint.weight
            && self.backup == (self.config.backup || endpoint.backup)
    }

    /// What its name stands for here.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint {
            address: self.address.clone()?,
            weight: self.share,
            backup: self.backup && !self.config.backup,
        })
    }

    /// `alone`: the only peer of its upstream is never taken out; a request that fails there could go nowhere else.
    pub(super) fn policy(&self, alone: bool) -> Policy {
        let max_fails = if alone { 0 } else { self.config.max_fails };
        Policy {
            max_fails,
            fail_timeout: self.config.fail_timeout,
        }
    }

    /// Could it ever take a request, as things are written?
    pub(super) fn is_usable(&self) -> bool {
        self.takes(false)
    }

    /// A peer that is drained takes those that are `bound` to it, nobody else.
    fn takes(&self, bound: bool) -> bool {
        let is_wanted = match self.orders.state() {
            None => !self.config.down && (bound || !self.config.drain),
            Some(Order::Up) => true,
            Some(Order::Drain) => bound,
            Some(Order::Down) => false,
        };
        is_wanted && self.address.is_some()
    }

    /// The same peer of the same server, whatever else has changed.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state) && self.address == other.address
    }

    /// An active check has come to its end.
    pub(crate) fn checked(
        &self,
        number: usize,
        result: Result<(), String>,
        uri: &str,
        next: Instant,
        now: Instant,
    ) {
        let result = result.map_err(|why| format!("check of {uri} failed: {why}"));
        let reason = result.as_ref().err().cloned();
        match self.state.checked(number, result, next, now) {
            Some(Turn::Out) => tracing::warn!(
                peer = self.config.name,
                address = self.label,
                reason,
                "peer is out"
            ),
            Some(Turn::Back) => tracing::info!(
                peer = self.config.name,
                address = self.label,
                "peer has passed its checks"
            ),
            None => {}
        }
    }

    /// Nobody wants to know how a peer is that is down by order or configuration.
    pub(super) fn is_to_be_checked(&self) -> bool {
        self.takes(true)
    }

    /// As ordered, else as written.
    pub(super) fn weight(&self) -> u32 {
        let weight = self.orders.weight().unwrap_or(self.config.weight);
        weight.saturating_mul(self.share)
    }

    /// May it have one more request now, with `in_flight` under way?
    pub(super) fn admits(&self, alone: bool, in_flight: u64, now: Instant) -> bool {
        self.is_usable() && self.is_fit(alone, in_flight, now)
    }

    /// The same for a request that is bound to it (`sticky`).
    pub(super) fn admits_bound(&self, alone: bool, in_flight: u64, now: Instant) -> bool {
        self.takes(true) && self.is_fit(alone, in_flight, now)
    }

    fn is_fit(&self, alone: bool, in_flight: u64, now: Instant) -> bool {
        let has_room = self.config.max_conns == 0 || in_flight < self.config.max_conns;
        let is_healthy =
            || !self.state.is_suspect() || self.state.health().admits(self.policy(alone), now);
        has_room && is_healthy()
    }
}

/// A digest of the address, as in nginx, unless the configuration has a name for it. The one peer of a name that the
/// system resolves is known by that name: a container may come back at another address, and its clients shall find it.
fn sid(config: &ServerConfig, label: &str, is_lone: bool) -> Arc<str> {
    if let Some(route) = &config.route {
        return route.as_str().into();
    }
    let by_name = is_lone && config.resolving.is_none();
    let known_by = if by_name { &config.name } else { label };
    let digest = Md5::digest(known_by.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.into()
}
