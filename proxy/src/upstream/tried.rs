//! Which peers one request has used already, so that a retry goes elsewhere; nginx's `tries`, `tried` and hash position.

use std::sync::Arc;

use crate::balance::Walk;

/// Starts empty with each request and goes into each `pick` for it.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    /// The peer that the request is bound to (`sticky`).
    pub(crate) wanted: Option<Arc<str>>,
    pub(super) walk: Walk,
    pub(super) on_backup: bool,
    /// Indexes in the current group: one bit each, the first 64 without an allocation.
    first: u64,
    more: Vec<u64>,
    /// Which version of the peer set the bits belong to.
    version: Option<u64>,
    left: usize,
}

impl Tried {
    /// May another peer be asked? nginx gives each usable peer one try, and a lone peer no second one.
    pub(crate) fn may_retry(&self) -> bool {
        self.left > 0
    }

    /// Prepares for a pick from version `version` of the peer set, which has `usable` peers.
    pub(super) fn begin(&mut self, version: u64, usable: usize) {
        if self.version == Some(version) {
            return;
        }
        if self.version.is_none() {
            self.left = usable;
        }
        // The peers have changed since the last try: the old indexes mean nothing.
        self.version = Some(version);
        self.forget();
    }

    pub(super) fn turn_to_backup(&mut self) {
        self.on_backup = true;
        self.forget();
    }

    /// Nobody could be picked, and perhaps somebody can now: primary peers come first again.
    pub(super) fn start_over(&mut self) {
        self.on_backup = false;
        self.walk = Walk::default();
        self.forget();
    }

    pub(super) fn has(&self, index: usize) -> bool {
        let word = match index / 64 {
            0 => Some(&self.first),
            word => self.more.get(word - 1),
        };
        word.is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    pub(super) fn add(&mut self, index: usize) {
        let word = match index / 64 {
            0 => &mut self.first,
            word => {
                self.more.resize(self.more.len().max(word), 0);
                &mut self.more[word - 1]
            }
        };
        *word |= 1 << (index % 64);
        self.left = self.left.saturating_sub(1);
    }

    fn forget(&mut self) {
        self.first = 0;
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_any_number_of_peers() {
        let mut tried = Tried::default();
        tried.begin(1, 300);
        for index in [0, 63, 64, 200] {
            assert!(!tried.has(index));
            tried.add(index);
            assert!(tried.has(index));
        }
        assert!(!tried.has(1) && !tried.has(65) && !tried.has(299));
    }

    #[test]
    fn each_usable_peer_is_one_try() {
        let mut tried = Tried::default();
        tried.begin(1, 2);
        tried.add(0);
        assert!(tried.may_retry());
        tried.add(1);
        assert!(!tried.may_retry());
    }

    #[test]
    fn a_changed_peer_set_clears_the_memory_but_not_the_number_of_tries() {
        let mut tried = Tried::default();
        tried.begin(1, 2);
        tried.add(0);
        tried.begin(2, 5);
        assert!(!tried.has(0));
        tried.add(0);
        assert!(!tried.may_retry());
    }
}
