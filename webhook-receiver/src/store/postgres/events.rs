//! Events, once they are kept: reading, counting, noting, dropping.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Postgres, rows};
use crate::store::{Event, STRETCH_BYTES, Span, StoreError, Stretch, Summary};

impl Postgres {
    pub(in crate::store) async fn event(
        &self,
        token: Uuid,
        id: Uuid,
    ) -> Result<Option<Event>, StoreError> {
        let sql = "SELECT * FROM event WHERE id = $1 AND token = $2";
        let found = self.link().query(sql, &[&id, &token]).await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        Ok(Some(rows::event(row, row.try_get("body")?)?))
    }

    /// Events in order. Past [`STRETCH_BYTES`] of bodies a `complete` list goes on without them, another ends.
    pub(in crate::store) async fn stretch(
        &self,
        token: Uuid,
        stretch: Stretch,
        complete: bool,
    ) -> Result<Vec<Event>, StoreError> {
        let (sql, end) = if stretch.newest_first {
            (rows::NEWEST_FIRST, i64::MAX)
        } else {
            (rows::OLDEST_FIRST, 0)
        };
        let beyond = stretch.beyond.unwrap_or(end);
        let (from, to) = stretch.span.bounds();
        let (limit, offset) = (stretch.limit as i64, stretch.offset.cast_signed());
        let found = self
            .link()
            .query(
                sql,
                &[&token, &beyond, &from, &to, &limit, &offset, &STRETCH_BYTES],
            )
            .await?;
        let mut events = Vec::new();
        for row in found {
            let body: Option<&[u8]> = row.try_get("fitting")?;
            if body.is_none() && !complete {
                break;
            }
            events.push(rows::event(&row, body)?);
        }
        Ok(events)
    }

    pub(in crate::store) async fn count(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM event WHERE token = $1 AND at BETWEEN $2 AND $3";
        let (from, to) = span.bounds();
        let count: i64 = self.link().one(sql, &[&token, &from, &to]).await?;
        Ok(count.unsigned_abs())
    }

    pub(in crate::store) async fn summary(&self, token: Uuid) -> Result<Summary, StoreError> {
        let requests = self.count(token, Span::default()).await?;
        let sql = "SELECT id, at FROM event WHERE token = $1 ORDER BY sequence DESC LIMIT 1";
        let found = self.link().query(sql, &[&token]).await?;
        let latest = match found.first() {
            Some(row) => Some((row.try_get("id")?, rows::time(row, "at")?)),
            None => None,
        };
        Ok(Summary { requests, latest })
    }

    pub(in crate::store) async fn note(
        &self,
        token: Uuid,
        id: Uuid,
        note: String,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE event SET note = $3, updated_at = $4 WHERE id = $1 AND token = $2";
        let (note, now) = (rows::text(&note), Timestamp::now().as_microsecond());
        let updated = self
            .link()
            .execute(sql, &[&id, &token, &note, &now])
            .await?;
        Ok(updated > 0)
    }

    pub(in crate::store) async fn delete_events(
        &self,
        token: Uuid,
        ids: Vec<Uuid>,
    ) -> Result<u64, StoreError> {
        self.link()
            .execute(rows::DELETE_EVENTS, &[&token, &ids])
            .await
    }

    pub(in crate::store) async fn delete_span(
        &self,
        token: Uuid,
        span: Span,
    ) -> Result<u64, StoreError> {
        let (from, to) = span.bounds();
        self.link()
            .execute(rows::DELETE_SPAN, &[&token, &from, &to])
            .await
    }
}
