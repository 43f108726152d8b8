//! What was observed about a peer, by all workers: counters, health, and how it has come back.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::health::{Failure, Health, Policy};
use super::histogram::Histogram;
use super::roster::Checks;
use super::times::{BEGINNING, Times, since_beginning};
use super::verdict::Turn;

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

    pub(super) fn reset_counters(&self) {
        for counter in [&self.requests, &self.fails, &self.bytes] {
            counter.store(0, Relaxed);
        }
        for class in &self.responses {
            class.store(0, Relaxed);
        }
        self.latency.reset();
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

    pub(super) fn checked(
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
