//! Who leads: what only one instance may do is done by the one that holds a lock of the server. It lasts as long as
//! the connection that took it, so an instance that dies leads no more.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::Postgres;
use crate::store::StoreError;

/// One lock for each schema, waited for as long as it takes.
const LOCK: &str =
    "SELECT pg_advisory_lock(hashtextextended('webhook-receiver ' || current_schema(), 0))";
/// Between two looks whether the connection still is there.
const LOOK: Duration = Duration::from_secs(5);

/// The lock is ours.
#[derive(Debug)]
pub(in crate::store) struct Turn {
    client: Client,
    connection: JoinHandle<()>,
}

impl Postgres {
    /// Waits for the lock.
    pub(in crate::store) async fn lead(&self) -> Result<Turn, StoreError> {
        let (client, connection) = self.config.connect(NoTls).await?;
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "the connection that leads broke");
            }
        });
        client.batch_execute(LOCK).await?;
        Ok(Turn { client, connection })
    }
}

impl Turn {
    /// Returns when the connection is gone, and the lock with it.
    pub(in crate::store) async fn lost(&mut self) {
        loop {
            let alive = tokio::time::timeout(LOOK, self.client.batch_execute("SELECT 1"));
            if !matches!(alive.await, Ok(Ok(()))) {
                return;
            }
            tokio::select! {
                _ = &mut self.connection => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // The server takes the lock back with the connection.
        self.connection.abort();
    }
}
