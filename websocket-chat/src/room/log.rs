//! What a room remembers: its last events in their one order. A member is no more than a place in here (a cursor), so
//! a slow one costs nothing, and a member that comes back goes on where it was.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::Event;

/// More events are not kept, however small.
const MAX_EVENTS: usize = 4096;
/// A member that is behind by more skips to the newest.
const WINDOW_EVENTS: u64 = 512;
const WINDOW_BYTES: u64 = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The place of the first entry; places count all that ever was.
    first: u64,
    /// The `seq` of the last kept event.
    seq: u64,
    /// The last kept event that has been forgotten.
    forgotten: u64,
    /// All bytes that ever were appended.
    appended: u64,
    bytes: usize,
    /// What was said before, by [`Said::key`].
    keys: HashMap<u64, u64>,
}

#[derive(Debug)]
struct Entry {
    /// Of this event, or of the last kept one before.
    seq: u64,
    /// [`Log::appended`] when it came.
    at: u64,
    said: Option<Said>,
    event: Arc<Event>,
}

/// Whose a kept event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// A hash of the author's session.
    pub(crate) author: u64,
    /// A hash of that and the author's own id of the message.
    pub(crate) key: u64,
}

/// A member's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    next: u64,
    /// Where the log ended when the member joined: events before it that aren't kept are not for it, and up to there it
    /// may be behind as far as it likes.
    joined: u64,
    /// The last kept event that it was given.
    pub(crate) seq: u64,
}

impl Cursor {
    /// True if nothing comes before `end`, the log's.
    pub(crate) fn is_at(&self, end: u64) -> bool {
        self.next == end
    }
}

/// What [`Log::read`] finds.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    Event(&'a Arc<Event>),
    /// What is between these numbers was left out.
    Skipped {
        after: u64,
        before: u64,
    },
    End,
}

impl Log {
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The number under which the same was kept before.
    pub(crate) fn said_before(&self, said: Said) -> Option<u64> {
        self.keys.get(&said.key).copied()
    }

    /// Keeps an event under the next number.
    pub(crate) fn keep(&mut self, seq: u64, said: Said, event: Arc<Event>) {
        if seq != self.seq + 1 {
            // An instance that comes later does not know what was before.
            self.forgotten = seq - 1;
        }
        self.seq = seq;
        self.keys.insert(said.key, seq);
        self.append(Some(said), event);
    }

    /// Passes an event on to those who are here now.
    pub(crate) fn pass(&mut self, event: Arc<Event>) {
        self.append(None, event);
    }

    fn append(&mut self, said: Option<Said>, event: Arc<Event>) {
        self.bytes += event.size();
        self.appended += event.size() as u64;
        self.entries.push_back(Entry {
            seq: self.seq,
            at: self.appended,
            said,
            event,
        });
        if self.entries.len() > MAX_EVENTS {
            self.forget();
        }
    }

