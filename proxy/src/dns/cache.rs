//! What is known about names, and what is being asked: bounded, the least used goes first. Pure, the time is passed in.

use std::num::NonZeroUsize;
use std::time::Instant;

use lru::LruCache;
use tokio::sync::watch;

use super::{Answer, Name, Want};

const MOST_NAMES: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not 0");

pub(super) type Key = (Name, Want);
/// Told once, when the answer has come.
pub(super) type Flight = watch::Receiver<Option<Answer>>;

#[derive(Debug)]
enum Entry {
    Known { answer: Answer, until: Instant },
    Asked(Flight),
}

#[derive(Debug)]
pub(super) struct Cache(LruCache<Key, Entry>);

pub(super) enum Look {
    Known(Answer),
    /// Somebody asks already.
    Asked(Flight),
    Unknown,
}

impl Default for Cache {
    fn default() -> Self {
        Self(LruCache::new(MOST_NAMES))
    }
}

impl Cache {
    pub(super) fn look(&mut self, key: &Key, now: Instant) -> Look {
        match self.0.get(key) {
            Some(Entry::Known { answer, until }) if now < *until => Look::Known(answer.clone()),
            // Who asks is gone when its worker has ended; then somebody else has to.
            Some(Entry::Asked(flight)) if flight.has_changed().is_ok() => {
                Look::Asked(flight.clone())
            }
            _ => Look::Unknown,
        }
    }

    pub(super) fn asked(&mut self, key: Key, flight: Flight) {
        self.0.put(key, Entry::Asked(flight));
    }

    /// `until` is `None` for what must not be remembered.
    pub(super) fn learnt(&mut self, key: Key, answer: &Answer, until: Option<Instant>) {
        match until {
            Some(until) => {
                let answer = answer.clone();
                self.0.put(key, Entry::Known { answer, until });
            }
            None => {
                self.0.pop(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Found, Trouble};
    use super::*;

    fn key(name: &str) -> Key {
        (Name::new(name).unwrap(), Want::Addresses)
    }

    fn known(cache: &mut Cache, name: &str, now: Instant) -> bool {
        matches!(cache.look(&key(name), now), Look::Known(_))
    }

    #[test]
    fn an_answer_counts_until_it_expires_and_a_failure_does_not_count() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let until = now + Duration::from_secs(5);
        let records = Vec::new().into();
        cache.learnt(key("a"), &Ok(Found { records, until }), Some(until));
        cache.learnt(
            key("b"),
            &Err((Trouble::NotFound, Some(until))),
            Some(until),
        );
        cache.learnt(key("c"), &Err((Trouble::Timeout, None)), None);
        let at = |cache: &mut Cache, now| ["a", "b", "c"].map(|name| known(cache, name, now));
        assert_eq!(at(&mut cache, now), [true, true, false]);
        assert_eq!(at(&mut cache, until), [false; 3]);
    }

    #[test]
    fn who_asks_next_waits_for_who_asked_first_unless_that_one_is_gone() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let (told, flight) = watch::channel(None);
        cache.asked(key("a"), flight);
        assert!(matches!(cache.look(&key("a"), now), Look::Asked(_)));
        drop(told);
        assert!(matches!(cache.look(&key("a"), now), Look::Unknown));
    }

    #[test]
    fn the_name_unused_longest_is_forgotten_first() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let until = now + Duration::from_secs(5);
        let trouble = Err((Trouble::NotFound, Some(until)));
        for number in 0..=MOST_NAMES.get() {
            cache.learnt(key(&format!("n{number}")), &trouble, Some(until));
            assert!(known(&mut cache, "n0", now));
        }
        assert!(!known(&mut cache, "n1", now));
    }
}
