//! `queue`: requests that wait while every peer has as many as `max_conns` allows. Bounded in number and time.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// A peer may also become free without a request's end: it has come back, or its `max_conns` is another.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Queue {
    most: usize,
    timeout: Duration,
    waiting: AtomicUsize,
    freed: Notify,
}

/// A place in the queue; given back when dropped.
struct Place<'a>(&'a Queue);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Queue {
    pub(super) fn new(most: usize, timeout: Duration) -> Self {
        Self {
            most,
            timeout,
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    /// A request at a peer has ended: who waits longest may try.
    pub(super) fn free(&self) {
        self.freed.notify_one();
    }

    /// Tries again with each request that ends; `None`: the queue is full, or the time is up.
    pub(super) async fn wait<T>(&self, mut pick: impl FnMut(Instant) -> Option<T>) -> Option<T> {
        let _place = Place(self);
        if self.waiting.fetch_add(1, Relaxed) >= self.most {
            return None;
        }
        let deadline = Instant::now() + self.timeout;
        loop {
            // Before the look, so that nothing is missed between it and the wait.
            let freed = self.freed.notified();
            let now = Instant::now();
            if let Some(picked) = pick(now) {
                return Some(picked);
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return None;
            }
            let _ = timeout(left.min(LOOK_AGAIN), freed).await;
        }
    }
}
