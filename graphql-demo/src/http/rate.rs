//! A token bucket for each client address: so many requests at once, and the bucket fills again within a minute.

use std::net::{IpAddr, Ipv6Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use lru::LruCache;

/// In this time an empty bucket is full again.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; the longest unseen is forgotten first, and its bucket is full.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// The buckets of one endpoint.
pub(crate) struct RateLimit {
    capacity: NonZeroU32,
    buckets: Mutex<LruCache<IpAddr, Bucket>>,
}

/// What one address has left.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// Whether a request may pass, and what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passes: bool,
    limit: u32,
    remaining: u32,
    /// Seconds until the bucket is full.
    full_in: u64,
    /// Seconds until the next request passes.
    pub(crate) retry_after: u64,
}

impl RateLimit {
    pub(crate) fn new(capacity: NonZeroU32) -> Self {
        Self {
            capacity,
            buckets: Mutex::new(LruCache::new(MAX_ADDRESSES)),
        }
    }

    /// Takes tokens out of an address's bucket.
    pub(crate) fn take(&self, client: IpAddr, count: usize, now: Instant) -> Verdict {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket {
            tokens: f64::from(self.capacity.get()),
            at: now,
        };
        let bucket = buckets.get_or_insert_mut(network(client), || full);
        bucket.take(self.capacity.get(), count, now)
    }
}

/// Whoever has one IPv6 address has its 2^64 neighbours too.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        IpAddr::V4(_) => client,
    }
}

impl Bucket {
    fn take(&mut self, capacity: u32, count: usize, now: Instant) -> Verdict {
        let per_second = f64::from(capacity) / WINDOW.as_secs_f64();
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = f64::from(capacity).min(self.tokens + passed * per_second);
        self.at = now;
        #[expect(clippy::cast_precision_loss, reason = "a batch holds ten")]
        let wanted = count as f64;
        let passes = self.tokens >= wanted;
        if passes {
            self.tokens -= wanted;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to the capacity"
        )]
        let seconds = |tokens: f64| (tokens.max(0.0) / per_second).ceil() as u64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to the capacity"
        )]
        let remaining = self.tokens as u32;
        Verdict {
            passes,
            limit: capacity,
            remaining,
            full_in: seconds(f64::from(capacity) - self.tokens),
            retry_after: seconds(wanted.min(f64::from(capacity)) - self.tokens),
        }
    }
}

impl Verdict {
    /// `RateLimit` and `RateLimit-Policy` as the IETF's draft has them now, and the three of its older versions, which
    /// are easier to read.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        let (limit, remaining, full_in) = (self.limit, self.remaining, self.full_in);
        let window = WINDOW.as_secs();
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set(
            "ratelimit-policy",
            format!("\"address\";q={limit};w={window}"),
        );
        set(
            "ratelimit",
            format!("\"address\";r={remaining};t={full_in}"),
        );
        set("ratelimit-limit", limit.to_string());
        set("ratelimit-remaining", remaining.to_string());
        set("ratelimit-reset", full_in.to_string());
        if !self.passes {
            set("retry-after", self.retry_after.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(capacity: u32) -> RateLimit {
        RateLimit::new(NonZeroU32::new(capacity).unwrap())
    }

    /// 3 tokens, one back every 20 seconds: |||| -> 2, 1, 0, refused, and after 20 s one more.
    #[test]
    fn a_bucket_empties_by_requests_and_fills_by_time() {
        let limit = limit(3);
        let client = "192.0.2.1".parse().unwrap();
        let start = Instant::now();
        let mut remaining = Vec::new();
        for _ in 0..4 {
            let verdict = limit.take(client, 1, start);
            remaining.push((verdict.passes, verdict.remaining, verdict.full_in));
        }
        assert_eq!(
            remaining,
            [(true, 2, 20), (true, 1, 40), (true, 0, 60), (false, 0, 60)]
        );
        assert_eq!(limit.take(client, 1, start).retry_after, 20);
        let later = start + Duration::from_secs(20);
        assert!(limit.take(client, 1, later).passes);
        assert!(!limit.take(client, 1, later).passes);
    }

    #[test]
    fn addresses_have_a_bucket_each_and_ipv6_networks_one_together() {
        let limit = limit(1);
        let now = Instant::now();
        let passes = |client: &str| limit.take(client.parse().unwrap(), 1, now).passes;
        assert!(passes("192.0.2.1"));
        assert!(!passes("192.0.2.1"));
        assert!(passes("192.0.2.2"));
        assert!(passes("2001:db8::1"));
        assert!(!passes("2001:db8::2"));
        assert!(passes("2001:db8:0:1::1"));
    }

    #[test]
    fn a_batch_takes_a_token_for_each_operation() {
        let limit = limit(5);
        let client = "192.0.2.1".parse().unwrap();
        assert!(limit.take(client, 4, Instant::now()).passes);
        assert!(!limit.take(client, 4, Instant::now()).passes);
    }
}
