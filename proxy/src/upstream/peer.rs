//! One place that requests can go to, and all that is known about it.
//!
//! What the configuration says ([`Peer`]) is apart from what was observed ([`PeerState`]): a reload or a new address
//! makes a new `Peer`, the state goes on, and requests still under way count in it until they end.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

use super::config::ServerConfig;
use super::health::{Failure, Health, Policy};
use super::histogram::Histogram;
use super::orders::{Order, Orders};
use super::roster::Checks;
use super::verdict::Turn;
use crate::balance::{Until, least_time};

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

    /// How busy it is for `least_time`.
    pub(super) fn time_load(&self, until: Until, in_flight: u64, now: Instant) -> u64 {
        let times = &self.state.times;
        let asked = times.asked.load(Relaxed);
        let idle = Duration::from_millis(since_beginning(now).saturating_sub(asked));
        let average = times.average(until);
        let waiting = times.waiting(now);
        least_time::load(average, idle, self.config.fail_timeout, waiting, in_flight)
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

/// What times in atomics are counted from.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// In milliseconds, and never 0.
fn since_beginning(now: Instant) -> u64 {
    let since = now.saturating_duration_since(*BEGINNING).as_millis();
    u64::try_from(since).unwrap_or(u64::MAX).max(1)
}

/// What `least_time` knows of a peer: averages in microseconds, and when it was asked last.
#[derive(Debug, Default)]
pub(super) struct Times {
    header: AtomicU64,
    last_byte: AtomicU64,
    asked: AtomicU64,
    /// Of requests that wait for their answer: how many, and when they began, all added up.
    waiting: AtomicU64,
    began: AtomicU64,
}

impl Times {
    pub(super) fn asked(&self, now: Instant) {
        self.asked.store(since_beginning(now), Relaxed);
    }

    /// Two answers at a time may lose one of them: an average can bear it.
    pub(super) fn answered(&self, header: Duration, last_byte: Duration) {
        for (average, newest) in [(&self.header, header), (&self.last_byte, last_byte)] {
            let newest = u64::try_from(newest.as_micros()).unwrap_or(u64::MAX);
            average.store(least_time::with(average.load(Relaxed), newest), Relaxed);
        }
    }

    /// A request begins to wait; answers what ends the wait.
    pub(super) fn begins(&self, now: Instant) -> u64 {
        let at = since_beginning(now);
        self.waiting.fetch_add(1, Relaxed);
        self.began.fetch_add(at, Relaxed);
        at
    }

    pub(super) fn ends(&self, at: u64) {
        self.waiting.fetch_sub(1, Relaxed);
        self.began.fetch_sub(at, Relaxed);
    }

    /// How long they have waited, on average.
    fn waiting(&self, now: Instant) -> Duration {
        let (waiting, began) = (self.waiting.load(Relaxed), self.began.load(Relaxed));
        let average = began.checked_div(waiting);
        let waited = average.map_or(0, |began| since_beginning(now).saturating_sub(began));
        Duration::from_millis(waited)
    }

    fn average(&self, until: Until) -> Duration {
        let average = match until {
            Until::Header => &self.header,
            Until::LastByte => &self.last_byte,
        };
        Duration::from_micros(average.load(Relaxed))
    }
}

/// Everything observed about a peer, shared by all workers. Counters are atomics; only a peer that fails costs a lock.
#[derive(Debug, Default)]
pub(crate) struct PeerState {
    pub(super) in_flight: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) fails: AtomicU64,
    /// By class: 1xx to 5xx.
    pub(super) responses: [AtomicU64; 5],
    pub(super) bytes: AtomicU64,
    /// Until the first byte of the response.
    pub(super) latency: Histogram,
    /// A copy of `health`'s opinion, so that a healthy peer is recognised without a lock.
    suspect: AtomicBool,
    pub(super) times: Times,
    /// Since when its share grows (`slow_start`), in milliseconds after `BEGINNING`; 0 is not at all.
    warms_since: AtomicU64,
    /// Failures that round robin has not seen yet; they lower the peer's effective weight.
    unpunished: AtomicU32,
    health: Mutex<Health>,
}

impl PeerState {
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect.load(Relaxed)
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health
            .lock()
            .expect("no code panics while it holds a peer's health")
    }

    pub(super) fn picked(&self, policy: Policy, now: Instant) {
        self.in_flight.fetch_add(1, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        if self.is_suspect() {
            self.health().picked(policy, now);
        }
    }

    pub(super) fn answered(&self, status: u16) {
        if let Some(class) = self
            .responses
            .get(usize::from(status / 100).wrapping_sub(1))
        {
            class.fetch_add(1, Relaxed);
        }
    }

    /// Returns how long the peer was out if this brought it back.
    pub(super) fn succeeded(&self, policy: Policy, now: Instant) -> Option<Duration> {
        if !self.is_suspect() {
            return None;
        }
        let mut health = self.health();
        let back = health.succeeded(policy, now);
        self.note(&health);
        if back.is_some() {
            self.warm(now);
        }
        back
    }

    /// Returns the reason if this took the peer out.
    pub(super) fn failed(&self, policy: Policy, failure: Failure, now: Instant) -> Option<String> {
        self.fails.fetch_add(1, Relaxed);
        self.unpunished.fetch_add(1, Relaxed);
        let mut health = self.health();
        let reason = health.failed(policy, failure, now).map(str::to_owned);
        self.note(&health);
        reason
    }

    pub(super) fn moved(&self, now: Instant) -> Option<Duration> {
        let mut health = self.health();
        let back = health.moved(now);
        self.note(&health);
        back
    }

    pub(super) fn expect(&self, checks: &Checks) {
        let mut health = self.health();
        health.expect(checks);
        self.note(&health);
    }

    fn checked(
        &self,
        number: usize,
        result: Result<(), String>,
        next: Instant,
        now: Instant,
    ) -> Option<Turn> {
        let mut health = self.health();
        let turn = health.checked(number, result, next, now);
        self.note(&health);
        if turn == Some(Turn::Back) {
            self.warm(now);
        }
        turn
    }

    fn note(&self, health: &Health) {
        self.suspect.store(!health.is_clean(), Relaxed);
    }

    /// It has come back: from now on its share grows.
    fn warm(&self, now: Instant) {
        self.warms_since.store(since_beginning(now), Relaxed);
    }

    /// How much of its weight it has, in thousandths.
    pub(super) fn warmth(&self, slow_start: Duration, now: Instant) -> u32 {
        let since = self.warms_since.load(Relaxed);
        if since == 0 || slow_start.is_zero() {
            return 1000;
        }
        let since = *BEGINNING + Duration::from_millis(since);
        let warm = now.saturating_duration_since(since).as_millis() * 1000;
        let warmth = u32::try_from(warm / slow_start.as_millis().max(1)).unwrap_or(u32::MAX);
        if warmth >= 1000 {
            self.warms_since.store(0, Relaxed);
        }
        warmth.min(1000)
    }

    /// Failures since the last call.
    pub(super) fn take_unpunished(&self) -> u32 {
        if self.unpunished.load(Relaxed) == 0 {
            0
        } else {
            self.unpunished.swap(0, Relaxed)
        }
    }
}
