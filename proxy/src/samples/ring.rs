//! The last samples of one worker, and whether it should take more.
//!
//! A viewer pays: each of its questions grants the worker so many samples, and each sample costs one of them. When
//! nobody asks, the credit runs out, and a request costs one atomic load. No clock, no list of viewers, no end to wait for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Sample;

/// So many are kept; the oldest make room.
const KEPT: usize = 128;
/// What a new worker may take before anybody has looked: whoever opens the page finds the first requests there.
const FIRST: u32 = 32;

#[derive(Debug)]
pub(crate) struct Ring {
    credit: AtomicU32,
    /// For requests that failed or were retried, and would be missed among thousands that went well.
    credit_for_trouble: AtomicU32,
    kept: Mutex<VecDeque<Arc<Sample>>>,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            credit: AtomicU32::new(FIRST),
            credit_for_trouble: AtomicU32::new(FIRST),
            kept: Mutex::default(),
        }
    }
}

impl Ring {
    /// Whether the request that comes now shall be sampled; only its worker asks.
    pub(crate) fn takes_one(&self) -> bool {
        spend(&self.credit)
    }

    /// Whether a request shall be sampled that has had trouble.
    pub(crate) fn takes_trouble(&self) -> bool {
        spend(&self.credit_for_trouble)
    }

    /// Somebody looks: up to `samples` more, until the next look.
    pub(crate) fn grant(&self, samples: u32) {
        self.credit.fetch_max(samples, Relaxed);
        self.credit_for_trouble.fetch_max(samples, Relaxed);
    }

    pub(crate) fn keep(&self, sample: Sample) {
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::new(sample));
    }

    /// Those that are newer than sample `id`.
    pub(crate) fn after(&self, id: u64) -> Vec<Arc<Sample>> {
        let kept = self.kept();
        kept.iter()
            .filter(|sample| sample.id > id)
            .cloned()
            .collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Sample>>> {
        // Held for a push or a copy of pointers; a poisoned lock is as good.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only the worker takes away and only viewers add, so what was there is there still.
fn spend(credit: &AtomicU32) -> bool {
    let has_credit = credit.load(Relaxed) > 0;
    if has_credit {
        credit.fetch_sub(1, Relaxed);
    }
    has_credit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_viewer_sampling_ends_by_itself() {
        let ring = Ring::default();
        let taken = (0..1000).filter(|_| ring.takes_one()).count();
        assert_eq!(taken, FIRST as usize);
        ring.grant(5);
        ring.grant(3);
        let taken = (0..1000).filter(|_| ring.takes_one()).count();
        assert_eq!(taken, 5, "viewers don't add up");
        let trouble = (0..1000).filter(|_| ring.takes_trouble()).count();
        assert_eq!(trouble, FIRST as usize, "it has a credit of its own");
    }

    #[test]
    fn the_oldest_make_room_and_a_viewer_gets_what_is_new() {
        let ring = Ring::default();
        (1..=200).for_each(|id| ring.keep(Sample::numbered(id)));
        let ids = |after| ring.after(after).iter().map(|s| s.id).collect::<Vec<_>>();
        assert_eq!(ids(0).len(), KEPT);
        assert_eq!(ids(0)[0], 200 - KEPT as u64 + 1);
        assert_eq!(ids(198), [199, 200]);
        assert!(ids(200).is_empty());
    }
}
