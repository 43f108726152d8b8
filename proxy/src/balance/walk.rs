//! What one request remembers between its tries, so that a retry goes on where the last try stopped.

/// nginx's limit: after this many misses a hashing method leaves the choice to round robin.
const MISSES: u32 = 20;

/// The position of a request on its way through a hash, and how often it met a peer that could not be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The method's own number: the last hash, or a place on the ring. `None` before the first try.
    pub(super) position: Option<u64>,
    /// How often the key was hashed.
    pub(super) rounds: u32,
    misses: u32,
}

impl Walk {
    /// Notes that the hash led to a peer that can't be used.
    pub(super) fn miss(&mut self) {
        self.misses += 1;
    }

    /// Too many misses: hashing again is no help.
    pub(super) fn is_lost(&self) -> bool {
        self.misses > MISSES
    }
}
