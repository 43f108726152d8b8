//! One request's use of one peer: it counts as in flight from `pick` until the lease is dropped, whatever happens.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::health::{Failure, Policy};
use super::{Address, Peer};
use crate::balance::Until;

#[derive(Debug)]
pub(crate) struct Lease {
    peer: Arc<Peer>,
    policy: Policy,
    /// Until when it counts as waiting for its answer, and since when (`least_time ... inflight`).
    waits: Cell<Option<(Until, u64)>>,
}

impl Lease {
    pub(super) fn new(peer: Arc<Peer>, alone: bool) -> Self {
        let policy = peer.policy(alone);
        let waits = Cell::new(None);
        Self {
            peer,
            policy,
            waits,
        }
    }

    /// Its peer's method wants to know how long requests wait.
    pub(super) fn waits(self, until: Until, now: Instant) -> Self {
        let at = self.peer.state.times.begins(now);
        self.waits.set(Some((until, at)));
        self
    }

    fn waits_no_more(&self) {
        if let Some((_, at)) = self.waits.take() {
            self.peer.state.times.ends(at);
        }
    }

    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    pub(crate) fn address(&self) -> &Address {
        self.peer
            .address
            .as_ref()
            .expect("only peers with an address are picked")
    }

    /// A valid response head has come: the peer is alive, also if the rest takes hours (a WebSocket, a long stream).
    pub(crate) fn alive(&self, now: Instant) {
        if matches!(self.waits.get(), Some((Until::Header, _))) {
            self.waits_no_more();
        }
        if let Some(out_for) = self.peer.state.succeeded(self.policy, now) {
            tracing::info!(
                peer = self.peer.config.name,
                address = self.peer.label,
                ?out_for,
                "peer is back"
            );
        }
    }

    /// The response is through. `first_byte`: from the request's first byte out to the response's first byte in;
    /// `last_byte`: until it was through.
    pub(crate) fn succeed(
        self,
        first_byte: Duration,
        last_byte: Duration,
        status: u16,
        bytes: u64,
        now: Instant,
    ) {
        let state = &self.peer.state;
        if self.peer.config.timed {
            state.times.answered(first_byte, last_byte);
        }
        state.answered(status);
        state.bytes.fetch_add(bytes, Relaxed);
        state.latency.record(first_byte);
        self.alive(now);
    }

    /// The peer is to blame. A lease that is dropped without a word (the client went away) proves nothing.
    pub(crate) fn fail(self, failure: Failure, now: Instant) {
        if let Failure::HttpStatus(status) = failure {
            self.peer.state.answered(status);
        }
        if let Some(reason) = self.peer.state.failed(self.policy, failure, now) {
            tracing::warn!(
                peer = self.peer.config.name,
                address = self.peer.label,
                reason,
                "peer is out"
            );
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.peer.state.in_flight.fetch_sub(1, Relaxed);
        self.waits_no_more();
        if let Some(queue) = &self.peer.config.queue {
            queue.free();
        }
    }
}
