//! The arithmetic of `limit_req` (nginx's leaky bucket), pure: takes a bucket, the rate and the time, says how full the
//! bucket is with one more request in it.
//!
//! The unit is a thousandth of a request, so that whole numbers do. The bucket leaks `rate` of them a millisecond
//! times 1000; the first request of a quiet client finds and leaves it empty, so `burst=0` lets one through.

/// How full a bucket is and when that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Thousandths of a request above what the rate allows.
    pub(crate) excess: i64,
    pub(crate) at_ms: i64,
}

/// Requests a second, in thousandths.
pub(crate) type Rate = i64;

impl Bucket {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self {
            excess: 0,
            at_ms: now_ms,
        }
    }

    // ANCHOR: leak
    /// The bucket with one more request, after what has leaked since.
    pub(crate) fn with_one_more(self, now_ms: i64, rate: Rate) -> Self {
        let quiet_ms = (now_ms - self.at_ms).max(0);
        let leaked = rate.saturating_mul(quiet_ms) / 1000;
        Self {
            excess: self
                .excess
                .saturating_sub(leaked)
                .saturating_add(1000)
                .max(0),
            at_ms: now_ms.max(self.at_ms),
        }
    }
    // ANCHOR_END: leak

    /// How full it is now, in thousandths of a request: the last request is in it until it has leaked, too.
    pub(crate) fn level(self, now_ms: i64, rate: Rate) -> i64 {
        self.with_one_more(now_ms, rate).excess
    }
}

/// How long a request waits whose bucket is this full, if what is above `free` has to leak first.
pub(crate) fn delay_ms(excess: i64, free: i64, rate: Rate) -> u64 {
    let waiting = excess.saturating_sub(free);
    if waiting <= 0 {
        return 0;
    }
    u64::try_from(waiting.saturating_mul(1000) / rate.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two requests a second: 2000 thousandths.
    const RATE: Rate = 2000;

    #[test]
    fn a_bucket_fills_by_requests_and_leaks_by_time() {
        // time of request -> excess:   0 ms (new): 0;  0 ms: 1000;  250 ms: 1500;  1250 ms: 500;  9000 ms: 0
        let mut bucket = Bucket::new(0);
        let mut seen = Vec::new();
        for now in [0, 250, 1250, 9000] {
            bucket = bucket.with_one_more(now, RATE);
            seen.push(bucket.excess);
        }
        assert_eq!(seen, [1000, 1500, 500, 0]);
    }

    #[test]
    fn a_clock_that_goes_back_leaks_nothing() {
        let bucket = Bucket {
            excess: 500,
            at_ms: 100,
        }
        .with_one_more(40, RATE);
        assert_eq!(
            bucket,
            Bucket {
                excess: 1500,
                at_ms: 100
            }
        );
    }

    #[test]
    fn what_is_above_the_free_part_has_to_leak_before_the_request_goes_on() {
        for (excess, free, delay) in [
            (0, 0, 0),
            (1000, 0, 500),
            (3000, 2000, 500),
            (2000, 2000, 0),
        ] {
            assert_eq!(delay_ms(excess, free, RATE), delay, "{excess} {free}");
        }
    }

    #[test]
    fn no_number_overflows() {
        let full = Bucket {
            excess: i64::MAX,
            at_ms: i64::MIN / 2,
        };
        assert!(full.with_one_more(i64::MAX / 2, i64::MAX).excess >= 0);
        assert_eq!(delay_ms(i64::MAX, 0, 1), u64::try_from(i64::MAX).unwrap());
    }
}
