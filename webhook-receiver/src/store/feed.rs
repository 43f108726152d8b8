//! Who hears of a token's events, live. A channel exists for as long as somebody listens; nobody waits for a slow
//! listener, who is told how much was missed instead. What such a one may hold in memory is bounded: large bodies are
//! left in the store, for who wants them to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use uuid::Uuid;

use super::Event;

/// Events that a listener may be behind.
const BACKLOG: usize = 256;
/// A larger body than this is not handed round.
const HANDED: usize = 32 * 1024;

/// What a listener hears.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    Event(Arc<Event>),
    /// There is one more in the store, too large to be kept for those who are slow.
    Large,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Feed(Arc<Mutex<HashMap<Uuid, broadcast::Sender<Heard>>>>);

impl Feed {
    pub(super) fn subscribe(&self, token: Uuid) -> broadcast::Receiver<Heard> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody hears any more would stay for ever if their tokens got no event.
        channels.retain(|_, channel| channel.receiver_count() > 0);
        let channel = channels.entry(token);
        channel
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe()
    }

    /// Whether anybody may hear of this token's events.
    pub(super) fn is_heard(&self, token: Uuid) -> bool {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels
            .get(&token)
            .is_some_and(|channel| channel.receiver_count() > 0)
    }

    /// Ends all channels, since something may have been missed: who listens subscribes anew and reads what it missed.
    pub(super) fn hang_up(&self) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.clear();
    }

    pub(super) fn publish(&self, event: &Arc<Event>) {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&event.token) {
            // Without a number it is in no store.
            let large = event.sequence > 0 && event.body.len() > HANDED;
            let heard = if large {
                Heard::Large
            } else {
                Heard::Event(event.clone())
            };
            // Fails if the last listener has just gone, which is fine.
            let _ = channel.send(heard);
        }
    }
}
