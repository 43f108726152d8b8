//! Events, once they are kept: reading, counting, noting, dropping.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{Sqlite, rows};
use crate::store::{Event, STRETCH_BYTES, Span, StoreError, Stretch, Summary};

impl Sqlite {
    pub(in crate::store) async fn event(
        &self,
        token: Uuid,
        id: Uuid,
    ) -> Result<Option<Event>, StoreError> {
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
    pub(in crate::store) async fn stretch(
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
            let (from, to) = stretch.span.bounds();
            let mut statement = connection.prepare_cached(&sql)?;
            let token = token.as_bytes();
            let mut found = statement.query(params![token, beyond, from, to, stretch.limit, stretch.offset])?;
            let (mut events, mut bytes) = (Vec::new(), 0_i64);
            while let Some(row) = found.next()? {
                bytes += row.get::<_, i64>(17)?;
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

    pub(in crate::store) async fn count(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        self.read(move |connection| {
            let (from, to) = span.bounds();
            let sql = "SELECT count(*) FROM event WHERE token = ?1 AND at BETWEEN ?2 AND ?3";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(params![token.as_bytes(), from, to], |row| row.get(0))
        })
        .await
    }

    pub(in crate::store) async fn summary(&self, token: Uuid) -> Result<Summary, StoreError> {
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

    pub(in crate::store) async fn note(
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

    pub(in crate::store) async fn delete_events(
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

    pub(in crate::store) async fn delete_span(
        &self,
        token: Uuid,
        span: Span,
    ) -> Result<u64, StoreError> {
        let (from, to) = span.bounds();
        // Not what arrives meanwhile, or it would never end.
        let to = to.min(Timestamp::now().as_microsecond());
        self.drop_between(token, (from, to)).await
    }
}
