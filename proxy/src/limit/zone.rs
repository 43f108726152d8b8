//! `limit_req_zone` and `limit_conn_zone`: what is remembered for each key, by all workers, in bounded memory. A zone
//! outlives a reload, so that reloading does not forgive.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::bucket::{Bucket, Rate};
use super::verdicts::{Verdicts, ZoneReport};

/// What nginx needs for a key on a 64-bit machine; `size` of a zone is counted in it.
const BYTES_A_KEY: u64 = 128;
/// A report tells of so many levels, and looks for them among so many keys, so that a full zone stays quick.
const LEVELS: usize = 20;
const LOOKED_AT: usize = 1000;
/// nginx refuses a zone below eight pages.
pub(crate) const SMALLEST: u64 = 8 * 4096;

type Key = Box<[u8]>;

/// The buckets of a `limit_req_zone`; the one unused longest makes room for a new one.
#[derive(Debug)]
pub(crate) struct RequestZone {
    buckets: Mutex<Buckets>,
    pub(super) verdicts: Verdicts,
}

#[derive(Debug)]
struct Buckets {
    by_key: LruCache<Key, Bucket>,
    /// Of the limit that was applied last: a zone may serve several.
    rate: Rate,
    burst: i64,
}

/// The bucket would be fuller than `burst` allows: by this much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy(pub(crate) i64);

impl RequestZone {
    pub(crate) fn new(size: u64) -> Self {
        let buckets = Buckets {
            by_key: LruCache::new(keys(size)),
            rate: 0,
            burst: 0,
        };
        Self {
            buckets: Mutex::new(buckets),
            verdicts: Verdicts::default(),
        }
    }

    /// Held for a look-up; nothing in it can panic half-way, so a poisoned lock is as good.
    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, name: &str, now_ms: i64) -> ZoneReport {
        let buckets = self.buckets();
        let recent = buckets.by_key.iter().take(LOOKED_AT);
        let levels = recent.map(|(_, bucket)| bucket.level(now_ms, buckets.rate));
        ZoneReport {
            name: name.to_owned(),
            kind: "requests",
            keys: buckets.by_key.len(),
            most_keys: buckets.by_key.cap().get(),
            levels: fullest(levels.map(|level| level as f64 / 1000.0)),
            capacity: buckets.burst.saturating_add(1000) as f64 / 1000.0,
            verdicts: self.verdicts.counts(),
        }
    }

    /// One more request of `key`: how full its bucket is with it. `keep` writes it down.
    pub(crate) fn one_more(
        &self,
        key: &[u8],
        now_ms: i64,
        rate: Rate,
        burst: i64,
        keep: bool,
    ) -> Result<i64, Busy> {
        let mut buckets = self.buckets();
        (buckets.rate, buckets.burst) = (rate, burst);
        let Some(bucket) = buckets.by_key.get_mut(key) else {
            if keep {
                buckets.by_key.put(key.into(), Bucket::new(now_ms));
            }
            return Ok(0);
        };
        let fuller = bucket.with_one_more(now_ms, rate);
        if fuller.excess > burst {
            return Err(Busy(fuller.excess));
        }
        if keep {
            *bucket = fuller;
        }
        Ok(fuller.excess)
    }

    /// Writes down what `one_more` had only looked at: how full the bucket of `key` is now.
    pub(crate) fn count(&self, key: &[u8], now_ms: i64, rate: Rate) -> i64 {
        let mut buckets = self.buckets();
        if let Some(bucket) = buckets.by_key.get_mut(key) {
            *bucket = bucket.with_one_more(now_ms, rate);
            return bucket.excess;
        }
        buckets.by_key.put(key.into(), Bucket::new(now_ms));
        0
    }
}

/// How many requests of each key of a `limit_conn_zone` are being served.
#[derive(Debug)]
pub(crate) struct ConnectionZone {
    counts: Mutex<HashMap<Key, usize>>,
    keys: usize,
    /// Of the limit that was applied last: a zone may serve several.
    limit: AtomicUsize,
    pub(super) verdicts: Verdicts,
}

/// A place taken in a zone; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    zone: Arc<ConnectionZone>,
    key: Key,
}

impl ConnectionZone {
    pub(crate) fn new(size: u64) -> Self {
        Self {
            counts: Mutex::default(),
            keys: keys(size).get(),
            limit: AtomicUsize::new(0),
            verdicts: Verdicts::default(),
        }
    }

    fn report(&self, name: &str) -> ZoneReport {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        ZoneReport {
            name: name.to_owned(),
            kind: "connections",
            keys: counts.len(),
            most_keys: self.keys,
            levels: fullest(counts.values().map(|&count| count as f64)),
            capacity: self.limit.load(Relaxed) as f64,
            verdicts: self.verdicts.counts(),
        }
    }