    /// Forgets the oldest events until `bytes` are left.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        while self.bytes > bytes && self.entries.len() > 1 {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let Some(oldest) = self.entries.pop_front() else {
            return;
        };
        self.first += 1;
        self.bytes -= oldest.event.size();
        if let Some(said) = oldest.said {
            self.forgotten = oldest.seq;
            // Said again since, it has another entry.
            if self.keys.get(&said.key) == Some(&oldest.seq) {
                self.keys.remove(&said.key);
            }
        }
    }

    /// A place behind the kept event `after`, and whether all that followed it is here.
    pub(crate) fn resume(&self, after: u64) -> (Cursor, bool) {
        let complete = (self.forgotten..=self.seq).contains(&after);
        let index = self.entries.partition_point(|entry| entry.seq <= after);
        let cursor = Cursor {
            next: self.first + index as u64,
            joined: self.end(),
            seq: if complete { after } else { self.before(index) },
        };
        (cursor, complete)
    }

    /// A place before the last `count` kept events.
    pub(crate) fn recent(&self, count: u64) -> Cursor {
        self.resume(self.seq.saturating_sub(count).max(self.forgotten))
            .0
    }

    /// The kept event before the entry at `index`.
    fn before(&self, index: usize) -> u64 {
        self.entries.get(index).map_or(self.seq, |entry| {
            entry.seq - u64::from(entry.said.is_some())
        })
    }

    /// The next event at `cursor`, which moves on.
    pub(crate) fn read(&self, cursor: &mut Cursor) -> Next<'_> {
        if self.is_too_far(*cursor) {
            let after = cursor.seq;
            *cursor = Cursor {
                next: self.end(),
                joined: cursor.joined,
                seq: self.seq,
            };
            if after < self.seq {
                let before = self.seq + 1;
                return Next::Skipped { after, before };
            }
        }
        while let Some(entry) = self.at(cursor.next) {
            cursor.next += 1;
            cursor.seq = entry.seq;
            if entry.said.is_some() || cursor.next > cursor.joined {
                return Next::Event(&entry.event);
            }
        }
        Next::End
    }

    fn is_too_far(&self, cursor: Cursor) -> bool {
        let Some(entry) = self.at(cursor.next) else {
            return cursor.next < self.first;
        };
        let behind =
            self.end() - cursor.next > WINDOW_EVENTS || self.appended - entry.at > WINDOW_BYTES;
        behind && cursor.next >= cursor.joined
    }

    fn at(&self, place: u64) -> Option<&Entry> {
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.entries.get(index)
    }

    /// Whose the kept event `seq` is, if it is remembered.
    pub(crate) fn author(&self, seq: u64) -> Option<u64> {
        let index = self.entries.partition_point(|entry| entry.seq < seq);
        let entry = self.entries.get(index).filter(|entry| entry.seq == seq)?;
        entry.said.map(|said| said.author)
    }

    /// The kept events between, at most the newest `count` and `bytes` of them, and whether those are all.
    pub(crate) fn between(
        &self,
        after: u64,
        before: u64,
        count: usize,
        mut bytes: usize,
    ) -> (Vec<&Arc<Event>>, bool) {
        let start = self.entries.partition_point(|entry| entry.seq <= after);
        let end = self.entries.partition_point(|entry| entry.seq < before);
        let mut events = Vec::new();
        let mut complete = after >= self.forgotten;
        let kept = self.entries.range(start..end.max(start)).rev();
        for entry in kept.filter(|entry| entry.said.is_some()) {
            if events.len() == count || entry.event.size() > bytes {
                complete = false;
                break;
            }
            bytes -= entry.event.size();
            events.push(&entry.event);
        }
        events.reverse();
        (events, complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ServerMessage;

    fn said(key: u64) -> Said {
        Said { author: 7, key }
    }

    /// An event of about `length` bytes that says `mark`.
    fn event(mark: u64, length: usize) -> Arc<Event> {
        Event::new(&ServerMessage::Left {
            room: format!("{mark}{}", " ".repeat(length)),
        })
    }

    /// Everything at the cursor: kept and passing events by their marks, skips as `after<before`.
    fn all(log: &Log, cursor: &mut Cursor) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            match log.read(cursor) {
                Next::Event(event) => match event.message() {
                    ServerMessage::Left { room } => found.push(room.trim().to_owned()),
                    other => panic!("{other:?}"),
                },
                Next::Skipped { after, before } => found.push(format!("{after}<{before}")),
                Next::End => return found,
            }
        }
    }

    fn filled(count: u64, length: usize) -> Log {
        let mut log = Log::default();
        for seq in 1..=count {
            log.keep(seq, said(seq), event(seq, length));
        }
        log
    }

    #[test]
    fn a_member_gets_what_comes_after_its_place() {
        let mut log = filled(3, 0);
        log.pass(event(100, 0));
        let mut cursor = log.recent(2);
        assert_eq!(
            all(&log, &mut cursor),
            ["2", "3"],
            "not what only passed by"
        );
        log.pass(event(101, 0));
        log.keep(4, said(4), event(4, 0));
        assert_eq!(all(&log, &mut cursor), ["101", "4"]);
        let (mut back, complete) = log.resume(2);
        assert!(complete);
        assert_eq!(all(&log, &mut back), ["3", "4"]);
        assert!(log.resume(4).1 && !log.resume(5).1);
    }

    #[test]
    fn what_is_forgotten_is_told() {
        let mut log = filled(10, 100);
        log.shrink(log.bytes() / 2 + 50);
        let (mut back, complete) = log.resume(2);
        assert!(!complete);
        assert_eq!(all(&log, &mut back), ["6", "7", "8", "9", "10"]);
        assert!(log.resume(5).1);
        assert_eq!(log.said_before(said(5)), None);
        assert_eq!(log.said_before(said(6)), Some(6));
        assert_eq!((log.author(5), log.author(6)), (None, Some(7)));
    }

    #[test]
    fn a_slow_member_skips_to_the_newest_but_one_that_comes_back_does_not() {
        let mut log = filled(1, 0);
        let mut slow = log.recent(1);
        assert_eq!(all(&log, &mut slow), ["1"]);
        for seq in 2..=1000 {
            log.keep(seq, said(seq), event(seq, 0));
        }
        assert_eq!(all(&log, &mut slow), ["1<1001"]);
        let (mut back, _) = log.resume(1);
        assert_eq!(all(&log, &mut back).len(), 999);
        log.keep(1001, said(1001), event(1001, 0));
        assert_eq!(all(&log, &mut slow), ["1001"]);
        assert_eq!(all(&log, &mut back), ["1001"]);
    }

    #[test]
    fn the_window_is_also_one_of_bytes() {
        let mut log = filled(1, 0);
        let mut slow = log.recent(0);
        for seq in 2..=100 {
            log.keep(seq, said(seq), event(seq, 16 << 10));
        }
        assert_eq!(all(&log, &mut slow), ["1<101"]);
    }

    #[test]
    fn memory_is_bounded_by_the_number_of_events() {
        let mut log = Log::default();
        for seq in 1..=2 * MAX_EVENTS as u64 {
            log.keep(seq, said(seq), event(seq, 0));
        }
        assert_eq!(
            (log.entries.len(), log.keys.len()),
            (MAX_EVENTS, MAX_EVENTS)
        );
    }

    #[test]
    fn a_part_of_history_is_the_newest_part_that_fits() {
        let log = filled(10, 0);
        let marks = |after, before, count| {
            let (events, complete) = log.between(after, before, count, 1 << 20);
            (events.len(), complete)
        };
        assert_eq!(marks(0, 11, 100), (10, true));
        assert_eq!(marks(3, 6, 100), (2, true));
        assert_eq!(marks(3, 9, 2), (2, false));
        assert_eq!(marks(9, 3, 2), (0, true));
        assert!(!log.between(0, 11, 100, 1000).1);
    }
}
