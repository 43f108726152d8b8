//! What a run in progress shows to others: how far it is, each answer as it comes, and a way to end it early.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Called with the number of the request, and the first line of its answer or the reason why there is none.
pub type OnAnswer = Box<dyn Fn(u64, &str) + Send + Sync>;

/// Shared between a run and whoever watches it.
#[derive(Default)]
pub struct Progress {
    done: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
    on_answer: Option<OnAnswer>,
}

impl Progress {
    /// A watcher that is also told every single answer, from the threads that read them.
    pub fn with_answers(on_answer: OnAnswer) -> Self {
        Self {
            on_answer: Some(on_answer),
            ..Self::default()
        }
    }

    /// Requests finished so far, and how many of them failed.
    pub fn finished(&self) -> (u64, u64) {
        (
            self.done.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed),
        )
    }

    /// Ends the run as if its time were up; the report covers what was done.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, done: u64, failed: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
    }

    pub(crate) fn on_answer(&self) -> Option<&OnAnswer> {
        self.on_answer.as_ref()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("finished", &self.finished())
            .finish_non_exhaustive()
    }
}
