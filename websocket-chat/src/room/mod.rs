//! A room: its log and who is in it. One lock around both makes the one order: whoever is in the room sees the same
//! events with the same numbers, whatever they came over.

mod budget;
mod event;
mod log;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::runtime::Handle;
use tokio::task::yield_now;

use crate::draft::Draft;
use crate::mailbox::Mailbox;
use crate::protocol::ServerMessage;

pub(crate) use budget::Budget;
pub(crate) use event::Event;
pub(crate) use log::{Cursor, Said};
use log::{Log, Next};

/// What a new member gets to read.
const RECENT: u64 = 50;
/// How many names `joined` lists.
const LISTED: usize = 1000;
/// A room with fewer members is told each event at once.
const LARGE: usize = 16;
/// How often a large room's crier waits for one more message that is under way.
const WAITS: usize = 8;

#[derive(Debug)]
pub(crate) struct Room {
    me: Weak<Self>,
    pub(crate) name: String,
    /// Numbers of another epoch mean nothing here.
    pub(crate) epoch: String,
    budget: Arc<Budget>,
    /// Where the log ends, to look without the lock.
    end: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    log: Log,
    /// What the budget knows of the log's size.
    accounted: usize,
    /// Its past is still being fetched.
    loading: bool,
    members: Vec<Arc<Mailbox>>,
    /// A crier is on its way.
    crying: bool,
    names: HashMap<String, usize>,
}

impl Inner {
    fn wake_all(&self) {
        for member in &self.members {
            member.wake();
        }
    }
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Under this number, now or when it was said first.
    As(u64),
    /// It would change a message that isn't the author's, or is forgotten.
    NotTheirs,
    /// Not now: too much waits to be kept.
    Busy,
}

