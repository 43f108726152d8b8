//! What all connections share: the rooms, who carries which name, who is connected. Any transport joins through
//! [`Hub::connect`]; what it gets, a [`Session`], knows nothing of sockets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::bus::Bus;
use crate::draft::Draft;
use crate::limits::Limits;
use crate::mailbox::Mailbox;
use crate::room::{Budget, Event, Kept, Room};
use crate::session::Session;

/// How long a name stays its session's after the last connection was cut.
const NAME_KEPT: Duration = Duration::from_secs(30);
/// How many names are remembered; nobody's are dropped first.
const NAMES: usize = 50_000;

/// A handle on the one hub of the process.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    /// Numbers start anew with the process, unless a bus keeps them.
    epoch: String,
    bus: Option<Bus>,
    budget: Arc<Budget>,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
    names: Mutex<HashMap<String, Claim>>,
    connections: Mutex<HashMap<u64, Arc<Mailbox>>>,
    next: AtomicU64,
    stopping: AtomicBool,
}

/// Who carries a name.
#[derive(Debug)]
struct Claim {
    session: String,
    mailboxes: Vec<Arc<Mailbox>>,
    /// When the last connection ended.
    left: Instant,
}

/// There are as many connections as there may be, or the hub is stopping.
#[derive(Debug, thiserror::Error)]
#[error("no more connections now, try again later")]
pub struct Busy;

impl Hub {
    /// A hub of its own.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::build(limits, format!("{:x}", now()), None)
    }

    /// One of those that share a bus, which keeps the numbers of that epoch.
    pub(crate) fn on_bus(limits: Limits, epoch: String, bus: Bus) -> Self {
        Self::build(limits, epoch, Some(bus))
    }

    fn build(limits: Limits, epoch: String, bus: Option<Bus>) -> Self {
        Self(Arc::new(Inner {
            budget: Arc::new(Budget::new(limits.history)),
            limits,
            epoch,
            bus,
            rooms: Mutex::default(),
            names: Mutex::default(),
            connections: Mutex::default(),
            next: AtomicU64::default(),
            stopping: AtomicBool::default(),
        }))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// A new connection; its end is the end of what this returns.
    pub(crate) fn connect(&self) -> Result<Session, Busy> {
        self.open()
            .map(|connection| Session::new(self.clone(), connection))
    }

    /// A connection that takes no part in the chat, but is closed with the others.
    pub(crate) fn open(&self) -> Result<Connection, Busy> {
        let mut connections = locked(&self.0.connections);
        if connections.len() >= self.0.limits.connections || self.0.stopping.load(Ordering::Acquire)
        {
            return Err(Busy);
        }
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mailbox = Arc::new(Mailbox::default());
        connections.insert(id, Arc::clone(&mailbox));
        let hub = self.clone();
        Ok(Connection { hub, id, mailbox })
    }

    /// Tells every connection to close, and refuses new ones.
    pub(crate) fn stop(&self) {
        let connections = locked(&self.0.connections);
        self.0.stopping.store(true, Ordering::Release);
        for mailbox in connections.values() {
            mailbox.close(CloseCode::Away, "the server is shutting down");
        }
    }

    /// The room of that name, made if need be; None if there are too many.
    pub(crate) fn room(&self, name: &str) -> Option<Arc<Room>> {
        let mut rooms = locked(&self.0.rooms);
        if let Some(room) = rooms.get(name) {
            return Some(Arc::clone(room));
        }
        if rooms.len() >= self.0.limits.rooms {
            rooms.retain(|_, room| !room.is_empty() || Arc::strong_count(room) > 1);
            if rooms.len() >= self.0.limits.rooms {
                return None;
            }
        }
        let (epoch, budget) = (self.0.epoch.clone(), Arc::clone(&self.0.budget));
        let room = Room::new(name, epoch, budget, self.0.bus.is_some());
        if self.0.bus.as_ref().is_some_and(|bus| !bus.open(&room)) {
            return None;
        }
        rooms.insert(name.to_owned(), Arc::clone(&room));
        Some(room)
    }

    /// The room of that name, if somebody has been in it here.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Room>> {
        locked(&self.0.rooms).get(name).cloned()
    }

    /// Has the room keep something; None if the author will be told later.
    pub(crate) fn keep(
        &self,
        room: &Arc<Room>,
        draft: &Draft,
        author: &Arc<Mailbox>,
    ) -> Option<Kept> {
        match &self.0.bus {
            None => Some(room.keep(draft)),
            Some(_) if !room.allows(draft) => Some(Kept::NotTheirs),
            Some(bus) => (!bus.keep(room, draft.clone(), author)).then_some(Kept::Busy),
        }
    }

    /// Takes a name for a session; false if another one carries it.
    pub(crate) fn claim(&self, name: &str, session: &str, mailbox: &Arc<Mailbox>) -> bool {
        let mut names = locked(&self.0.names);
        if names.len() >= NAMES {
            names.retain(|_, claim| !claim.is_free());
        }
        let claim = names.entry(name.to_owned()).or_insert_with(|| Claim {
            session: session.to_owned(),
            mailboxes: Vec::new(),
            left: Instant::now(),
        });
        if claim.session != session {
            if !claim.is_free() {
                return false;
            }
            session.clone_into(&mut claim.session);
        }
        claim.mailboxes.push(Arc::clone(mailbox));
        true
    }

    /// A connection with that name has ended.
    pub(crate) fn release(&self, name: &str, mailbox: &Arc<Mailbox>) {
        let mut names = locked(&self.0.names);
        if let Some(claim) = names.get_mut(name) {
            claim.mailboxes.retain(|other| !Arc::ptr_eq(other, mailbox));
            claim.left = Instant::now();
        }
    }

    /// Leaves an event for everyone of that name; false if there is nobody.
    pub(crate) fn tell(&self, name: &str, event: &Arc<Event>) -> bool {
        let names = locked(&self.0.names);
        let Some(claim) = names.get(name) else {
            return false;
        };
        let mut told = false;
        for mailbox in &claim.mailboxes {
            told |= mailbox.leave(Arc::clone(event));
        }
        told
    }
}

impl Claim {
    fn is_free(&self) -> bool {
        self.mailboxes.is_empty() && self.left.elapsed() > NAME_KEPT
    }
}

/// A place among the connections, given back at its end.
#[derive(Debug)]
pub(crate) struct Connection {
    hub: Hub,
    id: u64,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        locked(&self.hub.0.connections).remove(&self.id);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).expect("the year is below 500 million")
    })
}
