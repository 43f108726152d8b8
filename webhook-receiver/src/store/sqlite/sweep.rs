//! Retention. A full inbox drops its oldest event for each new one, in the same transaction but a few at a time, so
//! that ingest never waits for it; what is too old goes in small sweeps between the others' commits.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::rows;
use crate::store::Swept;

/// Most events that one transaction drops because an inbox is full.
const TRIM: u64 = 64;
/// Most events that one sweep drops because they are old.
const SWEEP: usize = 200;

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

/// Drops events that are older than their token's expiry, and tokens that nobody has used for that long.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<Swept> {
    let mut swept = Swept::default();
    let mut statement = connection.prepare_cached("SELECT value FROM token")?;
    let tokens: Vec<_> = statement
        .query_map([], rows::token)?
        .collect::<Result<_, _>>()?;
    for token in tokens {
        let left = SWEEP.saturating_sub(swept.events);
        if left == 0 {
            break;
        }
        let oldest = now - SignedDuration::from_secs(token.expiry.into());
        let sql = "DELETE FROM event WHERE sequence IN (SELECT sequence FROM event \
                   WHERE token = ?1 AND at < ?2 ORDER BY sequence LIMIT ?3)";
        let mut statement = connection.prepare_cached(sql)?;
        let bounds = params![token.id.as_bytes(), oldest.as_microsecond(), left];
        swept.events += statement.execute(bounds)?;
        if token.updated_at < oldest && count(connection, token.id)? == 0 {
            connection.execute("DELETE FROM kept WHERE token = ?1", [token.id.as_bytes()])?;
            swept.tokens +=
                connection.execute("DELETE FROM token WHERE id = ?1", [token.id.as_bytes()])?;
        }
    }
    Ok(swept)
}