    /// A place for `key`, unless it has `limit` of them or the zone is full.
    pub(crate) fn enter(self: &Arc<Self>, key: &[u8], limit: usize) -> Option<Held> {
        self.limit.store(limit, Relaxed);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counts.len() >= self.keys;
        match counts.get_mut(key) {
            Some(count) if *count >= limit => return None,
            Some(count) => *count += 1,
            None if full => return None,
            None => drop(counts.insert(key.into(), 1)),
        }
        Some(Held {
            zone: Arc::clone(self),
            key: key.into(),
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut counts = self
            .zone
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

fn fullest(levels: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut levels: Vec<f64> = levels.filter(|&level| level > 0.0).collect();
    levels.sort_unstable_by(|a, b| b.total_cmp(a));
    levels.truncate(LEVELS);
    levels
}

fn keys(size: u64) -> NonZeroUsize {
    let keys = usize::try_from(size / BYTES_A_KEY).unwrap_or(usize::MAX);
    NonZeroUsize::new(keys).unwrap_or(NonZeroUsize::MIN)
}

/// The zones of all configurations since the start, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    requests: Arc<Mutex<BySize<RequestZone>>>,
    connections: Arc<Mutex<BySize<ConnectionZone>>>,
}

/// A zone whose size was changed is another zone.
type BySize<T> = HashMap<(String, u64), Arc<T>>;

impl Zones {
    /// The zones that a configuration uses now, by name.
    pub(crate) fn reports(&self, now_ms: i64) -> Vec<ZoneReport> {
        // Besides this table, only configurations hold a zone.
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = requests
            .iter()
            .filter(|(_, zone)| Arc::strong_count(zone) > 1);
        let mut reports: Vec<_> = requests
            .map(|((name, _), zone)| zone.report(name, now_ms))
            .collect();
        let connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connections = connections
            .iter()
            .filter(|(_, zone)| Arc::strong_count(zone) > 1);
        reports.extend(connections.map(|((name, _), zone)| zone.report(name)));
        reports.sort_unstable_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        reports
    }

    /// Begins to count verdicts anew; what keys have used stays.
    pub(crate) fn reset_counters(&self) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.values().for_each(|zone| zone.verdicts.reset());
        let connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.values().for_each(|zone| zone.verdicts.reset());
    }

    pub(crate) fn requests(&self, name: &str, size: u64) -> Arc<RequestZone> {
        let mut zones = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let zone = zones.entry((name.to_owned(), size));
        Arc::clone(zone.or_insert_with(|| Arc::new(RequestZone::new(size))))
    }

    pub(crate) fn connections(&self, name: &str, size: u64) -> Arc<ConnectionZone> {
        let mut zones = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let zone = zones.entry((name.to_owned(), size));
        Arc::clone(zone.or_insert_with(|| Arc::new(ConnectionZone::new(size))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_bucket_and_memory_is_bounded() {
        let zone = RequestZone::new(2 * BYTES_A_KEY);
        let ask = |key: &[u8]| zone.one_more(key, 0, 1000, 0, true);
        assert_eq!(ask(b"a"), Ok(0));
        assert_eq!(ask(b"b"), Ok(0));
        assert_eq!(ask(b"a"), Err(Busy(1000)));
        // A third key takes the place of the one unused longest, which is b.
        assert_eq!(ask(b"c"), Ok(0));
        assert_eq!(ask(b"a"), Err(Busy(1000)));
        assert_eq!(ask(b"b"), Ok(0));
    }

    #[test]
    fn a_zone_reports_what_it_decided_while_a_configuration_uses_it() {
        let zones = Zones::default();
        let used = zones.requests("used", SMALLEST);
        drop(zones.connections("gone", SMALLEST));
        assert_eq!(used.one_more(b"a", 0, 1000, 0, true), Ok(0));
        used.verdicts.count(super::super::Verdict::Passed);
        used.verdicts.count(super::super::Verdict::Rejected);
        let reports = zones.reports(0);
        assert_eq!(reports.len(), 1);
        assert_eq!((&*reports[0].name, reports[0].keys), ("used", 1));
        assert_eq!(reports[0].verdicts, [1, 0, 1, 0, 0]);
        zones.reset_counters();
        assert_eq!(zones.reports(0)[0].verdicts, [0; 5]);
    }

    #[test]
    fn a_zone_tells_how_full_its_fullest_buckets_are_now() {
        let zone = RequestZone::new(SMALLEST);
        for key in [b"a", b"b", b"b", b"b"] {
            assert!(zone.one_more(key, 0, 1000, 4000, true).is_ok());
        }
        let report = zone.report("z", 500);
        assert_eq!((report.levels, report.capacity), (vec![2.5, 0.5], 5.0));
        assert_eq!(zone.report("z", 1500).levels, [1.5]);
        for key in 0..2 * LEVELS {
            assert_eq!(zone.count(&key.to_be_bytes(), 3000, 1000), 0);
        }
        assert_eq!(zone.report("z", 3000).levels, [1.0; LEVELS]);
    }

    #[test]
    fn a_look_that_is_not_kept_changes_nothing() {
        let zone = RequestZone::new(SMALLEST);
        assert_eq!(zone.one_more(b"a", 0, 1000, 0, false), Ok(0));
        assert_eq!(zone.one_more(b"a", 0, 1000, 0, true), Ok(0));
        assert_eq!(zone.one_more(b"a", 0, 1000, 5000, false), Ok(1000));
        assert_eq!(zone.one_more(b"a", 0, 1000, 5000, true), Ok(1000));
    }

    #[test]
    fn a_place_is_given_back_when_its_holder_is_gone() {
        let zone = Arc::new(ConnectionZone::new(BYTES_A_KEY));
        let first = zone.enter(b"a", 2);
        let second = zone.enter(b"a", 2);
        assert!(first.is_some() && second.is_some());
        let report = zone.report("z");
        assert_eq!((report.levels, report.capacity), (vec![2.0], 2.0));
        assert!(zone.enter(b"a", 2).is_none(), "two is the limit");
        assert!(
            zone.enter(b"b", 2).is_none(),
            "the zone has room for one key"
        );
        drop(first);
        assert!(zone.enter(b"a", 2).is_some());
        drop(second);
        assert!(
            zone.enter(b"b", 2).is_some(),
            "the key without holders is forgotten"
        );
    }

    #[test]
    fn a_zone_of_the_same_name_and_size_is_the_same_after_a_reload() {
        let zones = Zones::default();
        assert!(Arc::ptr_eq(
            &zones.requests("one", 1),
            &zones.requests("one", 1)
        ));
        assert!(!Arc::ptr_eq(
            &zones.requests("one", 1),
            &zones.requests("one", 2)
        ));
    }
}
