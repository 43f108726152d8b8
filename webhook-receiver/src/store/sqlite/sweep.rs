//! Retention. A full inbox drops its oldest event for each new one, in the same transaction but a few at a time, so
//! that ingest never waits for it. What is too old is looked for by a reader, beside the writer, and goes in small
//! steps between the others' commits.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows;
use crate::store::Swept;

/// Most events that one transaction drops because an inbox is full.
const TRIM: u64 = 64;
/// Most events (or tokens) that one transaction drops for another reason...
const SOME: u64 = 200;
/// ... and, since the pages of each are visited, about so many bytes of bodies.
const SOME_BYTES: u64 = 16 * 1024 * 1024;

/// How full the inboxes are that got events lately.
#[derive(Debug, Default)]
pub(super) struct Trim {
    counts: HashMap<Uuid, u64>,
    over: HashMap<Uuid, u32>,
}

impl Trim {
    /// Notes that an event was inserted.
    pub(super) fn added(
        &mut self,
        connection: &Connection,
        token: Uuid,
        limit: u32,
    ) -> rusqlite::Result<()> {
        let count = match self.counts.get(&token) {
            Some(count) => count + 1,
            None => count(connection, token)?,
        };
        self.counts.insert(token, count);
        if count > u64::from(limit) {
            self.over.insert(token, limit);
        }
        Ok(())
    }

    /// Drops the oldest events of the inboxes that are too full. The count that decides is taken afresh now and then,
    /// since deletions by hand pass us by: they only make it too high, so it is read again before anything is dropped.
    pub(super) fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for (token, limit) in std::mem::take(&mut self.over) {
            let held = count(connection, token)?;
            let surplus = held.saturating_sub(u64::from(limit)).min(TRIM);
            if surplus > 0 {
                let sql = "DELETE FROM event WHERE sequence IN \
                           (SELECT sequence FROM event WHERE token = ?1 ORDER BY sequence LIMIT ?2)";
                let mut statement = connection.prepare_cached(sql)?;
                statement.execute(params![token.as_bytes(), surplus])?;
            }
            self.counts.insert(token, held - surplus);
        }
        if self.counts.len() > 10_000 {
            self.counts.clear();
        }
        Ok(())
    }

    /// After a rollback nothing is known.
    pub(super) fn forget(&mut self) {
        self.counts.clear();
        self.over.clear();
    }
}

fn count(connection: &Connection, token: Uuid) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM event WHERE token = ?1")?;
    statement.query_row([token.as_bytes()], |row| row.get(0))
}

/// What one transaction dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) events: u64,
    bytes: u64,
}

impl Dropped {
    fn is_enough(self) -> bool {
        self.events >= SOME || self.bytes >= SOME_BYTES
    }
}

/// Drops the oldest of a token's events between two times, as many as one transaction may.
pub(super) fn drop_some(
    connection: &Connection,
    token: Uuid,
    (from, to): (i64, i64),
) -> rusqlite::Result<Dropped> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM event WHERE sequence IN (SELECT sequence FROM (\
         SELECT sequence, sum(size) OVER (ORDER BY sequence) - size AS before FROM (\
         SELECT sequence, size FROM event WHERE token = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY sequence LIMIT ?4)) \
         WHERE before < ?5) RETURNING size",
    )?;
    let mut dropped = Dropped::default();
    let mut sizes = statement.query(params![token.as_bytes(), from, to, SOME, SOME_BYTES])?;
    while let Some(row) = sizes.next()? {
        dropped.events += 1;
        dropped.bytes += row.get::<_, u64>(0)?;
    }
    Ok(dropped)
}

