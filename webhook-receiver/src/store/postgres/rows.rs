//! The tables, what is asked of them, and how a row becomes an event. The same columns as in SQLite, but for those
//! that the sweep compares.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::store::event::{Kind, unpack_headers};
use crate::store::{Event, StoreError, Token};

/// Several instances may start at once, so one after the other looks whether the tables are there. Only who finds none
/// makes them: even `IF NOT EXISTS` waits for whoever writes, and a writer that came between would wait for it in turn.
pub(super) const SCHEMA: &str = "
BEGIN;
SELECT pg_advisory_xact_lock(80048004);
DO $schema$ BEGIN
IF to_regclass(quote_ident(current_schema()) || '.kept') IS NULL THEN
    CREATE TABLE token (
        id UUID PRIMARY KEY, alias TEXT UNIQUE, value TEXT NOT NULL,
        expiry BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
    );
    CREATE TABLE event (
        sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id UUID NOT NULL UNIQUE, token UUID NOT NULL, kind TEXT NOT NULL,
        at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        method TEXT NOT NULL, origin TEXT NOT NULL, path TEXT NOT NULL, query TEXT,
        headers BYTEA NOT NULL, ip TEXT NOT NULL, sender TEXT, destinations TEXT NOT NULL,
        note TEXT, delivery TEXT, duplicate_of UUID, size BIGINT NOT NULL, body BYTEA NOT NULL
    );
    CREATE INDEX event_token ON event (token, sequence, at);
    CREATE INDEX event_delivery ON event (token, delivery, sequence) WHERE delivery IS NOT NULL;
    CREATE TABLE kept (
        kind TEXT NOT NULL, id TEXT NOT NULL, token UUID NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, id)
    );
    CREATE FUNCTION token_changed() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_notify(''webhook_token'', ''''); RETURN NULL; END';
    CREATE TRIGGER token_changed AFTER UPDATE OR DELETE ON token
        FOR EACH STATEMENT EXECUTE FUNCTION token_changed();
END IF;
END $schema$;
COMMIT;
";

/// Arrays, so that a group is one statement; the numbers come in its order.
pub(super) const INSERT: &str = "
INSERT INTO event (id, token, kind, at, updated_at, method, origin, path, query, headers, ip, sender, destinations,
    delivery, duplicate_of, size, body)
SELECT id, token, kind, at, at, method, origin, path, query, headers, ip, sender, destinations, delivery,
    duplicate_of, length(body), body
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::bytea[]) WITH ORDINALITY
    AS new (id, token, kind, at, method, origin, path, query, headers, ip, sender, destinations, delivery,
    duplicate_of, body, place)
ORDER BY place
RETURNING id, sequence";

/// Who inserts for a token holds its row, so that the numbers of a token grow in the order of the commits. Who deletes
/// its events takes that row first, too: two that want the same events then never hold one each.
pub(super) const HOLD_TOKENS: &str =
    "SELECT id FROM token WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

pub(super) const FIRST_DELIVERIES: &str = "
SELECT DISTINCT ON (event.token, event.delivery) event.token, event.delivery, event.id
FROM event JOIN unnest($1::uuid[], $2::text[]) AS new (token, delivery)
    ON event.token = new.token AND event.delivery = new.delivery
ORDER BY event.token, event.delivery, event.sequence";

pub(super) const TRIM: &str = "
DELETE FROM event WHERE sequence IN
    (SELECT sequence FROM event WHERE token = $1 ORDER BY sequence DESC OFFSET $2)";

pub(super) const DELETE_EVENTS: &str = "
WITH held AS (SELECT id FROM token WHERE id = $1 FOR NO KEY UPDATE)
DELETE FROM event USING held WHERE event.token = held.id AND event.id = ANY($2)";

pub(super) const DELETE_SPAN: &str = "
WITH held AS (SELECT id FROM token WHERE id = $1 FOR NO KEY UPDATE)
DELETE FROM event USING held WHERE event.token = held.id AND at BETWEEN $2 AND $3";

pub(super) const NOTIFY: &str = "SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS notice";

/// The first event of a token tells whether it has any that are too old, so the others are not looked at.
pub(super) const SWEEP_EVENTS: &str = "
WITH outlived AS (SELECT id, $1 - expiry * 1000000 AS too_old FROM token WHERE
    (SELECT at FROM event WHERE event.token = token.id ORDER BY sequence LIMIT 1) < $1 - expiry * 1000000)
DELETE FROM event WHERE sequence IN
    (SELECT event.sequence FROM event JOIN outlived ON outlived.id = event.token
     WHERE event.at < outlived.too_old LIMIT 200 FOR UPDATE OF event SKIP LOCKED)";

pub(super) const SWEEP_TOKENS: &str = "
WITH unused AS (SELECT id FROM token WHERE updated_at < $1 - expiry * 1000000
        AND NOT EXISTS (SELECT FROM event WHERE event.token = token.id) FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM token USING unused WHERE token.id = unused.id RETURNING token.id),
    forgotten AS (DELETE FROM kept USING gone WHERE kept.token = gone.id)
SELECT count(*) FROM gone";

/// A stretch in one order. Past so many bytes ($7) rows come without their bodies; the first never does.
macro_rules! stretch {
    ($order:literal, $side:literal) => {
        concat!(
            "SELECT *, CASE WHEN taken <= $7::bigint OR place = 1 THEN body END AS fitting FROM (\
             SELECT *, sum(size) OVER way AS taken, row_number() OVER way AS place FROM (\
             SELECT * FROM event WHERE token = $1 AND sequence ",
            $side,
            " $2 AND at BETWEEN $3 AND $4 ORDER BY sequence ",
            $order,
            " LIMIT $5 OFFSET $6) AS page WINDOW way AS (ORDER BY sequence ",
            $order,
            ")) AS page ORDER BY place"
        )
    };
}

pub(super) const OLDEST_FIRST: &str = stretch!("ASC", ">");
pub(super) const NEWEST_FIRST: &str = stretch!("DESC", "<");

/// Reads a row of the table with `body` for its body.
pub(super) fn event(row: &Row, body: Option<&[u8]>) -> Result<Event, StoreError> {
    let destinations: &str = row.try_get("destinations")?;
    let size: i64 = row.try_get("size")?;
    Ok(Event {
        sequence: row.try_get("sequence")?,
        id: row.try_get("id")?,
        token: row.try_get("token")?,
        kind: Kind::named(row.try_get("kind")?),
        at: time(row, "at")?,
        updated_at: time(row, "updated_at")?,
        method: row.try_get("method")?,
        origin: row.try_get("origin")?,
        path: row.try_get("path")?,
        query: row.try_get("query")?,
        headers: unpack_headers(row.try_get("headers")?),
        ip: row.try_get("ip")?,
        sender: row.try_get("sender")?,
        destinations: destinations.lines().map(str::to_owned).collect(),
        note: row.try_get("note")?,
        delivery: row.try_get("delivery")?,
        duplicate_of: row.try_get("duplicate_of")?,
        size: size.unsigned_abs(),
        body: body.map(Bytes::copy_from_slice).unwrap_or_default(),
    })
}

pub(super) fn time(row: &Row, column: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_microsecond(row.try_get(column)?)?)
}

/// Reads a token's document.
pub(super) fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(serde_json::from_str(row.try_get("value")?)?)
}

/// A text as PostgreSQL takes it: everything but NUL.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}
