//! Small documents that last: forwarding rules, dead letters.

use uuid::Uuid;

use super::Postgres;
use crate::store::{Kept, StoreError};

impl Postgres {
    pub(in crate::store) async fn keep(
        &self,
        kind: &'static str,
        token: Uuid,
        id: String,
        value: String,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO kept (kind, id, token, value) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (kind, id) DO UPDATE SET token = $3, value = $4";
        let kept = self
            .link()
            .execute(sql, &[&kind, &id, &token, &value])
            .await;
        kept.map(drop)
    }

    pub(in crate::store) async fn kept(
        &self,
        kind: &'static str,
        id: Option<String>,
        token: Option<Uuid>,
    ) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT id, value FROM kept WHERE kind = $1 AND id = coalesce($2, id) \
                   AND token = coalesce($3, token) ORDER BY id";
        let found = self.link().query(sql, &[&kind, &id, &token]).await?;
        let kept = found.iter().map(|row| {
            Ok(Kept {
                id: row.try_get("id")?,
                value: serde_json::from_str(row.try_get("value")?)?,
            })
        });
        kept.collect()
    }

    pub(in crate::store) async fn forget(
        &self,
        kind: &'static str,
        id: String,
    ) -> Result<bool, StoreError> {
        let sql = "DELETE FROM kept WHERE kind = $1 AND id = $2";
        Ok(self.link().execute(sql, &[&kind, &id]).await? > 0)
    }
}
