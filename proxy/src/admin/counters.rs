//! What each worker has done so far. A worker writes only its own numbers, so that two never wait for each other; the
//! admin pages add them up.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

    /// The numbers that worker `index` writes to.
    pub(crate) fn worker(&self, index: usize) -> &WorkerCounters {
        &self.workers[index]
    }

    pub(crate) fn tallies(&self) -> impl Iterator<Item = Tally> + '_ {
        self.workers.iter().map(WorkerCounters::tally)
    }

    pub(crate) fn total(&self) -> Tally {
        self.tallies().fold(Tally::default(), |sum, one| Tally {
            accepted: sum.accepted + one.accepted,
            active: sum.active + one.active,
            requests: sum.requests + one.requests,
            reading: sum.reading + one.reading,
            writing: sum.writing + one.writing,
        })
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

    fn tally(&self) -> Tally {
        // `closed` first: a connection that comes and goes in between must not make `active` negative.
        let closed = self.closed.load(Relaxed);
        let accepted = self.accepted.load(Relaxed);
        let (finished, broken) = (self.finished.load(Relaxed), self.broken.load(Relaxed));
        let requests = self.requests.load(Relaxed);
        let heads = self.heads.load(Relaxed);
        Tally {
            accepted,
            active: accepted.saturating_sub(closed),
            requests,
            reading: heads.saturating_sub(requests + broken),
            writing: requests.saturating_sub(finished),
        }
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
}
