//! What lets a client come back without a full handshake: sessions kept here (`ssl_session_cache`)
//! and sessions that the client keeps, locked by a key of ours (`ssl_session_tickets`). Both are
//! shared by all workers and outlive a reload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::server::{ProducesTickets, StoresServerSessions};

/// The caches of all configurations since the start, by name and bytes, and the key of tickets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    caches: Arc<Mutex<Caches>>,
    keys: Arc<Mutex<HashMap<Duration, Arc<Tickets>>>>,
}

/// A cache whose size was changed is another cache.
type Caches = HashMap<(String, u64), Arc<SessionCache>>;

impl Sessions {
    pub(crate) fn cache(&self, name: &str, size: u64, lifetime: Duration) -> Arc<SessionCache> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry((name.to_owned(), size));
        Arc::clone(cache.or_insert_with(|| Arc::new(SessionCache::new(size, lifetime))))
    }

    /// Tickets under a key that nobody wrote down.
    pub(crate) fn tickets(&self, lifetime: Duration) -> Arc<Tickets> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.entry(lifetime).or_insert_with(|| {
            Arc::new(Tickets {
                keys: Mutex::new(Vec::new()),
                given: false,
                lifetime,
            })
        }))
    }
}

#[derive(Debug)]
pub(crate) struct SessionCache {
    sessions: Mutex<Kept>,
    lifetime: Duration,
}

/// Each session with the time it began.
type Kept = lru::LruCache<Vec<u8>, (Vec<u8>, Instant)>;

impl SessionCache {
    fn new(size: u64, lifetime: Duration) -> Self {
        // nginx says that a megabyte holds about 4000 sessions.
        let most = usize::try_from(size / 256)
            .unwrap_or(usize::MAX)
            .clamp(1, 1 << 20);
        let most = std::num::NonZeroUsize::new(most).unwrap_or(std::num::NonZeroUsize::MIN);
        Self {
            sessions: Mutex::new(lru::LruCache::new(most)),
            lifetime,
        }
    }

    fn fresh(&self, (session, since): (Vec<u8>, Instant)) -> Option<Vec<u8>> {
        (since.elapsed() <= self.lifetime).then_some(session)
    }
}

