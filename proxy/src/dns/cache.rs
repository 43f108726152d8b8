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
