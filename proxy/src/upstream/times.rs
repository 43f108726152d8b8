//! What `least_time` knows of a peer, and the clock that fits into an atomic.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::balance::{Until, least_time};

/// What times in atomics are counted from.
pub(super) static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// In milliseconds, and never 0.
pub(super) fn since_beginning(now: Instant) -> u64 {
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

    /// How busy the peer is, in words of time.
    pub(super) fn load(
        &self,
        until: Until,
        fail_timeout: Duration,
        in_flight: u64,
        now: Instant,
    ) -> u64 {
        let asked = self.asked.load(Relaxed);
        let idle = Duration::from_millis(since_beginning(now).saturating_sub(asked));
        let (average, waiting) = (self.average(until), self.waiting(now));
        least_time::load(average, idle, fail_timeout, waiting, in_flight)
    }

    /// How long they have waited, on average. The two numbers are read apart, so that one look may be a little wrong.
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
