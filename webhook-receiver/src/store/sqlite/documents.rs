//! Small documents that last: forwarding rules, dead letters.

use rusqlite::params;
use serde_json::Value;
use uuid::Uuid;

use super::Sqlite;
use crate::store::{Kept, StoreError};

impl Sqlite {
    pub(in crate::store) async fn keep(
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

    pub(in crate::store) async fn kept(
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

    pub(in crate::store) async fn forget(
        &self,
        kind: &'static str,
        id: String,
    ) -> Result<bool, StoreError> {
        self.change(move |connection| {
            let sql = "DELETE FROM kept WHERE kind = ?1 AND id = ?2";
            Ok(connection.execute(sql, params![kind, id])? > 0)
        })
        .await
    }
}
