//! Tokens: documents with a name.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{Sqlite, rows};
use crate::store::{StoreError, Token};

impl Sqlite {
    pub(in crate::store) async fn token(&self, name: String) -> Result<Option<Token>, StoreError> {
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

    pub(in crate::store) async fn create_token(
        &self,
        token: Token,
        most: u64,
    ) -> Result<(), StoreError> {
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

    pub(in crate::store) async fn update_token(&self, token: Token) -> Result<(), StoreError> {
        self.change(move |connection| {
            let sql = "UPDATE token SET alias = ?2, value = ?3 WHERE id = ?1";
            let value = serde_json::to_string(&token)?;
            let updated = connection.execute(sql, params![token.id.as_bytes(), token.alias, value]);
            updated.map(drop).map_err(taken)
        })
        .await
    }

    pub(in crate::store) async fn delete_token(&self, id: Uuid) -> Result<bool, StoreError> {
        let until_now = (i64::MIN, Timestamp::now().as_microsecond());
        self.drop_between(id, until_now).await?;
        self.change(move |connection| {
            connection.execute("DELETE FROM event WHERE token = ?1", [id.as_bytes()])?;
            connection.execute("DELETE FROM kept WHERE token = ?1", [id.as_bytes()])?;
            let deleted = connection.execute("DELETE FROM token WHERE id = ?1", [id.as_bytes()])?;
            Ok(deleted > 0)
        })
        .await
    }

    pub(in crate::store) async fn tokens(
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
}

/// The only unique column that a caller chooses is the alias.
fn taken(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Taken,
        _ => error.into(),
    }
}
