//! What each worker has done so far. A worker writes only its own numbers, so that two never wait for each other; the
//! admin pages add them up.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::samples::Ring;
use crate::tls::TlsInfo;

#[derive(Debug)]
pub(crate) struct Counters {
    workers: Vec<WorkerCounters>,
}

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerCounters {
    accepted: AtomicU64,
    closed: AtomicU64,
    requests: AtomicU64,
    /// Requests whose answer is out, or will never be.
    finished: AtomicU64,
    /// Heads that began to come.
    heads: AtomicU64,
    /// Heads that nothing came of.
    broken: AtomicU64,
    /// By class: 1xx to 5xx.
    responses: [AtomicU64; 5],
    tunnels_opened: AtomicU64,
    tunnels_closed: AtomicU64,
    handshakes: Handshakes,
    ring: Ring,
    /// What the counts were when they were reset.
    base: Mutex<Tally>,
}

/// TLS handshakes that came to an end.
#[derive(Debug, Default)]
struct Handshakes {
    tls12: AtomicU64,
    tls13: AtomicU64,
    resumed: AtomicU64,
    http2: AtomicU64,
}

/// The numbers of one worker, or of all, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) active: u64,
    pub(crate) requests: u64,
    /// Clients whose request is being read, and whose answer is being made or sent.
    pub(crate) reading: u64,
    pub(crate) writing: u64,
    pub(crate) responses: [u64; 5],
    /// Upgraded connections (`101`): open now, and all.
    pub(crate) tunnels: u64,
    pub(crate) upgrades: u64,
    pub(crate) tls12: u64,
    pub(crate) tls13: u64,
    pub(crate) resumed: u64,
    pub(crate) http2: u64,
}

impl Tally {
    /// Clients that have said nothing yet, or nothing since their last answer.
    pub(crate) fn waiting(self) -> u64 {
        self.active.saturating_sub(self.reading + self.writing)
    }
}

thread_local! {
    static ALL: OnceCell<Arc<Counters>> = const { OnceCell::new() };
}

/// The numbers of all workers, for variables and `stub_status`; asked on a worker's thread.
pub(crate) fn totals() -> Tally {
    ALL.with(|all| all.get().map(|all| all.total()).unwrap_or_default())
}

impl Counters {
    /// Makes these the ones that `totals` adds up on this thread.
    pub(crate) fn show_here(self: &Arc<Self>) {
        ALL.with(|all| drop(all.set(Arc::clone(self))));
    }

    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerCounters::default()).collect(),
        }
    }

    /// The samples of all workers.
    pub(crate) fn rings(&self) -> impl ExactSizeIterator<Item = &Ring> {
        self.workers.iter().map(|worker| &worker.ring)
    }

    /// The numbers that worker `index` writes to.
    pub(crate) fn worker(&self, index: usize) -> &WorkerCounters {
        &self.workers[index]
    }

    pub(crate) fn tallies(&self) -> impl Iterator<Item = Tally> + '_ {
        self.workers.iter().map(WorkerCounters::tally)
    }

    pub(crate) fn total(&self) -> Tally {
        self.tallies().fold(Tally::default(), Tally::plus)
    }

    /// Begins to count anew; what is open stays open.
    pub(crate) fn reset(&self) {
        self.workers.iter().for_each(WorkerCounters::reset);
    }
}

impl Tally {
    /// The counts without those of `base`; what is open now stays as it is.
    fn since(self, base: Self) -> Self {
        let mut responses = self.responses;
        for (count, before) in responses.iter_mut().zip(base.responses) {
            *count = count.saturating_sub(before);
        }
        Self {
            accepted: self.accepted.saturating_sub(base.accepted),
            requests: self.requests.saturating_sub(base.requests),
            responses,
            upgrades: self.upgrades.saturating_sub(base.upgrades),
            tls12: self.tls12.saturating_sub(base.tls12),
            tls13: self.tls13.saturating_sub(base.tls13),
            resumed: self.resumed.saturating_sub(base.resumed),
            http2: self.http2.saturating_sub(base.http2),
            ..self
        }
    }

    fn plus(self, other: Self) -> Self {
        let mut responses = self.responses;
        for (sum, one) in responses.iter_mut().zip(other.responses) {
            *sum += one;
        }
        Self {
            accepted: self.accepted + other.accepted,
            active: self.active + other.active,
            requests: self.requests + other.requests,
            reading: self.reading + other.reading,
            writing: self.writing + other.writing,
            responses,
            tunnels: self.tunnels + other.tunnels,
            upgrades: self.upgrades + other.upgrades,
            tls12: self.tls12 + other.tls12,
            tls13: self.tls13 + other.tls13,
            resumed: self.resumed + other.resumed,
            http2: self.http2 + other.http2,
        }
    }
}

impl WorkerCounters {
    pub(crate) fn connection_accepted(&self) {
        add_one(&self.accepted);
    }

    pub(crate) fn connection_closed(&self) {
        add_one(&self.closed);
    }

