//! What a zone knows in memory: for each hash whether there is a file, how large, how often it was asked for, and who is
//! updating it. Bounded; the entry unused longest makes room. All under one lock that is held for a look-up.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use tokio::sync::Notify;

use super::key::Digest;

/// What nginx needs for a key on a 64-bit machine: "one megabyte can store about 8 thousand keys".
const BYTES_A_KEY: u64 = 128;

/// Times in seconds since 1970, but for a lock's, which is in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// On disk; 0 is no file.
    pub(super) size: u64,
    pub(super) uses: u32,
    pub(super) used: u64,
    /// Written by this process, or read through once: the body's checksum need not be looked at again.
    pub(super) verified: bool,
    /// An error that is answered from memory, until when.
    pub(super) error: Option<(u16, u64)>,
    updating: Option<Updating>,
}

#[derive(Debug)]
struct Updating {
    ticket: u64,
    /// From then on another may try (`proxy_cache_lock_age`).
    until_ms: u64,
    done: Arc<Notify>,
}

impl Drop for Updating {
    /// However it ends, those who wait look again.
    fn drop(&mut self) {
        self.done.notify_waiters();
    }
}

#[derive(Debug)]
pub(super) struct Index {
    nodes: LruCache<Digest, Node>,
    tickets: u64,
    pub(super) size: u64,
    pub(super) files: u64,
}

/// Who asks for the right to update.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is yours; the ticket gives it back.
    Yours(u64),
    /// Somebody else has it; wait for this.
    Taken(Arc<Notify>, u64),
}

impl Index {
    pub(super) fn new(zone_size: u64) -> Self {
        Self {
            nodes: LruCache::new(keys(zone_size)),
            tickets: 0,
            size: 0,
            files: 0,
        }
    }

    pub(super) fn is_of(&self, zone_size: u64) -> bool {
        self.nodes.cap() == keys(zone_size)
    }

    /// Counts a use of `digest`. The second part is the file that had to go to make room.
    pub(super) fn touch(&mut self, digest: Digest, now: u64) -> (&mut Node, Option<Digest>) {
        let mut evicted = None;
        if !self.nodes.contains(&digest)
            && let Some((old, node)) = self.nodes.push(digest, Node::default())
            && node.size > 0
        {
            self.forget_size(&node);
            evicted = Some(old);
        }
        let node = self.nodes.get_mut(&digest).expect("it was put there");
        node.used = now;
        if node.error.is_some_and(|(_, until)| until < now) {
            node.error = None;
        }
        (node, evicted)
    }

    pub(super) fn peek(&self, digest: &Digest) -> Option<&Node> {
        self.nodes.peek(digest)
    }

    pub(super) fn peek_mut(&mut self, digest: &Digest) -> Option<&mut Node> {
        self.nodes.peek_mut(digest)
    }

    /// A file of this size is there now.
    pub(super) fn stored(
        &mut self,
        digest: Digest,
        size: u64,
        verified: bool,
        now: u64,
    ) -> Option<Digest> {
        let (node, evicted) = self.touch(digest, now);
        let old = std::mem::replace(&mut node.size, size);
        node.verified = verified;
        node.error = None;
        self.size = self.size + size - old;
        self.files += u64::from(old == 0);
        evicted
    }

    /// A file that was found in the folder: it was not used, so it must not look more used than others.
    pub(super) fn found(&mut self, digest: Digest, size: u64, now: u64) -> Found {
        if self.nodes.peek(&digest).is_some_and(|node| node.size > 0) {
            return Found::Known;
        }
        if !self.nodes.contains(&digest) && self.nodes.len() >= self.nodes.cap().get() {
            return Found::NoRoom;
        }
        self.stored(digest, size, false, now);
        self.nodes.demote(&digest);
        Found::Added
    }

    /// There is no such file any more.
    pub(super) fn lost(&mut self, digest: &Digest) {
        if let Some(node) = self.nodes.peek_mut(digest) {
            let size = std::mem::take(&mut node.size);
            self.size -= size;
            self.files -= u64::from(size > 0);
        }
    }

    fn forget_size(&mut self, node: &Node) {
        self.size -= node.size;
        self.files -= u64::from(node.size > 0);
    }

    /// Takes the entry unused longest out, if it was not used since `before`.
    pub(super) fn pop_unused(&mut self, before: u64) -> Option<(Digest, bool)> {
        let (_, oldest) = self.nodes.peek_lru()?;
        if oldest.used >= before {
            return None;
        }
        let (digest, node) = self.nodes.pop_lru()?;
        self.forget_size(&node);
        Some((digest, node.size > 0))
    }

    /// Takes an entry out; answers whether it had a file.
    pub(super) fn remove(&mut self, digest: &Digest) -> bool {
        let Some(node) = self.nodes.pop(digest) else {
            return false;
        };
        self.forget_size(&node);
        node.size > 0
    }

