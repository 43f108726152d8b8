//! A log's file: opened once, appended to by all workers, opened again on USR1 (log rotation).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use super::syslog::Syslog;
use crate::config::Level;

#[derive(Debug)]
pub(crate) struct LogFile {
    sink: Sink,
    buffering: Option<Buffering>,
}

/// `buffer=`, `flush=` and `gzip=` of an access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buffering {
    pub(crate) size: usize,
    pub(crate) flush: Option<Duration>,
    pub(crate) gzip: Option<u32>,
}

#[derive(Debug)]
enum Sink {
    Stdout,
    Stderr,
    Syslog(Syslog),
    // The lock is held for one write; it keeps reopening and writing apart.
    File { path: PathBuf, file: Mutex<File> },
}

/// Every open log file, for `reopen_all`.
static OPEN: Mutex<Vec<Weak<LogFile>>> = Mutex::new(Vec::new());

impl LogFile {
    pub(crate) fn stdout() -> Self {
        Self::of(Sink::Stdout)
    }

    pub(crate) fn stderr() -> Self {
        Self::of(Sink::Stderr)
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = Mutex::new(open(path)?);
        Ok(Self::of(Sink::File {
            path: path.to_owned(),
            file,
        }))
    }

    pub(crate) fn to_syslog(syslog: Syslog) -> Self {
        Self::of(Sink::Syslog(syslog))
    }

    pub(crate) fn buffered(self, buffering: Option<Buffering>) -> Self {
        Self { buffering, ..self }
    }

    pub(crate) fn buffering(&self) -> Option<Buffering> {
        self.buffering
    }

    pub(crate) fn syslog(&self) -> Option<&Syslog> {
        match &self.sink {
            Sink::Syslog(syslog) => Some(syslog),
            _ => None,
        }
    }

    fn of(sink: Sink) -> Self {
        Self {
            sink,
            buffering: None,
        }
    }

    /// Writes one line of the error log.
    pub(crate) fn message(&self, level: Level, line: &[u8]) {
        match &self.sink {
            Sink::Syslog(syslog) => syslog.send(level as u8, line.trim_ascii_end()),
            _ => self.write(line),
        }
    }

    /// Writes whole lines. A log that can't be written must not stop the service.
    pub(crate) fn write(&self, lines: &[u8]) {
        let _ = match &self.sink {
            Sink::Stdout => io::stdout().lock().write_all(lines),
            Sink::Stderr => io::stderr().lock().write_all(lines),
            Sink::Syslog(_) => Ok(()),
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