impl Room {
    /// `loading`: members must wait until [`loaded`](Self::loaded).
    pub(crate) fn new(name: &str, epoch: String, budget: Arc<Budget>, loading: bool) -> Arc<Self> {
        budget.open();
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            name: name.to_owned(),
            epoch,
            budget,
            end: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                loading,
                ..Inner::default()
            }),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding it")
    }

    /// After a change of the log: forgets what is too much, and tells everyone.
    fn announce(&self, inner: &mut Inner) {
        inner.log.shrink(self.budget.share());
        let bytes = inner.log.bytes();
        self.budget.account(inner.accounted, bytes);
        inner.accounted = bytes;
        self.end.store(inner.log.end(), Ordering::Release);
        match (self.me.upgrade(), Handle::try_current()) {
            (Some(room), Ok(runtime)) if inner.members.len() >= LARGE => {
                if !inner.crying {
                    inner.crying = true;
                    runtime.spawn(room.cry());
                }
            }
            _ => inner.wake_all(),
        }
    }

    /// Tells a large room, once no more messages come at the moment: what goes to a member together costs one write
    /// instead of several, and the write is what a delivery costs. Waits for nothing that has not arrived yet.
    async fn cry(self: Arc<Self>) {
        for _ in 0..WAITS {
            let end = self.end.load(Ordering::Acquire);
            yield_now().await;
            if self.end.load(Ordering::Acquire) == end {
                break;
            }
        }
        let mut inner = self.inner();
        inner.crying = false;
        inner.wake_all();
    }

    /// Enters; false if the room is full.
    pub(crate) fn enter(&self, mailbox: &Arc<Mailbox>, name: &str, members: usize) -> bool {
        let mut inner = self.inner();
        if inner.members.len() >= members {
            return false;
        }
        let count = inner.names.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            let (room, name) = (self.name.clone(), name.to_owned());
            let arrived = Event::new(&ServerMessage::Arrived { room, name });
            inner.log.pass(arrived);
            self.announce(&mut inner);
        }
        inner.members.push(Arc::clone(mailbox));
        true
    }

    /// The place of a member that has entered, and what it is told first; None while the past is being fetched.
    pub(crate) fn join(&self, resume: Option<(&str, u64)>) -> Option<(Cursor, Arc<Event>)> {
        let inner = self.inner();
        if inner.loading {
            return None;
        }
        let resumed = resume
            .filter(|(epoch, _)| *epoch == self.epoch)
            .map(|(_, after)| inner.log.resume(after));
        let (cursor, recovered) = match resumed {
            Some((cursor, true)) => (cursor, true),
            _ => (inner.log.recent(RECENT), false),
        };
        let mut members: Vec<_> = inner.names.keys().cloned().collect();
        members.sort_unstable();
        members.truncate(LISTED);
        let joined = Event::new(&ServerMessage::Joined {
            room: self.name.clone(),
            epoch: self.epoch.clone(),
            head: inner.log.seq(),
            recovered,
            members,
        });
        Some((cursor, joined))
    }

    pub(crate) fn leave(&self, mailbox: &Arc<Mailbox>, name: &str) {
        let mut inner = self.inner();
        if let Some(index) = inner.members.iter().position(|m| Arc::ptr_eq(m, mailbox)) {
            inner.members.swap_remove(index);
        }
        let left = inner.names.get_mut(name).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            inner.names.remove(name);
            let (room, name) = (self.name.clone(), name.to_owned());
            inner
                .log
                .pass(Event::new(&ServerMessage::Departed { room, name }));
            self.announce(&mut inner);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner().members.is_empty()
    }

    /// Keeps what somebody said and tells everyone.
    pub(crate) fn keep(&self, draft: &Draft) -> Kept {
        let mut inner = self.inner();
        let said = draft.said();
        if let Some(seq) = inner.log.said_before(said) {
            return Kept::As(seq);
        }
        if !Self::may(&inner.log, draft) {
            return Kept::NotTheirs;
        }
        let seq = inner.log.seq() + 1;
        let event = Event::new(&draft.message(&self.name, seq));
        inner.log.keep(seq, said, event);
        self.announce(&mut inner);
        Kept::As(seq)
    }

    /// True unless the draft changes a message that isn't its author's.
    pub(crate) fn allows(&self, draft: &Draft) -> bool {
        Self::may(&self.inner().log, draft)
    }

    fn may(log: &Log, draft: &Draft) -> bool {
        draft
            .target
            .is_none_or(|target| log.author(target) == Some(draft.said().author))
    }

    /// Takes over what Redis has kept under `seq`; false if what comes before it is missing. A room without its past
    /// takes nothing yet.
    pub(crate) fn apply(&self, seq: u64, draft: &Draft) -> bool {
        let mut inner = self.inner();
        let next = inner.log.seq() + 1;
        if !inner.loading && seq == next {
            self.take_over(&mut inner, seq, draft);
        }
        inner.loading || seq <= next
    }

    /// Takes over what Redis has kept under `seq`, whatever is missing before it.
    pub(crate) fn fill(&self, seq: u64, draft: &Draft) {
        let mut inner = self.inner();
        if seq > inner.log.seq() {
            self.take_over(&mut inner, seq, draft);
        }
    }

    fn take_over(&self, inner: &mut Inner, seq: u64, draft: &Draft) {
        let event = Event::new(&draft.message(&self.name, seq));
        inner.log.keep(seq, draft.said(), event);
        self.announce(inner);
    }

    /// The last number here.
    pub(crate) fn seq(&self) -> u64 {
        self.inner().log.seq()
    }

    /// The past is here: whoever waits may join.
    pub(crate) fn loaded(&self) {
        let mut inner = self.inner();
        inner.loading = false;
        self.announce(&mut inner);
    }

    /// Tells everyone what nobody keeps.
    pub(crate) fn pass(&self, message: &ServerMessage) {
        let mut inner = self.inner();
        inner.log.pass(Event::new(message));
        self.announce(&mut inner);
    }

    /// Hands what is new at `cursor` to `give`, until that returns false. True if the member was too slow and has
    /// skipped something.
    pub(crate) fn read(
        &self,
        cursor: &mut Cursor,
        mut give: impl FnMut(&Arc<Event>) -> bool,
    ) -> bool {
        if cursor.is_at(self.end.load(Ordering::Acquire)) {
            return false;
        }
        let inner = self.inner();
        let mut skipped = false;
        loop {
            let goes_on = match inner.log.read(cursor) {
                Next::Event(event) => give(event),
                Next::Skipped { after, before } => {
                    skipped = true;
                    let room = self.name.clone();
                    give(&Event::new(&ServerMessage::Skipped {
                        room,
                        after,
                        before,
                    }))
                }
                Next::End => return skipped,
            };
            if !goes_on {
                return skipped;
            }
        }
    }

    /// The events between two numbers, as one message; see [`Log::between`].
    pub(crate) fn history(
        &self,
        after: u64,
        before: u64,
        count: usize,
        bytes: usize,
    ) -> Arc<Event> {
        let inner = self.inner();
        let (events, complete) = inner.log.between(after, before, count, bytes);
        let events: Vec<_> = events.iter().map(|event| event.json()).collect();
        let room = serde_json::to_string(&self.name).expect("a string always encodes");
        let events = events.join(",");
        let json = format!(
            r#"{{"type":"history","room":{room},"complete":{complete},"events":[{events}]}}"#
        );
        Event::of_json(json.as_bytes())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let accounted = self.inner().accounted;
        self.budget.account(accounted, 0);
        self.budget.close();
    }
}
