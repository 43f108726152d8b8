//! Latencies, counted in buckets that many threads fill at once without a lock.
//!
//! Log-linear: each power of two of microseconds is cut into 16 equal buckets, so a value is known to about 6 %, from
//! 1 microsecond to 2 minutes, in 3 kB. A percentile is then "the upper end of the bucket in which it lies".

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Below 32 microseconds each microsecond has its own bucket.
const EXACT: u64 = 32;
const PER_POWER: usize = 16;
/// 2^27 microseconds are 134 s; what is slower counts as that.
const HIGHEST_POWER: u32 = 26;
const BUCKETS: usize = EXACT as usize + (HIGHEST_POWER as usize - 4) * PER_POWER;

#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum_us: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(crate) fn record(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(us)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    pub(crate) fn reset(&self) {
        for counter in self.buckets.iter().chain([&self.sum_us]) {
            counter.store(0, Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            counts: self
                .buckets
                .iter()
                .map(|bucket| bucket.load(Relaxed))
                .collect(),
            sum: Duration::from_micros(self.sum_us.load(Relaxed)),
        }
    }
}

/// The counts at one moment; it answers questions.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    counts: Vec<u64>,
    pub(crate) sum: Duration,
}

impl Snapshot {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The latency that `percent` of all stayed below; `None` without any.
    pub(crate) fn percentile(&self, percent: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((percent / 100.0 * count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let index = self.counts.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        });
        index.map(|index| Duration::from_micros(lowest_in(index + 1)))
    }

    /// How many were faster than 2^power microseconds: exact, as a bucket ends there.
    pub(crate) fn count_below_power(&self, power: u32) -> u64 {
        self.counts[..bucket_of(1 << power)].iter().sum()
    }
}

fn bucket_of(us: u64) -> usize {
    if us < EXACT {
        return us as usize;
    }
    let power = us.ilog2().min(HIGHEST_POWER);
    let within = (us >> (power - 4)).min(31) as usize - PER_POWER;
    EXACT as usize + (power as usize - 5) * PER_POWER + within
}

/// The smallest number of microseconds in a bucket.
fn lowest_in(bucket: usize) -> u64 {
    if bucket < EXACT as usize {
        return bucket as u64;
    }
    let (power, within) = ((bucket - 32) / PER_POWER + 5, (bucket - 32) % PER_POWER);
    ((PER_POWER + within) as u64) << (power - 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(lowest_in(bucket)), bucket);
            assert_eq!(bucket_of(lowest_in(bucket + 1) - 1), bucket);
        }
        assert_eq!(
            bucket_of(u64::MAX),
            BUCKETS - 1,
            "the last one takes all that is slower"
        );
    }

    #[test]
    fn percentiles_are_right_to_a_sixteenth() {
        let histogram = Histogram::default();
        for ms in 1..=1000 {
            histogram.record(Duration::from_millis(ms));
        }
        let snapshot = histogram.snapshot();
        for (percent, ms) in [(50.0, 500.0), (95.0, 950.0), (99.0, 990.0)] {
            let found = snapshot.percentile(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((ms..ms * 1.0625).contains(&found), "p{percent} is {found}");
        }
        assert_eq!(snapshot.count(), 1000);
        assert_eq!(snapshot.sum, Duration::from_millis(500_500));
    }

    #[test]
    fn without_a_value_there_is_no_percentile() {
        assert_eq!(Histogram::default().snapshot().percentile(50.0), None);
    }

    #[test]
    fn counts_below_a_power_of_two_are_exact() {
        let histogram = Histogram::default();
        for us in [1, 1023, 1024, 4095, 4096] {
            histogram.record(Duration::from_micros(us));
        }
        let below = |power| histogram.snapshot().count_below_power(power);
        assert_eq!(
            [below(0), below(10), below(11), below(12), below(13)],
            [0, 2, 3, 4, 5]
        );
    }
}
