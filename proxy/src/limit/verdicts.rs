//! What a zone has decided so far, counted for the status API.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Verdict;

/// How often each verdict was given, by all workers.
#[derive(Debug, Default)]
pub(crate) struct Verdicts([AtomicU64; 5]);

impl Verdicts {
    pub(super) fn count(&self, verdict: Verdict) {
        self.0[verdict as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn reset(&self) {
        self.0.iter().for_each(|count| count.store(0, Relaxed));
    }

    /// In the order of `Verdict`.
    pub(super) fn counts(&self) -> [u64; 5] {
        self.0.each_ref().map(|count| count.load(Relaxed))
    }
}

/// A zone at one moment.
#[derive(Debug)]
pub(crate) struct ZoneReport {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// Keys that are remembered, and how many can be.
    pub(crate) keys: usize,
    pub(crate) most_keys: usize,
    /// In requests or connections, the fullest first, of the keys that were asked for last; empty ones are left out.
    pub(crate) levels: Vec<f64>,
    /// How full a bucket may be.
    pub(crate) capacity: f64,
    pub(crate) verdicts: [u64; 5],
}
