//! Reading an entry's file: its head in one piece, checked; then the body. nginx reads on the event loop as well, and
//! what was just asked for is in the page cache mostly; a large body that has to be checked first is read beside it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::key::Digest;
use super::record::{BadRecord, Record};
use super::store::Fill;
use super::zone::Zone;
use crate::http1::ResponseHead;
use crate::respond::Content;

/// What is read at once: head and body of most answers.
const FIRST: usize = 16 * 1024;
/// A body up to this length is checked at once, a longer one beside the worker.
const CHECKED_HERE: u64 = 1 << 20;

/// A stored answer, open for reading.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) record: Record,
    pub(super) head: ResponseHead,
    file: File,
    /// Where the body begins in the file.
    start: u64,
    /// The start of the body, read with the head.
    first: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Bad(#[from] BadRecord),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Stored {
    pub(super) fn open(zone: &Zone, digest: &Digest) -> Result<Self, ReadError> {
        let file = File::open(zone.path(digest))?;
        let length = file.metadata()?.len();
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(FIRST).min(FIRST)];
        file.read_exact_at(&mut bytes, 0)?;
        let record = match Record::read(&bytes)? {
            Ok(record) => record,
            Err(needed) => {
                if length < needed as u64 {
                    return Err(BadRecord::Torn.into());
                }
                let had = bytes.len();
                bytes.resize(needed, 0);
                file.read_exact_at(&mut bytes[had..], had as u64)?;
                Record::read(&bytes)?.map_err(|_| BadRecord::Torn)?
            }
        };
        if length != record.start() as u64 + record.body_length {
            return Err(BadRecord::Torn.into());
        }
        let mut head = ResponseHead::default();
        if head.parse(&record.head) != Ok(Some(record.head.len())) {
            return Err(BadRecord::Torn.into());
        }
        let start = record.start();
        bytes.drain(..start);
        Ok(Self {
            start: start as u64,
            record,
            head,
            file,
            first: bytes,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.record.body_length
    }

    /// The body, out of memory if it was read with the head.
    pub(super) fn content(self) -> Content {
        if self.first.len() as u64 == self.len() {
            return Content::Bytes(self.first);
        }
        Content::File {
            length: self.len(),
            file: self.file,
            start: self.start,
        }
    }

    /// Whether the body is what was written. Asked once for each entry that an earlier process wrote.
    pub(super) async fn is_whole(&self) -> bool {
        let record = (self.start, self.len(), self.record.body_crc);
        if self.len() <= CHECKED_HERE {
            return checksum(&self.file, record).is_ok_and(|same| same);
        }
        let Ok(file) = self.file.try_clone() else {
            return false;
        };
        let checked = tokio::task::spawn_blocking(move || checksum(&file, record));
        checked.await.is_ok_and(|same| same.is_ok_and(|same| same))
    }

    /// Writes another head before the same body (RFC 9111 section 3.2: a 304 changes stored fields).
    pub(super) async fn rewrite(&self, zone: &Arc<Zone>, digest: Digest) -> io::Result<()> {
        let copy = Copy {
            fill: Fill::new(Arc::clone(zone), digest, self.record.clone_empty(), None),
            file: self.file.try_clone()?,
            start: self.start,
            length: self.len(),
        };
        if self.len() <= CHECKED_HERE {
            return copy.run();
        }
        let copied = tokio::task::spawn_blocking(move || copy.run());
        copied.await.map_err(io::Error::other)?
    }

    /// Writes new times into the file: one write within the first page, which is there whole or not at all.
    pub(super) fn renew(&self, zone: &Zone, digest: &Digest) -> io::Result<()> {
        let file = File::options().write(true).open(zone.path(digest))?;
        // Another answer may have taken its place meanwhile; it has times of its own.
        if file.metadata()?.ino() == self.file.metadata()?.ino() {
            file.write_all_at(&self.record.block_for(), 0)?;
        }
        Ok(())
    }
}

/// A body on its way to a file with another head.
struct Copy {
    fill: Fill,
    file: File,
    start: u64,
    length: u64,
}

impl Copy {
    fn run(mut self) -> io::Result<()> {
        let fill = &mut self.fill;
        each_piece(&self.file, self.start, self.length, |piece| {
            fill.push(piece)
        })?;
        self.fill.commit()
    }
}

fn each_piece(
    file: &File,
    start: u64,
    length: u64,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    let mut at = 0;
    while at < length {
        let count = usize::try_from(length - at).map_or(piece.len(), |left| left.min(piece.len()));
        file.read_exact_at(&mut piece[..count], start + at)?;
        take(&piece[..count])?;
        at += count as u64;
    }
    Ok(())
}

fn checksum(file: &File, (start, length, wanted): (u64, u64, u32)) -> io::Result<bool> {
    let mut hasher = crc32fast::Hasher::new();
    each_piece(file, start, length, |piece| {
        hasher.update(piece);
        Ok(())
    })?;
    Ok(hasher.finalize() == wanted)
}

impl Zone {
    /// Opens an entry that should be there, or may be while the folder is being read. What is not whole goes.
    pub(super) async fn open(&self, digest: &Digest, now: u64) -> Option<Stored> {
        let (known, verified) = {
            let index = self.index();
            let node = index.peek(digest).filter(|node| node.size > 0);
            (node.is_some(), node.is_some_and(|node| node.verified))
        };
        if !known && !self.cold.load(Relaxed) {
            return None;
        }
        let stored = match Stored::open(self, digest) {
            Ok(stored) => stored,
            Err(ReadError::Io(why)) if why.kind() == io::ErrorKind::NotFound => {
                self.index().lost(digest);
                return None;
            }
            Err(why) => return self.throw_away(digest, &why),
        };
        if verified {
            return Some(stored);
        }
        if !stored.is_whole().await {
            return self.throw_away(digest, &BadRecord::Torn.into());
        }
        let size = stored.start + stored.len();
        self.stored(*digest, size, true, now);
        Some(stored)
    }

    fn throw_away(&self, digest: &Digest, why: &ReadError) -> Option<Stored> {
        let path = self.path(digest);
        tracing::warn!(file = %path.display(), %why, "an entry of the cache is removed");
        self.index().lost(digest);
        self.delete(digest);
        None
    }
}
