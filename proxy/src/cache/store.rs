//! Writing an answer to its file while it passes. First to a temporary file, the head with all lengths and checksums at
//! the end, then one rename: a reader finds the old answer or the new one, never a part.
//!
//! Nothing is fsynced. `kill -9` loses nothing that was renamed, since the kernel has it. A power cut may: then lengths
//! or checksums are wrong, and the entry counts as not there. To lose a copy of what a peer still has costs one request;
//! an fsync for each entry would cost milliseconds on the worker's event loop.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::key::{Digest, hex};
use super::record::Record;
use super::zone::Zone;
use crate::clock;

/// An answer that fits is written in one piece at its end.
const IN_MEMORY: usize = 64 * 1024;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// An entry on its way into the cache. Dropped before `commit`, it leaves nothing.
#[derive(Debug)]
pub(super) struct Fill {
    zone: Arc<Zone>,
    digest: Digest,
    record: Record,
    temporary: Option<PathBuf>,
    /// Head and body, as far as they are not in the file yet.
    memory: Vec<u8>,
    file: Option<Temporary>,
    checksum: crc32fast::Hasher,
}

#[derive(Debug)]
struct Temporary {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Fill {
    /// `temporary` is the folder of `proxy_temp_path`, where that is to be used.
    pub(super) fn new(
        zone: Arc<Zone>,
        digest: Digest,
        record: Record,
        temporary: Option<PathBuf>,
    ) -> Self {
        let mut memory = Vec::with_capacity(record.start() + 1024);
        record.write(&mut memory);
        Self {
            zone,
            digest,
            record,
            temporary,
            memory,
            file: None,
            checksum: crc32fast::Hasher::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.record.body_length += bytes.len() as u64;
        self.memory.extend_from_slice(bytes);
        if self.memory.len() > IN_MEMORY {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let temporary = match &mut self.file {
            Some(temporary) => temporary,
            none => none.insert(
                self.zone
                    .temporary(&self.digest, self.temporary.as_deref())?,
            ),
        };
        temporary.file.write_all(&self.memory)?;
        self.memory.clear();
        Ok(())
    }

    // ANCHOR: commit
    /// The answer was whole: puts it in its place.
    pub(super) fn commit(mut self) -> io::Result<()> {
        self.record.body_crc = self.checksum.clone().finalize();
        let block = self.record.block_for();
        let small = self.file.is_none();
        if small {
            self.memory[..block.len()].copy_from_slice(&block);
        }
        self.spill()?;
        let mut temporary = self.file.take().expect("spill has made it");
        if !small {
            temporary.file.write_all_at(&block, 0)?;
        }
        self.zone.move_in(&temporary.path, &self.digest)?;
        temporary.kept = true;
        let size = self.record.start() as u64 + self.record.body_length;
        self.zone
            .stored(self.digest, size, true, clock::since_epoch().as_secs());
        Ok(())
    }
    // ANCHOR_END: commit
}

impl Zone {
    /// A new file that nobody else has, beside the entry's place or in `folder`.
    fn temporary(&self, digest: &Digest, folder: Option<&Path>) -> io::Result<Temporary> {
        let place = self.path(digest);
        let folder = folder.or(place.parent()).unwrap_or(&self.folder);
        loop {
            let number = NUMBER.fetch_add(1, Relaxed) % 10_000_000_000;
            let path = folder.join(format!("{}.{number:010}", hex(digest)));
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match opened {
                Ok(file) => {
                    return Ok(Temporary {
                        file,
                        path,
                        kept: false,
                    });
                }
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
                Err(why) if why.kind() == io::ErrorKind::NotFound && !folder.is_dir() => {
                    std::fs::create_dir_all(folder)?;
                }
                Err(why) => return Err(why),
            }
        }
    }

    fn move_in(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        let place = self.path(digest);
        match std::fs::rename(from, &place) {
            Err(why) if why.kind() == io::ErrorKind::CrossesDevices => {
                let copy = self.temporary(digest, None)?;
                std::fs::copy(from, &copy.path)?;
                std::fs::rename(&copy.path, &place)?;
                std::fs::remove_file(from)
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
                std::fs::rename(from, &place)
            }
            done => done,
        }
    }
}
