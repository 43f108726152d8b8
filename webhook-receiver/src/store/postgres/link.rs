//! One connection to the server, made when it is needed and made anew when it broke. What it was asked once it
//! remembers prepared.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use crate::store::StoreError;

/// A server that takes longer is taken for gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a statement's `$1`, `$2` … stand for.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

pub(super) struct Link {
    config: Config,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
}

pub(super) struct Session {
    client: Client,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            session: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn query(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.patiently(async { self.session().await?.query(sql, values).await })
            .await
    }

    /// How many rows it changed.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, StoreError> {
        self.patiently(async { self.session().await?.execute(sql, values).await })
            .await
    }

    /// The one value of the one row.
    pub(super) async fn one<T: FromSqlOwned>(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<T, StoreError> {
        let rows = self.query(sql, values).await?;
        let row = rows.first().ok_or(StoreError::Silent)?;
        Ok(row.try_get(0)?)
    }

    /// Statements without values.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.patiently(async { self.session().await?.batch(sql).await })
            .await
    }

    /// Drops the connection, and with it whatever was begun on it.
    pub(super) async fn hang_up(&self) {
        self.session.lock().await.take();
    }

    /// Waits for what is asked, but not for ever.
    pub(super) async fn patiently<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if let Ok(answer) = timeout(PATIENCE, asked).await {
            return answer;
        }
        self.hang_up().await;
        Err(StoreError::Silent)
    }

    /// The connection as it is, for a transaction.
    pub(super) async fn session(&self) -> Result<Arc<Session>, StoreError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(session.clone());
        }
        let (client, connection) = self.config.connect(NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to PostgreSQL broke");
            }
        });
        let session = Arc::new(Session {
            client,
            prepared: Mutex::default(),
        });
        *kept = Some(session.clone());
        Ok(session)
    }
}

impl Session {
    pub(super) async fn query(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, StoreError> {
        let statement = self.statement(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, StoreError> {
        let known = self.prepared().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared().insert(sql, statement.clone());
        Ok(statement)
    }

    fn prepared(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the server itself said no for good; otherwise it may not be there yet.
pub(super) fn is_answer(error: &StoreError) -> bool {
    use tokio_postgres::error::SqlState;
    let StoreError::Postgres(error) = error else {
        return false;
    };
    error
        .code()
        .is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW)
}
