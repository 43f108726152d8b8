//! What each worker has done so far. A worker writes only its own numbers, so that two never wait for each other; the
//! admin pages add them up.

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
}

/// The numbers of one worker, or of all, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) active: u64,
    pub(crate) requests: u64,
}

impl Counters {
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
        })
    }
}

impl WorkerCounters {
    pub(crate) fn connection_accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.closed.fetch_add(1, Relaxed);
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    fn tally(&self) -> Tally {
        // `closed` first: a connection that comes and goes in between must not make `active` negative.
        let closed = self.closed.load(Relaxed);
        let accepted = self.accepted.load(Relaxed);
        Tally {
            accepted,
            active: accepted.saturating_sub(closed),
            requests: self.requests.load(Relaxed),
        }
    }
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
                requests: 2
            }
        );
    }
}
