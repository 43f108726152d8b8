//! Tokens: documents with a name. Their changes reach other instances by a trigger.

use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{Postgres, rows};
use crate::store::{StoreError, Token};

impl Postgres {
    pub(in crate::store) async fn token(&self, name: String) -> Result<Option<Token>, StoreError> {
        let found = match Uuid::try_parse(&name) {
            Ok(id) => {
                let sql = "SELECT value FROM token WHERE id = $1";
                self.link().query(sql, &[&id]).await?
            }
            Err(_) if name.contains('\0') => return Ok(None),
            Err(_) => {
                let sql = "SELECT value FROM token WHERE alias = $1";
                self.link().query(sql, &[&name]).await?
            }
        };
        found.first().map(rows::token).transpose()
    }

    pub(in crate::store) async fn create_token(
        &self,
        token: Token,
        most: u64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO token (id, alias, value, expiry, created_at, updated_at) \
                   SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM token) < $7";
        let value = serde_json::to_string(&token)?;
        let (made, changed) = (
            token.created_at.as_microsecond(),
            token.updated_at.as_microsecond(),
        );
        let (expiry, most) = (i64::from(token.expiry), most.cast_signed());
        let created = self
            .link()
            .execute(
                sql,
                &[
                    &token.id,
                    &token.alias,
                    &value,
                    &expiry,
                    &made,
                    &changed,
                    &most,
                ],
            )
            .await;
        match created.map_err(taken)? {
            0 => Err(StoreError::TooManyTokens),
            _ => Ok(()),
        }
    }

    pub(in crate::store) async fn update_token(&self, token: Token) -> Result<(), StoreError> {
        let sql =
            "UPDATE token SET alias = $2, value = $3, expiry = $4, updated_at = $5 WHERE id = $1";
        let value = serde_json::to_string(&token)?;
        let (expiry, changed) = (i64::from(token.expiry), token.updated_at.as_microsecond());
        let updated = self
            .link()
            .execute(sql, &[&token.id, &token.alias, &value, &expiry, &changed])
            .await;
        updated.map(drop).map_err(taken)
    }

    pub(in crate::store) async fn delete_token(&self, id: Uuid) -> Result<bool, StoreError> {
        let sql = "WITH events AS (DELETE FROM event WHERE token = $1), \
                   documents AS (DELETE FROM kept WHERE token = $1) DELETE FROM token WHERE id = $1";
        Ok(self.link().execute(sql, &[&id]).await? > 0)
    }

    pub(in crate::store) async fn tokens(
        &self,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<Token>, u64), StoreError> {
        let link = self.link();
        let total: i64 = link.one("SELECT count(*) FROM token", &[]).await?;
        let sql = "SELECT value FROM token ORDER BY created_at DESC LIMIT $1 OFFSET $2";
        let (limit, offset) = (limit as i64, offset.cast_signed());
        let found = link.query(sql, &[&limit, &offset]).await?;
        let tokens = found.iter().map(rows::token).collect::<Result<_, _>>()?;
        Ok((tokens, total.unsigned_abs()))
    }
}

/// The only unique column that a caller chooses is the alias.
fn taken(error: StoreError) -> StoreError {
    match &error {
        StoreError::Postgres(refused) if refused.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
            StoreError::Taken
        }
        _ => error,
    }
}
