//! What nginx's "cache loader" and "cache manager" do, beside the workers: reads a folder into its index after the start,
//! then removes what nobody has asked for (`inactive`) and what is too much (`max_size`, `min_free`, oldest use first).
//! In pieces, so that the disk has time for requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use super::index::Found;
use super::key::{self, Digest};
use super::zone::{Pace, Zone};
use crate::clock;

/// A file system that is asked for its free space, and entries for their age, at least this often.
const ROUND: Duration = Duration::from_secs(10);

/// Looks after these caches until the configuration that has them is retired.
pub(crate) fn keep(zones: &[Arc<Zone>], retired: &CancellationToken) {
    for zone in zones {
        let (zone, retired) = (Arc::clone(zone), retired.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = look_after(&zone) => {}
                () = retired.cancelled() => {}
            }
        });
    }
}

async fn look_after(zone: &Arc<Zone>) {
    if zone.cold.load(Relaxed) {
        load(zone).await;
    }
    loop {
        let pace = zone.limits().manager;
        let cleaned = Arc::clone(zone);
        let more = tokio::task::spawn_blocking(move || cleaned.clean(pace)).await;
        if more.unwrap_or(false) {
            tokio::time::sleep(pace.sleep).await;
            continue;
        }
        let wait = ROUND.min(zone.limits().inactive.max(Duration::from_secs(1)));
        let _ = tokio::time::timeout(wait, zone.overfull.notified()).await;
    }
}

/// Reads the folder, some files at a time.
async fn load(zone: &Arc<Zone>) {
    let started = SystemTime::now();
    let pace = zone.limits().loader;
    let (files, mut next) = tokio::sync::mpsc::channel(pace.files);
    let walked = Arc::clone(zone);
    let walker = tokio::task::spawn_blocking(move || {
        for folder in walked.temporary_folders() {
            sweep(&folder, started);
        }
        walked.each_file(|digest, path| {
            let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
            let _ = files.blocking_send((digest, size));
        });
        walked.sweep_temporary(started);
    });
    let (mut since, mut count) = (Instant::now(), 0);
    while let Some((digest, size)) = next.recv().await {
        zone.found(digest, size);
        count += 1;
        if count >= pace.files || since.elapsed() >= pace.threshold {
            tokio::time::sleep(pace.sleep).await;
            (since, count) = (Instant::now(), 0);
        }
    }
    let _ = walker.await;
    zone.cold.store(false, Relaxed);
}

impl Zone {
    fn found(&self, digest: Digest, size: u64) {
        let now = clock::since_epoch().as_secs();
        let found = self.index().found(digest, super::zone::on_disk(size), now);
        if found == Found::NoRoom {
            self.delete(&digest);
        }
    }

    /// One round of the manager; `true` is that there is more to do.
    fn clean(&self, pace: Pace) -> bool {
        let limits = self.limits();
        let (started, mut count) = (Instant::now(), 0);
        let now = clock::since_epoch().as_secs();
        let mut spent = || {
            count += 1;
            count > pace.files || started.elapsed() >= pace.threshold
        };
        let before = now.saturating_sub(limits.inactive.as_secs());
        while self.drop_oldest(before) {
            if spent() {
                return true;
            }
        }
        while limits.max_size.is_some_and(|most| self.index().size > most)
            || (limits.min_free > 0 && self.free_space().is_some_and(|free| free < limits.min_free))
        {
            if !self.drop_oldest(u64::MAX) {
                return false;
            }
            if spent() {
                return true;
            }
        }
        false
    }

    /// Removes the entry unused longest, if that is before this time.
    fn drop_oldest(&self, before: u64) -> bool {
        let oldest = self.index().pop_unused(before);
        let Some((digest, has_file)) = oldest else {
            return false;
        };
        if has_file {
            self.delete(&digest);
        }
        true
    }

    fn free_space(&self) -> Option<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.folder).ok()?;
        #[allow(
            clippy::unnecessary_cast,
            reason = "these types differ between systems"
        )]
        Some(stat.blocks_available() as u64 * stat.fragment_size() as u64)
    }

    /// Shows every file of the folder whose name is a hash and whose place fits it. Others are not ours.
    pub(super) fn each_file(&self, mut show: impl FnMut(Digest, &Path)) {
        self.folders(&self.folder, self.levels.depth(), &mut |folder| {
            for path in paths(folder) {
                let name = path.file_name().and_then(|name| name.to_str());
                if let Some(digest) = name.and_then(key::from_name)
                    && self.path(&digest) == path
                {
                    show(digest, &path);
                }
            }
        });
    }

    fn folders(&self, folder: &Path, depth: usize, show: &mut dyn FnMut(&Path)) {
        if depth == 0 {
            return show(folder);
        }
        for path in paths(folder) {
            let short = path.file_name().is_some_and(|name| name.len() <= 2);
            if short && path.is_dir() {
                self.folders(&path, depth - 1, show);
            }
        }
    }

    /// Files that an earlier process had begun and never finished.
    fn sweep_temporary(&self, started: SystemTime) {
        let depth = self.levels.depth();
        self.folders(&self.folder, depth, &mut |folder| sweep(folder, started));
    }
}

fn paths(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

fn sweep(folder: &Path, started: SystemTime) {
    let old = |path: &Path| {
        let modified = path.metadata().and_then(|meta| meta.modified());
        modified.is_ok_and(|modified| modified < started)
    };
    for path in paths(folder) {
        let name = path.file_name().and_then(|name| name.to_str());
        let temporary = name
            .and_then(|name| name.split_once('.'))
            .is_some_and(|(hash, number)| {
                key::from_name(hash).is_some()
                    && number.len() == 10
                    && number.bytes().all(|b| b.is_ascii_digit())
            });
        if temporary && old(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}
