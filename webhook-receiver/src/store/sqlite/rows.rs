//! The tables, and how an event becomes a row and a row an event.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::store::event::{Kind, NewEvent, pack_headers, unpack_headers};
use crate::store::{Event, Token};

/// AUTOINCREMENT: a number is never given twice, not even after the newest event was deleted, since readers remember
/// the last number they saw.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS token (
    id BLOB PRIMARY KEY, alias TEXT UNIQUE, value TEXT NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL, token BLOB NOT NULL, kind TEXT NOT NULL,
    at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    method TEXT NOT NULL, origin TEXT NOT NULL, path TEXT NOT NULL, query TEXT,
    headers BLOB NOT NULL, ip TEXT NOT NULL, sender TEXT, destinations TEXT NOT NULL,
    note TEXT, delivery TEXT, duplicate_of BLOB, size INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS event_id ON event (id);
CREATE INDEX IF NOT EXISTS event_token ON event (token, sequence, at);
CREATE INDEX IF NOT EXISTS event_delivery ON event (token, delivery) WHERE delivery IS NOT NULL;
CREATE TABLE IF NOT EXISTS kept (
    kind TEXT NOT NULL, id TEXT NOT NULL, token BLOB NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
";

/// All columns in the order that [`event`] reads them; the body is last, so that it can be left where it is.
pub(super) const COLUMNS: &str = "sequence, id, token, kind, at, updated_at, method, origin, path, query, headers, \
    ip, sender, destinations, note, delivery, duplicate_of, size, body";

/// Writes an event and gives back its number and the event that it repeats.
pub(super) fn insert(
    connection: &Connection,
    event: &NewEvent,
) -> rusqlite::Result<(i64, Option<Uuid>)> {
    let repeats = match &event.delivery {
        Some(delivery) => first_with(connection, event.token, delivery)?,
        None => None,
    };
    let mut statement = connection.prepare_cached(
        "INSERT INTO event (id, token, kind, at, updated_at, method, origin, path, query, headers, ip, sender, \
         destinations, delivery, duplicate_of, size, body) \
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    let sequence = statement.insert(params![
        event.id.as_bytes(),
        event.token.as_bytes(),
        event.kind.name(),
        event.at.as_microsecond(),
        event.method,
        event.origin,
        event.path,
        event.query,
        pack_headers(&event.headers),
        event.ip,
        event.sender,
        event.destinations.join("\n"),
        event.delivery,
        repeats.as_ref().map(Uuid::as_bytes),
        event.body.len(),
        &event.body[..],
    ])?;
    Ok((sequence, repeats))
}

fn first_with(
    connection: &Connection,
    token: Uuid,
    delivery: &str,
) -> rusqlite::Result<Option<Uuid>> {
    let sql = "SELECT id FROM event WHERE token = ?1 AND delivery = ?2 ORDER BY sequence LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row(params![token.as_bytes(), delivery], |row| uuid(row, 0));
    row.optional()
}

/// Reads [`COLUMNS`]; the body only if `with_body`.
pub(super) fn event(row: &Row<'_>, with_body: bool) -> rusqlite::Result<Event> {
    let destinations: String = row.get(13)?;
    let duplicate_of: Option<[u8; 16]> = row.get(16)?;
    let body = if with_body {
        Bytes::copy_from_slice(row.get_ref(18)?.as_blob()?)
    } else {
        Bytes::new()
    };
    Ok(Event {
        sequence: row.get(0)?,
        id: uuid(row, 1)?,
        token: uuid(row, 2)?,
        kind: Kind::named(row.get_ref(3)?.as_str()?),
        at: time(row, 4)?,
        updated_at: time(row, 5)?,
        method: row.get(6)?,
        origin: row.get(7)?,
        path: row.get(8)?,
        query: row.get(9)?,
        headers: unpack_headers(row.get_ref(10)?.as_blob()?),
        ip: row.get(11)?,
        sender: row.get(12)?,
        destinations: destinations.lines().map(str::to_owned).collect(),
        note: row.get(14)?,
        delivery: row.get(15)?,
        duplicate_of: duplicate_of.map(Uuid::from_bytes),
        size: row.get(17)?,
        body,
    })
}

/// Reads a token's document from column 0.
pub(super) fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    serde_json::from_str(row.get_ref(0)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    Timestamp::from_microsecond(micros).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, error.into())
    })
}
