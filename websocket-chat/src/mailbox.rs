//! Where others leave word for a connection: what is for it alone, that its rooms have news, that it must close. The
//! connection's one task sleeps until then.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::room::Event;

/// How many answers and private messages wait for one connection.
const OWN: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waker: AtomicWaker,
    /// There is news that the task has not seen; while it is set, nobody wakes the task again.
    news: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    own: VecDeque<Arc<Event>>,
    closing: Option<(CloseCode, String)>,
}

impl Mailbox {
    /// The task will be woken by news from now on.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// True if there was news since the last time.
    pub(crate) fn take_news(&self) -> bool {
        self.news.load(Ordering::Acquire) && self.news.swap(false, Ordering::AcqRel)
    }

    /// There is something in a room, or here.
    pub(crate) fn wake(&self) {
        if !self.news.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Leaves an event for this connection alone; false if too many wait already.
    pub(crate) fn leave(&self, event: Arc<Event>) -> bool {
        let mut inner = self.inner();
        let room = inner.own.len() < OWN;
        if room {
            inner.own.push_back(event);
        }
        drop(inner);
        self.wake();
        room
    }

    pub(crate) fn take(&self) -> Option<Arc<Event>> {
        let mut inner = self.inner();
        let event = inner.own.pop_front();
        if inner.own.is_empty() {
            inner.own.shrink_to(8);
        }
        event
    }

    /// The connection must end; the first reason counts.
    pub(crate) fn close(&self, code: CloseCode, reason: &str) {
        self.inner()
            .closing
            .get_or_insert_with(|| (code, reason.to_owned()));
        self.wake();
    }

    pub(crate) fn closing(&self) -> Option<(CloseCode, String)> {
        self.inner().closing.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding it")
    }
}
