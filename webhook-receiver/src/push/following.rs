//! A listener's place in a token's log: first what is heard live, and after a gap what the store still has.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::store::{Event, Heard, Span, Store, StoreError};

/// Events that are read from the store at a time.
const CHUNK: usize = 16;

#[derive(Debug)]
pub(crate) struct Following {
    store: Store,
    token: Uuid,
    live: Receiver<Heard>,
    /// The last event handed out, or the last before it began.
    seen: i64,
    behind: bool,
    read: VecDeque<Arc<Event>>,
    /// How many the store had when it began.
    before: u64,
}

impl Following {
    /// Begins with the next event.
    pub(crate) async fn from_now(store: Store, token: Uuid) -> Result<Self, StoreError> {
        // In this order: what is committed in between is heard live and known to be old.
        let live = store.subscribe(token);
        let mut seen = last(&store, token).await?;
        let before = loop {
            let count = store.count(token, Span::default()).await?;
            let now = last(&store, token).await?;
            if now == seen {
                break count;
            }
            // One more was committed meanwhile, and nobody knows whether it is in the count.
            seen = now;
        };
        Ok(Self {
            store,
            token,
            live,
            seen,
            behind: false,
            read: VecDeque::new(),
            before,
        })
    }

    /// How many events the store had before the first that `next` returns.
    pub(crate) fn before(&self) -> u64 {
        self.before
    }

    /// The next event, whenever it comes; None when the store has gone.
    pub(crate) async fn next(&mut self) -> Result<Option<Arc<Event>>, StoreError> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.seen = self.seen.max(event.sequence);
                return Ok(Some(event));
            }
            if self.behind {
                self.read_on().await?;
                continue;
            }
            match self.live.recv().await {
                Ok(Heard::Event(event)) if self.is_new(&event) => self.read.push_back(event),
                Ok(Heard::Event(_)) => {}
                Ok(Heard::Large) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => {
                    self.live = self.store.subscribe(self.token);
                    self.behind = true;
                }
            }
        }
    }

    /// After a gap, events come from the store until it has no more; those that are also heard live are old then.
    async fn read_on(&mut self) -> Result<(), StoreError> {
        let missed = self.store.after(self.token, self.seen, CHUNK).await?;
        self.behind = !missed.is_empty();
        self.read.extend(missed.into_iter().map(Arc::new));
        Ok(())
    }

    /// Events that are only shown have no number and are always new.
    fn is_new(&self, event: &Event) -> bool {
        event.sequence == 0 || event.sequence > self.seen
    }
}

async fn last(store: &Store, token: Uuid) -> Result<i64, StoreError> {
    let event = store.latest(token).await?;
    Ok(event.map_or(0, |event| event.sequence))
}