/// The tokens that hold something too old, or that nobody has used for too long; and what time too old is for each.
pub(super) fn outlived(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<VecDeque<(Uuid, Timestamp)>> {
    let mut tokens = connection.prepare_cached("SELECT value FROM token")?;
    let mut found = VecDeque::new();
    for token in tokens.query_map([], rows::token)? {
        let token = token?;
        let limit = now - SignedDuration::from_secs(token.expiry.into());
        let first = first(connection, token.id)?;
        if first.unwrap_or(token.updated_at) < limit {
            found.push_back((token.id, limit));
        }
    }
    Ok(found)
}

/// Does as much of the work as one transaction may, from the front of `outlived`, and takes off what is done with.
pub(super) fn step(
    connection: &Connection,
    outlived: &mut VecDeque<(Uuid, Timestamp)>,
) -> rusqlite::Result<Swept> {
    let (mut swept, mut dropped) = (Swept::default(), Dropped::default());
    for _ in 0..SOME {
        let Some(&(token, limit)) = outlived.front() else {
            break;
        };
        let some = drop_some(connection, token, (i64::MIN, limit.as_microsecond() - 1))?;
        dropped.events += some.events;
        dropped.bytes += some.bytes;
        match first(connection, token)? {
            Some(oldest) if oldest < limit && some.events > 0 => {} // there is more of it
            Some(_) => drop(outlived.pop_front()),
            None => {
                swept.tokens += drop_unused(connection, token, limit)?;
                outlived.pop_front();
            }
        }
        if dropped.is_enough() {
            break;
        }
    }
    swept.events = dropped.events;
    Ok(swept)
}

/// Drops a token that holds nothing, if nobody has used it since `limit`.
fn drop_unused(connection: &Connection, token: Uuid, limit: Timestamp) -> rusqlite::Result<u64> {
    let id = token.as_bytes();
    let mut statement = connection.prepare_cached("SELECT value FROM token WHERE id = ?1")?;
    let used = statement.query_row([id], rows::token).optional()?;
    if used.is_none_or(|token| token.updated_at >= limit) {
        return Ok(0);
    }
    connection.execute("DELETE FROM kept WHERE token = ?1", [id])?;
    Ok(connection.execute("DELETE FROM token WHERE id = ?1", [id])? as u64)
}

/// When the oldest of a token's events arrived.
fn first(connection: &Connection, token: Uuid) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT at FROM event WHERE token = ?1 ORDER BY sequence LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let first = statement.query_row([token.as_bytes()], |row| rows::time(row, 0));
    first.optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Kind, NewEvent, Token};

    #[test]
    fn a_step_is_bounded_in_events_and_in_bytes() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(rows::SCHEMA).unwrap();
        let (small, large) = (Uuid::new_v4(), Uuid::new_v4());
        for token in [[small; 250].as_slice(), &[large; 5]].concat() {
            rows::insert(&connection, &NewEvent::now(token, Kind::Web)).unwrap();
        }
        // As if each had a body of 10 MB.
        let size = "UPDATE event SET size = 10485760 WHERE token = ?1";
        connection.execute(size, [large.as_bytes()]).unwrap();
        for (token, steps) in [(small, &[200, 50, 0][..]), (large, &[2, 2, 1, 0])] {
            for &dropped in steps {
                let all = (i64::MIN, i64::MAX);
                assert_eq!(drop_some(&connection, token, all).unwrap().events, dropped);
            }
        }
    }

    #[test]
    fn a_step_takes_many_tokens_and_leaves_what_is_young_or_used() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(rows::SCHEMA).unwrap();
        let now = Timestamp::now();
        let ages = [(99, Some(99)), (99, None), (99, Some(1)), (1, Some(99))];
        for (used, event) in [ages; 60].concat() {
            let ago = |seconds| now - SignedDuration::from_secs(seconds);
            let token = Token {
                expiry: 50,
                updated_at: ago(used),
                ..Token::default()
            };
            let sql = "INSERT INTO token (id, value, created_at) VALUES (?1, ?2, 0)";
            let value = serde_json::to_string(&token).unwrap();
            connection
                .execute(sql, params![token.id.as_bytes(), value])
                .unwrap();
            if let Some(age) = event {
                let mut event = NewEvent::now(token.id, Kind::Web);
                event.at = ago(age);
                rows::insert(&connection, &event).unwrap();
            }
        }
        let mut found = outlived(&connection, now).unwrap();
        assert_eq!(found.len(), 180);
        let swept = step(&connection, &mut found).unwrap();
        assert_eq!((swept.events, swept.tokens, found.len()), (120, 120, 0));
    }
}