impl StoresServerSessions for SessionCache {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.put(key, (value, Instant::now()));
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.get(key).cloned()?;
        self.fresh(found)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.pop(key)?;
        self.fresh(found)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// The name that a ticket says its key by.
const NAME: usize = 16;
const NONCE: usize = 12;
const TIME: usize = 8;
const LENGTH: usize = 4;
/// Tickets come in multiples of this, so that their length doesn't tell what is in them.
const PADDED: usize = 128;

struct TicketKey {
    name: [u8; NAME],
    key: LessSafeKey,
    since: Instant,
}

pub(crate) struct Tickets {
    /// The first one locks, all open.
    keys: Mutex<Vec<TicketKey>>,
    /// By `ssl_session_ticket_key`, so they are not ours to change.
    given: bool,
    lifetime: Duration,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Tickets {
    /// Under the keys of files: 48 or 80 bytes each, the first 16 of them a name.
    pub(crate) fn with_keys(files: &[Vec<u8>], lifetime: Duration) -> Option<Self> {
        let keys = files.iter().map(|file| {
            matches!(file.len(), 48 | 80).then(|| ())?;
            let name = file[..NAME].try_into().ok()?;
            let secret = ring::digest::digest(&ring::digest::SHA256, &file[NAME..]);
            ticket_key(name, secret.as_ref())
        });
        let keys = keys.collect::<Option<Vec<_>>>()?;
        Some(Self {
            keys: Mutex::new(keys),
            given: true,
            lifetime,
        })
    }

    /// A key of our own locks tickets for one lifetime of theirs, and opens them for one more.
    fn rotate(&self, keys: &mut Vec<TicketKey>) -> Option<()> {
        let old = keys
            .first()
            .is_none_or(|key| key.since.elapsed() > self.lifetime);
        if old && !self.given {
            let (mut name, mut secret) = ([0; NAME], [0; 32]);
            SystemRandom::new().fill(&mut name).ok()?;
            SystemRandom::new().fill(&mut secret).ok()?;
            keys.insert(0, ticket_key(name, &secret)?);
            keys.truncate(2);
        }
        Some(())
    }
}

fn ticket_key(name: [u8; NAME], secret: &[u8]) -> Option<TicketKey> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).ok()?);
    Some(TicketKey {
        name,
        key,
        since: Instant::now(),
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as u64
}

/// Times in milliseconds.
fn still_good(born: u64, now: u64, lifetime: Duration) -> bool {
    u128::from(now.saturating_sub(born)) <= lifetime.as_millis()
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX)
    }

    /// Name, nonce, then time, length and session under the key.
    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        self.rotate(&mut keys)?;
        let key = keys.first()?;
        let mut nonce = [0; NONCE];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = now().to_be_bytes().to_vec();
        sealed.extend_from_slice(&u32::try_from(plain.len()).ok()?.to_be_bytes());
        sealed.extend_from_slice(plain);
        sealed.resize(sealed.len().next_multiple_of(PADDED), 0);
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        key.key
            .seal_in_place_append_tag(nonce_of, Aad::from(key.name), &mut sealed)
            .ok()?;
        Some([&key.name[..], &nonce, &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(NAME)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| key.name == name)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = key
            .key
            .open_in_place(nonce, Aad::from(key.name), &mut sealed)
            .ok()?;
        let (time, rest) = plain.split_at_checked(TIME)?;
        let (length, padded) = rest.split_at_checked(LENGTH)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let session = padded.get(..usize::try_from(length).ok()?)?;
        let born = u64::from_be_bytes(time.try_into().ok()?);
        still_good(born, now(), self.lifetime).then(|| session.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_under_its_own_key_only() {
        let tickets = |byte: u8, lifetime| Tickets::with_keys(&[vec![byte; 80]], lifetime).unwrap();
        let hour = Duration::from_secs(3600);
        let one = tickets(1, hour);
        let ticket = one.encrypt(b"session").unwrap();
        assert_eq!(one.decrypt(&ticket).unwrap(), b"session");
        assert_eq!(tickets(1, hour).decrypt(&ticket).unwrap(), b"session");
        assert_eq!(tickets(2, hour).decrypt(&ticket), None);
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(one.decrypt(&changed), None, "byte {at} changed");
            assert_eq!(one.decrypt(&ticket[..at]), None, "first {at} bytes");
        }
        assert!(Tickets::with_keys(&[vec![0; 47]], hour).is_none());
    }

    #[test]
    fn a_ticket_does_not_show_how_much_is_in_it() {
        let tickets = Tickets::with_keys(&[vec![1; 48]], Duration::from_secs(60)).unwrap();
        let length = |session: &[u8]| tickets.encrypt(session).unwrap().len();
        assert_eq!(length(b""), length(&[7; 100]));
        let large = [7; 70_000];
        assert_eq!(
            tickets.decrypt(&tickets.encrypt(&large).unwrap()).unwrap(),
            large
        );
    }

    #[test]
    fn a_key_of_ours_is_changed_after_a_lifetime_and_opens_for_one_more() {
        let tickets = Sessions::default().tickets(Duration::from_millis(200));
        let name = |ticket: &[u8]| ticket[..NAME].to_vec();
        let first = tickets.encrypt(b"one").unwrap();
        tickets.keys.lock().unwrap()[0].since -= Duration::from_secs(1);
        let second = tickets.encrypt(b"two").unwrap();
        assert_ne!(name(&first), name(&second));
        assert_eq!(tickets.keys.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_ticket_is_good_for_its_lifetime() {
        let second = Duration::from_secs(1);
        for (born, now, expected) in [(0, 1000, true), (0, 1001, false), (5000, 4000, true)] {
            assert_eq!(still_good(born, now, second), expected, "{born} {now}");
        }
    }

    #[test]
    fn a_cache_forgets_the_oldest_and_outlives_a_reload() {
        let sessions = Sessions::default();
        let cache = sessions.cache("one", 512, Duration::from_secs(60));
        for key in 0..3 {
            assert!(cache.put(vec![key], vec![key]));
        }
        assert_eq!(cache.get(&[0]), None);
        assert_eq!(cache.take(&[2]), Some(vec![2]));
        assert_eq!(cache.take(&[2]), None);
        assert!(Arc::ptr_eq(
            &cache,
            &sessions.cache("one", 512, Duration::from_secs(60))
        ));
    }
}