    // ANCHOR: lock
    /// One request at a time updates an entry, unless it has taken longer than `age_ms`.
    pub(super) fn lock(&mut self, digest: &Digest, now_ms: u64, age_ms: u64) -> Turn {
        self.tickets += 1;
        let ticket = self.tickets;
        let Some(node) = self.nodes.peek_mut(digest) else {
            return Turn::Yours(ticket);
        };
        if let Some(other) = node.updating.as_ref().filter(|u| u.until_ms > now_ms) {
            return Turn::Taken(Arc::clone(&other.done), other.until_ms);
        }
        node.updating = Some(Updating {
            ticket,
            until_ms: now_ms.saturating_add(age_ms),
            done: Arc::default(),
        });
        Turn::Yours(ticket)
    }
    // ANCHOR_END: lock

    /// Gives the right back, if it is still this ticket's, and wakes those who wait.
    pub(super) fn unlock(&mut self, digest: &Digest, ticket: u64) {
        if let Some(node) = self.nodes.peek_mut(digest) {
            node.updating.take_if(|updating| updating.ticket == ticket);
        }
    }

    pub(super) fn is_updating(&self, digest: &Digest, now_ms: u64) -> bool {
        let updating = self.peek(digest).and_then(|node| node.updating.as_ref());
        updating.is_some_and(|updating| updating.until_ms > now_ms)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

fn keys(zone_size: u64) -> NonZeroUsize {
    let keys = usize::try_from(zone_size / BYTES_A_KEY).unwrap_or(usize::MAX);
    NonZeroUsize::new(keys).unwrap_or(NonZeroUsize::MIN)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Added,
    Known,
    NoRoom,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Digest {
        [n; 16]
    }

    #[test]
    fn a_full_zone_forgets_what_was_unused_longest() {
        let mut index = Index::new(2 * BYTES_A_KEY);
        assert_eq!(index.stored(key(1), 4096, true, 10), None);
        assert_eq!(index.stored(key(2), 8192, true, 11), None);
        index.touch(key(1), 12);
        assert_eq!(index.stored(key(3), 4096, true, 13), Some(key(2)));
        assert_eq!((index.size, index.files, index.len()), (8192, 2, 2));
        assert_eq!(index.pop_unused(12), None, "all were used since");
        assert_eq!(index.pop_unused(13), Some((key(1), true)));
        assert_eq!((index.size, index.files), (4096, 1));
    }

    #[test]
    fn a_replaced_file_counts_once_and_a_lost_one_not_at_all() {
        let mut index = Index::new(1 << 20);
        index.stored(key(1), 4096, true, 1);
        index.stored(key(1), 12288, true, 2);
        assert_eq!((index.size, index.files), (12288, 1));
        index.lost(&key(1));
        assert_eq!((index.size, index.files), (0, 0));
        index.lost(&key(1));
        assert!(!index.remove(&key(1)), "there is an entry, but no file");
    }

    #[test]
    fn files_that_are_found_never_push_out_what_is_in_use() {
        let mut index = Index::new(2 * BYTES_A_KEY);
        index.stored(key(1), 4096, true, 5);
        assert_eq!(index.found(key(1), 4096, 9), Found::Known);
        assert_eq!(index.found(key(2), 4096, 9), Found::Added);
        assert_eq!(index.found(key(3), 4096, 9), Found::NoRoom);
        assert_eq!(index.stored(key(4), 4096, true, 9), Some(key(2)));
    }

    #[test]
    fn one_updates_and_the_others_wait_until_it_is_done_or_late() {
        let mut index = Index::new(1 << 20);
        index.touch(key(1), 1);
        let Turn::Yours(first) = index.lock(&key(1), 1000, 500) else {
            panic!("nobody has it");
        };
        assert!(matches!(
            index.lock(&key(1), 1499, 500),
            Turn::Taken(_, 1500)
        ));
        let Turn::Yours(second) = index.lock(&key(1), 1500, 500) else {
            panic!("the first is late");
        };
        index.unlock(&key(1), first);
        assert!(
            matches!(index.lock(&key(1), 1600, 500), Turn::Taken(..)),
            "a late one gives nothing back"
        );
        index.unlock(&key(1), second);
        assert!(matches!(index.lock(&key(1), 1601, 500), Turn::Yours(_)));
    }

    #[test]
    fn an_error_is_remembered_for_its_time() {
        let mut index = Index::new(1 << 20);
        index.touch(key(1), 1).0.error = Some((502, 5));
        assert_eq!(index.touch(key(1), 5).0.error, Some((502, 5)));
        assert_eq!(index.touch(key(1), 6).0.error, None);
    }
}
