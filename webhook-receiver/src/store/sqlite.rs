//! SQLite: a file, a thread that writes it (see [`writer`]) and a few connections that read it at the same time.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;

use super::feed::Feed;
use super::sweep::{self, Swept};
use super::writer::{self, Told, Write};
use super::{Event, Kept, NewEvent, Settings, Span, StoreError, Stretch, Summary, Token, rows};

/// Reads at the same time; each has a connection and, while it lasts, a thread.
const READERS: usize = 4;
/// Bodies in one answer; what is beyond is left out or left to the next call.
const STRETCH_BYTES: u64 = 32 * 1024 * 1024;
/// How long a connection waits for another process that holds the file.
const BUSY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Sqlite {
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
    pub(super) fn open(settings: &Settings, feed: Feed) -> Result<Self, StoreError> {
        if let Some(folder) = settings.file.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| StoreError::Folder(settings.file.clone(), error))?;
        }
        let connection = Connection::open(&settings.file)?;
        connection.busy_timeout(BUSY)?;
        // WAL: one append and one sync for a commit. FULL: that sync is part of every commit, so that a power cut
        // takes nothing that was acknowledged; fullfsync is what macOS needs for it.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.execute_batch(rows::SCHEMA)?;
        let readers = (0..READERS)
            .map(|_| reader(&settings.file))
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

    pub(super) async fn store(
        &self,
        event: NewEvent,
        limit: u32,
    ) -> Result<Arc<Event>, StoreError> {
        let (reply, replied) = oneshot::channel();
        let event = Box::new(event);
        let write = Write::Event {
            event,
            limit,
            reply,
        };
        self.writes.try_send(write).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Full,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        replied.await.map_err(|_| StoreError::NotCommitted)?
    }

    pub(super) async fn token(&self, name: String) -> Result<Option<Token>, StoreError> {
        self.read(move |connection| {
            let (column, key) = match Uuid::try_parse(&name) {
                Ok(id) => ("id", id.into_bytes().to_vec().into()),
                Err(_) => ("alias", rusqlite::types::Value::from(name)),
            };
            let sql = format!("SELECT value FROM token WHERE {column} = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row([key], rows::token).optional()
        })
        .await
    }

    pub(super) async fn create_token(&self, token: Token, most: u64) -> Result<(), StoreError> {
        self.change(move |connection| {
            let count: u64 =
                connection.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
            if count >= most {
                return Err(StoreError::TooManyTokens);
            }
            let sql = "INSERT INTO token (id, alias, value, created_at) VALUES (?1, ?2, ?3, ?4)";
            let value = serde_json::to_string(&token)?;
            let at = token.created_at.as_microsecond();
            let inserted =
                connection.execute(sql, params![token.id.as_bytes(), token.alias, value, at]);
            inserted.map(drop).map_err(taken)
        })
        .await
    }

    pub(super) async fn update_token(&self, token: Token) -> Result<(), StoreError> {
        self.change(move |connection| {
            let sql = "UPDATE token SET alias = ?2, value = ?3 WHERE id = ?1";
            let value = serde_json::to_string(&token)?;
            let updated = connection.execute(sql, params![token.id.as_bytes(), token.alias, value]);
            updated.map(drop).map_err(taken)
        })
        .await
    }

    pub(super) async fn delete_token(&self, id: Uuid) -> Result<bool, StoreError> {
        self.change(move |connection| {
            connection.execute("DELETE FROM event WHERE token = ?1", [id.as_bytes()])?;
            connection.execute("DELETE FROM kept WHERE token = ?1", [id.as_bytes()])?;
            let deleted = connection.execute("DELETE FROM token WHERE id = ?1", [id.as_bytes()])?;
            Ok(deleted > 0)
        })
        .await
    }

    pub(super) async fn tokens(
        &self,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<Token>, u64), StoreError> {
        self.read(move |connection| {
            let total = connection.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
            let sql = "SELECT value FROM token ORDER BY created_at DESC LIMIT ?1 OFFSET ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let tokens = statement.query_map(params![limit, offset], rows::token)?;
            Ok((tokens.collect::<Result<_, _>>()?, total))
        })
        .await
    }

    pub(super) async fn event(&self, token: Uuid, id: Uuid) -> Result<Option<Event>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM event WHERE id = ?1 AND token = ?2",
                rows::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let read = |row: &rusqlite::Row<'_>| rows::event(row, true);
            statement
                .query_row([id.as_bytes(), token.as_bytes()], read)
                .optional()
        })
        .await
    }

    /// Events in order. Past [`STRETCH_BYTES`] of bodies a `complete` list goes on without them, another ends.
    pub(super) async fn stretch(
        &self,
        token: Uuid,
        stretch: Stretch,
        complete: bool,
    ) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| {
            let (order, side) = if stretch.newest_first { ("DESC", "<") } else { ("ASC", ">") };
            let sql = format!(
                "SELECT {} FROM event WHERE token = ?1 AND sequence {side} ?2 AND at BETWEEN ?3 AND ?4 \
                 ORDER BY sequence {order} LIMIT ?5 OFFSET ?6",
                rows::COLUMNS
            );
            let beyond = stretch.beyond.unwrap_or(if stretch.newest_first { i64::MAX } else { 0 });
            let (from, to) = bounds(stretch.span);
            let mut statement = connection.prepare_cached(&sql)?;
            let token = token.as_bytes();
            let mut found = statement.query(params![token, beyond, from, to, stretch.limit, stretch.offset])?;
            let (mut events, mut bytes) = (Vec::new(), 0_u64);
            while let Some(row) = found.next()? {
                bytes += row.get::<_, u64>(17)?;
                let fits = bytes <= STRETCH_BYTES || events.is_empty();
                if !fits && !complete {
                    break;
                }
                events.push(rows::event(row, fits)?);
            }
            Ok(events)
        })
        .await
    }

    pub(super) async fn count(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        self.read(move |connection| {
            let (from, to) = bounds(span);
            let sql = "SELECT count(*) FROM event WHERE token = ?1 AND at BETWEEN ?2 AND ?3";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(params![token.as_bytes(), from, to], |row| row.get(0))
        })
        .await
    }

    pub(super) async fn summary(&self, token: Uuid) -> Result<Summary, StoreError> {
        let requests = self.count(token, Span::default()).await?;
        self.read(move |connection| {
            let sql = "SELECT id, at FROM event WHERE token = ?1 ORDER BY sequence DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| Ok((rows::uuid(row, 0)?, rows::time(row, 1)?));
            let latest = statement.query_row([token.as_bytes()], read).optional()?;
            Ok(Summary { requests, latest })
        })
        .await
    }

    pub(super) async fn note(
        &self,
        token: Uuid,
        id: Uuid,
        note: String,
    ) -> Result<bool, StoreError> {
        self.change(move |connection| {
            let sql = "UPDATE event SET note = ?3, updated_at = ?4 WHERE id = ?1 AND token = ?2";
            let now = Timestamp::now().as_microsecond();
            let updated =
                connection.execute(sql, params![id.as_bytes(), token.as_bytes(), note, now])?;
            Ok(updated > 0)
        })
        .await
    }

    pub(super) async fn delete_events(
        &self,
        token: Uuid,
        ids: Vec<Uuid>,
    ) -> Result<u64, StoreError> {
        self.change(move |connection| {
            let mut statement =
                connection.prepare_cached("DELETE FROM event WHERE id = ?1 AND token = ?2")?;
            let mut deleted = 0;
            for id in ids {
                deleted += statement.execute([id.as_bytes(), token.as_bytes()])? as u64;
            }
            Ok(deleted)
        })
        .await
    }

    pub(super) async fn delete_span(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        self.change(move |connection| {
            let (from, to) = bounds(span);
            let sql = "DELETE FROM event WHERE token = ?1 AND at BETWEEN ?2 AND ?3";
            Ok(connection.execute(sql, params![token.as_bytes(), from, to])? as u64)
        })
        .await
    }

    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        self.change(move |connection| Ok(sweep::sweep(connection, now)?))
            .await
    }

    pub(super) async fn keep(
        &self,
        kind: &'static str,
        token: Uuid,
        id: String,
        value: String,
    ) -> Result<(), StoreError> {
        self.change(move |connection| {
            let sql =
                "INSERT OR REPLACE INTO kept (kind, id, token, value) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(sql, params![kind, id, token.as_bytes(), value])?;
            Ok(())
        })
        .await
    }

    pub(super) async fn kept(
        &self,
        kind: &'static str,
        id: Option<String>,
        token: Option<Uuid>,
    ) -> Result<Vec<Kept>, StoreError> {
        let rows = self.read(move |connection| {
            let sql = "SELECT id, value FROM kept WHERE kind = ?1 AND id = coalesce(?2, id) \
                       AND token = coalesce(?3, token) ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let token = token.map(Uuid::into_bytes);
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            statement
                .query_map(params![kind, id, token], read)?
                .collect()
        });
        let rows: Vec<(String, String)> = rows.await?;
        let kept = |(id, value): (String, String)| {
            let value: Value = serde_json::from_str(&value)?;
            Ok(Kept { id, value })
        };
        rows.into_iter().map(kept).collect()
    }

    pub(super) async fn forget(&self, kind: &'static str, id: String) -> Result<bool, StoreError> {
        self.change(move |connection| {
            let sql = "DELETE FROM kept WHERE kind = ?1 AND id = ?2";
            Ok(connection.execute(sql, params![kind, id])? > 0)
        })
        .await
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

/// The only unique column that a caller chooses is the alias.
fn taken(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Taken,
        _ => error.into(),
    }
}

fn bounds(span: Span) -> (i64, i64) {
    let from = span.from.map_or(i64::MIN, Timestamp::as_microsecond);
    (from, span.to.map_or(i64::MAX, Timestamp::as_microsecond))
}
