//! Why the store could not do what it was asked; [`crate::refusal`] makes a status of it.

use std::path::PathBuf;

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("too many events wait to be stored")]
    Full,
    #[error("the transaction was not committed")]
    NotCommitted,
    #[error("the store is closed")]
    Closed,
    #[error("the name is taken")]
    Taken,
    #[error("there are too many tokens")]
    TooManyTokens,
    #[error("the folder for {0} can't be made")]
    Folder(PathBuf, #[source] std::io::Error),
    #[error("SQLite refuses")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL refuses or is gone")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("PostgreSQL does not answer")]
    Silent,
    #[error("what is stored is no time")]
    Time(#[from] jiff::Error),
    #[error("what is stored can't be read")]
    Corrupt(#[from] serde_json::Error),
}
