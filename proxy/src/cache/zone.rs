//! One cache (`proxy_cache_path`): its folder, its index, its limits and its counters. Shared by all workers; outlives a
//! reload as long as its name, folder and levels stay.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::index::{Index, Turn};
use super::key::{Digest, Levels};
use super::status::CacheStatus;

/// What `proxy_cache_path` says besides name, folder and size.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) inactive: Duration,
    pub(crate) max_size: Option<u64>,
    pub(crate) min_free: u64,
    pub(crate) use_temp_path: bool,
    pub(crate) manager: Pace,
    pub(crate) loader: Pace,
}

/// Work in pieces, so that the disk has time for others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) files: usize,
    pub(crate) threshold: Duration,
    pub(crate) sleep: Duration,
}

#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(super) folder: PathBuf,
    pub(super) levels: Levels,
    index: Mutex<Index>,
    limits: Mutex<Limits>,
    /// Folders of temporary files besides the cache's own.
    temporary: Mutex<Vec<PathBuf>>,
    /// The folder has not been read yet: what is not in the index may be on disk all the same.
    pub(super) cold: AtomicBool,
    /// Told when the cache has grown past its size.
    pub(super) overfull: Notify,
    served: [AtomicU64; CacheStatus::ALL.len()],
    served_bytes: [AtomicU64; CacheStatus::ALL.len()],
}

impl Zone {
    pub(crate) fn new(
        name: &str,
        folder: &Path,
        levels: Levels,
        size: u64,
        limits: Limits,
    ) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            levels,
            index: Mutex::new(Index::new(size)),
            limits: Mutex::new(limits),
            temporary: Mutex::default(),
            cold: AtomicBool::new(true),
            overfull: Notify::new(),
            served: Default::default(),
            served_bytes: Default::default(),
        }
    }

    /// Held for a look-up, never across a system call or an await. Nothing under it can panic half-way, so a poisoned
    /// lock is as good.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limits(&self) -> Limits {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.clone()
    }

    pub(super) fn path(&self, digest: &Digest) -> PathBuf {
        self.levels.path(&self.folder, digest)
    }

    /// Whether a location with this folder for temporary files is to use it for the cache's, too.
    pub(crate) fn wants_temporary(&self, folder: &Path) -> bool {
        if !self.limits().use_temp_path {
            return false;
        }
        let mut folders = self
            .temporary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
        true
    }

    pub(super) fn temporary_folders(&self) -> Vec<PathBuf> {
        let folders = self
            .temporary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        folders.clone()
    }

    /// A file of this size is at its place.
    pub(super) fn stored(&self, digest: Digest, size: u64, verified: bool, now: u64) {
        let size = on_disk(size);
        let max_size = self.limits().max_size;
        let (evicted, total) = {
            let mut index = self.index();
            let evicted = index.stored(digest, size, verified, now);
            (evicted, index.size)
        };
        if let Some(evicted) = evicted {
            self.delete(&evicted);
        }
        if max_size.is_some_and(|most| total > most) {
            self.overfull.notify_one();
        }
    }

    /// Takes an entry out of the index and its file off the disk; answers whether there was one.
    pub(super) fn remove(&self, digest: &Digest) -> bool {
        let known = self.index().remove(digest);
        self.delete(digest) || known
    }

    /// The index knows already that it is gone.
    pub(super) fn delete(&self, digest: &Digest) -> bool {
        std::fs::remove_file(self.path(digest)).is_ok()
    }

    pub(super) fn count(&self, status: CacheStatus, bytes: u64) {
        self.served[status as usize].fetch_add(1, Relaxed);
        self.served_bytes[status as usize].fetch_add(bytes, Relaxed);
    }

    pub(crate) fn report(&self) -> Report {
        let limits = self.limits();
        let index = self.index();
        Report {
            name: self.name.clone(),
            folder: self.folder.display().to_string(),
            cold: self.cold.load(Relaxed),
            size: index.size,
            max_size: limits.max_size,
            entries: index.files,
            served: CacheStatus::ALL.map(|status| Served {
                status,
                answers: self.served[status as usize].load(Relaxed),
                bytes: self.served_bytes[status as usize].load(Relaxed),
            }),
        }
    }
}

/// What the status API says of a cache.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) cold: bool,
    pub(crate) size: u64,
    pub(crate) max_size: Option<u64>,
    pub(crate) entries: u64,
    pub(crate) served: [Served; CacheStatus::ALL.len()],
}

/// Answers and the bytes of their bodies, by what the cache had to do with them.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) status: CacheStatus,
    pub(crate) answers: u64,
    pub(crate) bytes: u64,
}

/// What a file takes: whole blocks of nearly every file system.
pub(super) fn on_disk(size: u64) -> u64 {
    size.div_ceil(4096) * 4096
}

/// The right to update an entry; given back when dropped.
#[derive(Debug)]
pub(super) struct Guard {
    zone: Arc<Zone>,
    digest: Digest,
    ticket: u64,
}

impl Guard {
    /// Asks for the right, which another may take over after `age_ms`.
    pub(super) fn take(
        zone: &Arc<Zone>,
        digest: Digest,
        now_ms: u64,
        age_ms: u64,
    ) -> Result<Self, (Arc<Notify>, u64)> {
        match zone.index().lock(&digest, now_ms, age_ms) {
            Turn::Yours(ticket) => Ok(Self {
                zone: Arc::clone(zone),
                digest,
                ticket,
            }),
            Turn::Taken(done, until) => Err((done, until)),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.zone.index().unlock(&self.digest, self.ticket);
    }
}

/// The caches of all configurations since the start, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caches(Arc<Mutex<HashMap<String, Arc<Zone>>>>);

impl Caches {
    /// The cache of this name, or a new one if its folder, levels or size are others than before.
    pub(crate) fn zone(
        &self,
        name: &str,
        folder: &Path,
        levels: Levels,
        size: u64,
        limits: Limits,
    ) -> io::Result<Arc<Zone>> {
        std::fs::create_dir_all(folder)?;
        let mut zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |zone: &&Arc<Zone>| {
            zone.folder == folder && zone.levels == levels && zone.index().is_of(size)
        };
        if let Some(zone) = zones.get(name).filter(same) {
            *zone.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
            return Ok(Arc::clone(zone));
        }
        let zone = Arc::new(Zone::new(name, folder, levels, size, limits));
        zones.insert(name.to_owned(), Arc::clone(&zone));
        Ok(zone)
    }
}
