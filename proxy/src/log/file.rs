//! A log's file: opened once, appended to by all workers, opened again on USR1 (log rotation).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};

#[derive(Debug)]
pub(crate) struct LogFile {
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Stdout,
    Stderr,
    // The lock is held for one write; it keeps reopening and writing apart.
    File { path: PathBuf, file: Mutex<File> },
}

/// Every open log file, for `reopen_all`.
static OPEN: Mutex<Vec<Weak<LogFile>>> = Mutex::new(Vec::new());

impl LogFile {
    pub(crate) fn stdout() -> Self {
        Self { sink: Sink::Stdout }
    }

    pub(crate) fn stderr() -> Self {
        Self { sink: Sink::Stderr }
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = Mutex::new(open(path)?);
        Ok(Self {
            sink: Sink::File {
                path: path.to_owned(),
                file,
            },
        })
    }

    /// Writes whole lines. A log that can't be written must not stop the service.
    pub(crate) fn write(&self, lines: &[u8]) {
        let _ = match &self.sink {
            Sink::Stdout => io::stdout().lock().write_all(lines),
            Sink::Stderr => io::stderr().lock().write_all(lines),
            Sink::File { file, .. } => file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(lines),
        };
    }

    pub(crate) fn reopen(&self) -> io::Result<()> {
        if let Sink::File { path, file } = &self.sink {
            let fresh = open(path)?;
            *file.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }

    /// Makes `reopen_all` know this log.
    pub(crate) fn register(self: &std::sync::Arc<Self>) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|log| log.strong_count() > 0);
        open.push(std::sync::Arc::downgrade(self));
    }

    pub(crate) fn reopen_all() {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        for log in open.iter().filter_map(Weak::upgrade) {
            if let Err(why) = log.reopen() {
                tracing::error!(%why, ?log, "a log could not be reopened");
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
