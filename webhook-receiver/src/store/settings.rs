//! Where events are kept, and how: what the command line says.

use std::path::PathBuf;

/// Most events that wait for the writer; the next one is told to come later.
const QUEUE: usize = 1024;

/// Where to keep it.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file; its folder is made if need be.
    File(PathBuf),
    /// A PostgreSQL server, which several instances may share.
    Server(Box<tokio_postgres::Config>),
}

/// Where to keep it, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    pub place: Place,
    /// Most events that wait for the writer.
    pub queue: usize,
    /// One commit per event instead of one per group: only to measure what the group is worth.
    pub commit_each: bool,
}

impl Settings {
    /// SQLite in `file`, the rest as usual.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::File(file.into()),
            queue: QUEUE,
            commit_each: false,
        }
    }
}