    /// The first bytes of a request are there.
    pub(crate) fn head_began(&self) {
        add_one(&self.heads);
    }

    /// Its client went away before the rest.
    pub(crate) fn head_broke(&self) {
        add_one(&self.broken);
    }

    pub(crate) fn request(&self) {
        add_one(&self.requests);
    }

    pub(crate) fn request_finished(&self) {
        add_one(&self.finished);
    }

    pub(crate) fn answered(&self, status: u16) {
        let class = usize::from(status / 100).wrapping_sub(1);
        if let Some(class) = self.responses.get(class) {
            add_one(class);
        }
    }

    /// A tunnel is open until what this returns is dropped.
    pub(crate) fn tunnel(&self) -> impl Drop + '_ {
        add_one(&self.tunnels_opened);
        Tunnel(self)
    }

    pub(crate) fn handshake(&self, tls: &TlsInfo) {
        let version = match tls.protocol {
            "TLSv1.2" => &self.handshakes.tls12,
            _ => &self.handshakes.tls13,
        };
        add_one(version);
        if tls.reused {
            add_one(&self.handshakes.resumed);
        }
    }

    pub(crate) fn http2_connection(&self) {
        add_one(&self.handshakes.http2);
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    fn raw(&self) -> Tally {
        // `closed` first: a connection that comes and goes in between must not make `active` negative.
        let closed = self.closed.load(Relaxed);
        let accepted = self.accepted.load(Relaxed);
        let (finished, broken) = (self.finished.load(Relaxed), self.broken.load(Relaxed));
        let requests = self.requests.load(Relaxed);
        let heads = self.heads.load(Relaxed);
        let tunnels_closed = self.tunnels_closed.load(Relaxed);
        let upgrades = self.tunnels_opened.load(Relaxed);
        Tally {
            accepted,
            active: accepted.saturating_sub(closed),
            requests,
            reading: heads.saturating_sub(requests + broken),
            writing: requests.saturating_sub(finished),
            responses: self.responses.each_ref().map(|class| class.load(Relaxed)),
            tunnels: upgrades.saturating_sub(tunnels_closed),
            upgrades,
            tls12: self.handshakes.tls12.load(Relaxed),
            tls13: self.handshakes.tls13.load(Relaxed),
            resumed: self.handshakes.resumed.load(Relaxed),
            http2: self.handshakes.http2.load(Relaxed),
        }
    }

    /// The counts since the last reset.
    fn tally(&self) -> Tally {
        self.raw().since(*self.base())
    }

    fn reset(&self) {
        let now = self.raw();
        // What is open goes on, and counts as begun after the reset.
        *self.base() = Tally {
            accepted: now.accepted.saturating_sub(now.active),
            upgrades: now.upgrades.saturating_sub(now.tunnels),
            ..now
        };
    }

    fn base(&self) -> MutexGuard<'_, Tally> {
        // Only admin pages meet here, and a copy can't fail half-way.
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Tunnel<'a>(&'a WorkerCounters);

impl Drop for Tunnel<'_> {
    fn drop(&mut self) {
        add_one(&self.0.tunnels_closed);
    }
}

/// A worker is the only one who writes its numbers, so nobody comes between reading and writing one.
fn add_one(number: &AtomicU64) {
    number.store(number.load(Relaxed) + 1, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_added_up() {
        let counters = Counters::new(2);
        counters.worker(0).connection_accepted();
        counters.worker(0).connection_closed();
        counters.worker(1).connection_accepted();
        counters.worker(1).request();
        counters.worker(1).request();
        assert_eq!(
            counters.total(),
            Tally {
                accepted: 2,
                active: 1,
                requests: 2,
                reading: 0,
                writing: 2,
                ..Tally::default()
            }
        );
    }

    #[test]
    fn a_connection_is_read_from_written_to_or_waits() {
        let counters = Counters::new(1);
        let worker = counters.worker(0);
        for _ in 0..4 {
            worker.connection_accepted();
        }
        for _ in 0..3 {
            worker.head_began();
        }
        worker.head_broke();
        worker.request();
        let now = counters.total();
        assert_eq!((now.reading, now.writing, now.waiting()), (1, 1, 2));
        worker.request_finished();
        assert_eq!(counters.total().waiting(), 3);
    }

    #[test]
    fn a_reset_forgets_what_is_over_and_keeps_what_is_open() {
        let counters = Counters::new(1);
        let worker = counters.worker(0);
        worker.connection_accepted();
        worker.connection_accepted();
        worker.connection_closed();
        worker.request();
        worker.answered(204);
        let open = worker.tunnel();
        drop(worker.tunnel());
        counters.reset();
        let after = Tally {
            accepted: 1,
            active: 1,
            tunnels: 1,
            upgrades: 1,
            writing: 1,
            ..Tally::default()
        };
        assert_eq!(counters.total(), after);
        drop(open);
        worker.connection_closed();
        let total = counters.total();
        assert_eq!((total.active, total.tunnels), (0, 0));
    }
}
