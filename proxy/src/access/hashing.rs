//! Takes a password and its hash, decides when and where they are compared. bcrypt is slow on purpose: it would stop
//! a worker for a fifth of a second, and a flood of wrong passwords would stop all of them. So slow hashes are worked
//! out beside the workers, few at a time, with a short queue; a password that was right is remembered for a minute.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::password;

/// Requests that may wait for their turn.
const QUEUE: usize = 128;
const REMEMBERED: NonZero<usize> = NonZero::new(4096).expect("it is not zero");
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// The queue is full.
#[derive(Debug)]
pub(super) struct TooBusy;

type Key = [u8; 32];

/// Half of the cores: the workers need the others.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Semaphore::new((cores / 2).max(1))
});
static WAITING: AtomicUsize = AtomicUsize::new(0);
static RIGHT: LazyLock<Mutex<LruCache<Key, Instant>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));

/// Leaves the queue however the wait ends: the client may go away meanwhile.
struct Queued;

impl Queued {
    fn enter() -> Result<Self, TooBusy> {
        if WAITING.fetch_add(1, Relaxed) >= QUEUE {
            WAITING.fetch_sub(1, Relaxed);
            return Err(TooBusy);
        }
        Ok(Self)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Relaxed);
    }
}

pub(super) async fn verify(hash: &[u8], given: &[u8]) -> Result<bool, TooBusy> {
    if let Some(verdict) = password::verify_quickly(hash, given) {
        return Ok(verdict);
    }
    let key = key(hash, given);
    if is_remembered(&key) {
        return Ok(true);
    }
    let queued = Queued::enter()?;
    let turn = TURNS.acquire().await.map_err(|_| TooBusy)?;
    let (hash, given) = (hash.to_vec(), given.to_vec());
    // The turn ends with the work, not with the client's patience.
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        password::verify_slowly(&hash, &given)
    });
    let right = work.await.unwrap_or(false);
    drop(queued);
    if right {
        let mut remembered = RIGHT.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.put(key, Instant::now());
    }
    Ok(right)
}

fn is_remembered(key: &Key) -> bool {
    let mut remembered = RIGHT.lock().unwrap_or_else(PoisonError::into_inner);
    remembered
        .get(key)
        .is_some_and(|since| since.elapsed() < REMEMBERED_FOR)
}

/// Neither password nor hash can be read from it: it is keyed with a secret of this process.
fn key(hash: &[u8], given: &[u8]) -> Key {
    static SECRET: LazyLock<Key> = LazyLock::new(rand::random);
    let mut digest = Sha256::new_with_prefix(*SECRET);
    digest.update((hash.len() as u64).to_le_bytes());
    digest.update(hash);
    digest.update(given);
    digest.finalize().into()
}
