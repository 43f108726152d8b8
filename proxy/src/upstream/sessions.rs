//! `sticky learn`: which peer each session belongs to, by all workers, in bounded memory, over reloads.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest, Sha256};

/// What a session costs; `size` of a zone is counted in it (nginx says about 4000 sessions a megabyte).
const BYTES_A_SESSION: u64 = 256;

/// A session is known by its digest: its own name is a secret of client and backend, and may be long.
type Key = [u8; 32];

#[derive(Debug)]
struct Session {
    sid: Arc<str>,
    used: Instant,
}

/// The one unused longest makes room for a new one.
#[derive(Debug)]
pub(crate) struct Sessions {
    known: Mutex<LruCache<Key, Session>>,
}

impl Sessions {
    pub(crate) fn new(size: u64) -> Self {
        let most = usize::try_from(size / BYTES_A_SESSION).unwrap_or(usize::MAX);
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self {
            known: Mutex::new(LruCache::new(most)),
        }
    }

    /// The peer of a session that was used within `timeout`.
    pub(crate) fn look(&self, name: &[u8], timeout: Duration, now: Instant) -> Option<Arc<str>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name);
        let session = known.get(&key)?;
        if now.saturating_duration_since(session.used) > timeout {
            known.pop(&key);
            return None;
        }
        Some(Arc::clone(&session.sid))
    }

    /// A peer has answered for the session; it is bound to it from now on. Unless `create`, only if it is known.
    pub(crate) fn answered(&self, name: &[u8], sid: &Arc<str>, create: bool, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name);
        if create || known.contains(&key) {
            let (sid, used) = (Arc::clone(sid), now);
            known.put(key, Session { sid, used });
        }
    }
}

fn key(name: &[u8]) -> Key {
    Sha256::digest(name).into()
}

/// The zones of all configurations since the start, by name; one whose size was changed is another zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionZones(Arc<Mutex<BySize>>);

type BySize = HashMap<(String, u64), Arc<Sessions>>;

impl SessionZones {
    pub(crate) fn zone(&self, name: &str, size: u64) -> Arc<Sessions> {
        let mut zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let zone = zones.entry((name.to_owned(), size));
        Arc::clone(zone.or_insert_with(|| Arc::new(Sessions::new(size))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_stays_with_its_peer_while_it_is_used() {
        let (sessions, start) = (Sessions::new(1 << 20), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, two): (Arc<str>, Arc<str>) = ("1".into(), "2".into());
        assert_eq!(sessions.look(b"a", MINUTE, start), None);
        sessions.answered(b"a", &one, false, start);
        assert_eq!(
            sessions.look(b"a", MINUTE, start),
            None,
            "nobody created it"
        );
        sessions.answered(b"a", &one, true, start);
        assert_eq!(sessions.look(b"a", MINUTE, at(60)), Some(Arc::clone(&one)));
        assert_eq!(sessions.look(b"b", MINUTE, start), None);
        sessions.answered(b"a", &two, false, at(60));
        assert_eq!(sessions.look(b"a", MINUTE, at(120)), Some(two));
        assert_eq!(sessions.look(b"a", MINUTE, at(121)), None);
    }

    #[test]
    fn the_session_unused_longest_makes_room() {
        let (sessions, now) = (Sessions::new(2 * BYTES_A_SESSION), Instant::now());
        let sid: Arc<str> = "1".into();
        for name in [b"a", b"b"] {
            sessions.answered(name, &sid, true, now);
        }
        sessions.look(b"a", MINUTE, now);
        sessions.answered(b"c", &sid, true, now);
        let known = [b"a", b"b", b"c"].map(|name| sessions.look(name, MINUTE, now).is_some());
        assert_eq!(known, [true, false, true]);
    }
}
