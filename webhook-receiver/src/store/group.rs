//! Group commit, whoever commits: a commit waits for the disk, a few hundred times a second at most; so whatever has
//! queued up during one commit goes into the next one together, and each sender is told once its own is on the disk.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Event, NewEvent, StoreError};

/// Most events in one transaction; more would only make the first of them wait.
const MOST: usize = 256;
/// Most bytes of bodies in one transaction, for the same reason.
const BYTES: usize = 8 * 1024 * 1024;

/// An event that is to be kept, and who waits for that.
pub(super) struct Waiting {
    pub(super) event: Box<NewEvent>,
    /// How many events the token keeps.
    pub(super) limit: u32,
    pub(super) reply: oneshot::Sender<Result<Arc<Event>, StoreError>>,
}

/// Hands an event to the writer and returns after its commit; a full queue refuses at once.
pub(super) async fn queue<T: From<Waiting>>(
    writes: &mpsc::Sender<T>,
    event: NewEvent,
    limit: u32,
) -> Result<Arc<Event>, StoreError> {
    let (reply, replied) = oneshot::channel();
    let waiting = Waiting {
        event: Box::new(event),
        limit,
        reply,
    };
    writes
        .try_send(waiting.into())
        .map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Full,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
    replied.await.map_err(|_| StoreError::NotCommitted)?
}

/// What waits already, up to a group; never waits for more. Without `group` it is the first alone.
pub(super) fn gather<T>(
    first: T,
    queue: &mut mpsc::Receiver<T>,
    group: bool,
    weight: impl Fn(&T) -> usize,
) -> Vec<T> {
    let most = if group { MOST } else { 1 };
    let mut bytes = weight(&first);
    let mut batch = vec![first];
    while batch.len() < most && bytes < BYTES {
        let Ok(next) = queue.try_recv() else { break };
        bytes += weight(&next);
        batch.push(next);
    }
    batch
}
