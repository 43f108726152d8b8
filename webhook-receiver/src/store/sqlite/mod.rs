//! SQLite: a file, a thread that writes it (see [`writer`]) and a few connections that read it at the same time.

mod documents;
mod events;
mod rows;
mod sweep;
mod tokens;
mod writer;

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;

use self::writer::{Told, Write};
use super::feed::Feed;
use super::group;
use super::{Event, NewEvent, Settings, StoreError, Swept};

/// Reads at the same time; each has a connection and, while it lasts, a thread.
const READERS: usize = 4;
/// How long a connection waits for another process that holds the file.
const BUSY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(in crate::store) struct Sqlite {
    writes: mpsc::Sender<Write>,
    readers: Arc<Readers>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Sqlite {
    pub(in crate::store) fn open(
        file: &Path,
        settings: &Settings,
        feed: Feed,
    ) -> Result<Self, StoreError> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| StoreError::Folder(file.to_owned(), error))?;
        }
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY)?;
        // WAL: one append and one sync for a commit. FULL: that sync is part of every commit, so that a power cut
        // takes nothing that was acknowledged; fullfsync is what macOS needs for it.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.execute_batch(rows::SCHEMA)?;
        let readers = (0..READERS)
            .map(|_| reader(file))
            .collect::<Result<_, _>>()?;
        let (writes, queue) = mpsc::channel(settings.queue.max(1));
        let group = !settings.commit_each;
        thread::spawn(move || writer::run(connection, queue, &feed, group));
        Ok(Self {
            writes,
            readers: Arc::new(Readers {
                idle: Mutex::new(readers),
                permits: Semaphore::new(READERS),
            }),
        })
    }

    /// Runs `read` on a connection of its own; never waits for the writer.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.readers.clone();
        let permit = self
            .readers
            .permits
            .acquire()
            .await
            .map_err(|_| StoreError::Closed)?;
        let task = tokio::task::spawn_blocking(move || {
            let taken = readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let connection = taken.expect("there are as many connections as permits");
            let result = read(&connection);
            readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            result
        });
        let result = task.await.map_err(|_| StoreError::Closed)?;
        drop(permit);
        Ok(result?)
    }

    /// Queues `change` for the writer and waits for its commit. A change that fails leaves nothing behind and does
    /// not hurt the others of its group.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, replied) = oneshot::channel();
        let step = move |connection: &Connection| -> Told {
            let result = in_savepoint(connection, change);
            Box::new(move |committed| {
                let lost = Err(StoreError::NotCommitted);
                let _ = reply.send(if committed { result } else { lost });
            })
        };
        let write = Write::Change(Box::new(step));
        self.writes
            .send(write)
            .await
            .map_err(|_| StoreError::Closed)?;
        replied.await.map_err(|_| StoreError::NotCommitted)?
    }

    pub(in crate::store) async fn store(
        &self,
        event: NewEvent,
        limit: u32,
    ) -> Result<Arc<Event>, StoreError> {
        group::queue(&self.writes, event, limit).await
    }

    /// One step is one transaction, so that ingest waits for no more than that.
    pub(in crate::store) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let outlived = self.read(move |connection| sweep::outlived(connection, now));
        let mut outlived = outlived.await?;
        while !outlived.is_empty() {
            let step = move |connection: &Connection| {
                let step = sweep::step(connection, &mut outlived)?;
                Ok((step, outlived))
            };
            let (step, rest) = self.change(step).await?;
            outlived = rest;
            swept.events += step.events;
            swept.tokens += step.tokens;
        }
        Ok(swept)
    }

    /// Drops all of a token's events between two times, step by step.
    async fn drop_between(&self, token: Uuid, between: (i64, i64)) -> Result<u64, StoreError> {
        let mut dropped = 0;
        loop {
            let step =
                move |connection: &Connection| Ok(sweep::drop_some(connection, token, between)?);
            match self.change(step).await?.events {
                0 => return Ok(dropped),
                some => dropped += some,
            }
        }
    }
}

fn reader(file: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Runs `change` so that its failure undoes it alone.
fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT change")?;
    let result = change(connection);
    let end = if result.is_ok() {
        "RELEASE change"
    } else {
        "ROLLBACK TO change; RELEASE change"
    };
    connection.execute_batch(end)?;
    result
}
