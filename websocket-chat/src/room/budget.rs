//! How much memory the rooms' logs may take together. While there is enough, a room keeps a lot; when it gets
//! short, each room that speaks falls back to its fair share.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What one room may take while there is enough.
const ROOM: usize = 32 << 20;
/// What a room keeps in any case.
const LEAST: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct Budget {
    /// What all may take.
    all: usize,
    used: AtomicUsize,
    rooms: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            all,
            used: AtomicUsize::default(),
            rooms: AtomicUsize::default(),
        }
    }

    pub(crate) fn open(&self) {
        self.rooms.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn close(&self) {
        self.rooms.fetch_sub(1, Ordering::Relaxed);
    }

    /// A room's log had `before` bytes and has `after`.
    pub(crate) fn account(&self, before: usize, after: usize) {
        // Wraps around on the way down, which comes out right.
        let change = after.wrapping_sub(before);
        self.used.fetch_add(change, Ordering::Relaxed);
    }

    /// How much a room may have now.
    pub(crate) fn share(&self) -> usize {
        let fair = self.all / self.rooms.load(Ordering::Relaxed).max(1);
        if self.used.load(Ordering::Relaxed) < self.all {
            ROOM
        } else {
            fair.clamp(LEAST, ROOM)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_fall_back_to_their_share_when_memory_gets_short() {
        const ALL: usize = 64 << 20;
        let budget = Budget::new(ALL);
        (0..8).for_each(|_| budget.open());
        assert_eq!(budget.share(), ROOM);
        budget.account(0, ALL);
        assert_eq!(budget.share(), ALL / 8);
        budget.account(ALL, 100);
        assert_eq!(budget.share(), ROOM);
    }
}
