//! A reader that follows one token's log: first what the store holds behind a number, then what is committed, as it
//! is. Nothing is left out and nothing comes twice: it listens before it reads, and reads again whenever it was too
//! slow to listen.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::store::{Event, Heard, Store, StoreError};

/// Events read from the store at once.
const BATCH: usize = 32;

/// Where a reader stands.
#[derive(Debug)]
pub(crate) struct Tail {
    store: Store,
    token: Uuid,
    after: i64,
    read: VecDeque<Event>,
    feed: Receiver<Heard>,
    /// Everything that was committed before has been read.
    live: bool,
}

impl Tail {
    /// Follows `token` behind `after`; None begins with the next event.
    pub(crate) async fn follow(
        store: &Store,
        token: Uuid,
        after: Option<i64>,
    ) -> Result<Self, StoreError> {
        let feed = store.subscribe(token);
        let live = after.is_none();
        let after = match after {
            Some(after) => after,
            None => store.latest(token).await?.map_or(0, |event| event.sequence),
        };
        let store = store.clone();
        let read = VecDeque::new();
        Ok(Self {
            store,
            token,
            after,
            read,
            feed,
            live,
        })
    }

    /// The number behind which the next event stands.
    pub(crate) fn after(&self) -> i64 {
        self.after
    }

    /// The next event, waited for if need be. Dropping this future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Arc<Event>, StoreError> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.after = event.sequence;
                return Ok(Arc::new(event));
            }
            if !self.live {
                let events = self.store.after(self.token, self.after, BATCH).await?;
                self.live = events.is_empty();
                self.read = events.into();
                continue;
            }
            match self.feed.recv().await {
                Ok(Heard::Event(event)) if event.sequence > self.after => {
                    self.after = event.sequence;
                    return Ok(event);
                }
                Ok(Heard::Event(_)) => {} // seen in the store, or never stored
                Ok(Heard::Large) | Err(RecvError::Lagged(_)) => self.live = false,
                Err(RecvError::Closed) => {
                    self.feed = self.store.subscribe(self.token);
                    self.live = false;
                }
            }
        }
    }
}
