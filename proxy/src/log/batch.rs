//! Lines waiting to be written by this worker.

use std::cell::RefCell;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::LogFile;

/// So many bytes are written without waiting for an idle moment.
const FULL: usize = 64 * 1024;

struct Batch {
    file: Arc<LogFile>,
    lines: Vec<u8>,
    /// When the first of them came, for `flush=`.
    since: Instant,
}

thread_local! {
    static WAITING: RefCell<Vec<Batch>> = const { RefCell::new(Vec::new()) };
}

/// Appends one line, made by `write`.
pub(super) fn line(file: &Arc<LogFile>, write: impl FnOnce(&mut Vec<u8>)) {
    if let Some(syslog) = file.syslog() {
        let mut message = Vec::with_capacity(256);
        write(&mut message);
        return syslog.send(syslog.to.severity, &message);
    }
    WAITING.with_borrow_mut(|waiting| {
        let at = waiting
            .iter()
            .position(|batch| Arc::ptr_eq(&batch.file, file));
        let at = at.unwrap_or_else(|| {
            waiting.push(Batch {
                file: Arc::clone(file),
                lines: Vec::with_capacity(FULL),
                since: Instant::now(),
            });
            waiting.len() - 1
        });
        waiting[at].add(write);
    });
}

/// Writes what waits, but not what `buffer=` tells to wait longer; called whenever the worker is about to sleep.
pub(crate) fn flush() {
    settle(Batch::is_due);
}

/// Writes everything; called at the worker's end.
pub(crate) fn flush_all() {
    settle(|_| true);
}

fn settle(is_due: impl Fn(&Batch) -> bool) {
    WAITING.with_borrow_mut(|waiting| {
        // A log of an old configuration goes once it is empty and nobody else holds it.
        waiting.retain(|batch| !batch.lines.is_empty() || Arc::strong_count(&batch.file) > 1);
        for batch in waiting {
            if !batch.lines.is_empty() && is_due(batch) {
                batch.write();
            }
        }
    });
}

impl Batch {
    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.lines.len();
        write(&mut self.lines);
        self.lines.push(b'\n');
        let Some(buffering) = self.file.buffering() else {
            if self.lines.len() > FULL - 4096 {
                self.write();
            }
            return;
        };
        let full = self.lines.len() > buffering.size;
        if full && start > 0 {
            let line = self.lines.split_off(start);
            self.write();
            self.lines = line;
        }
        if full || start == 0 {
            self.since = Instant::now();
        }
        if self.lines.len() > buffering.size {
            self.write();
        }
    }

    fn is_due(&self) -> bool {
        let Some(buffering) = self.file.buffering() else {
            return true;
        };
        // The last line of an old configuration waits for no other.
        let last = Arc::strong_count(&self.file) == 1;
        last || buffering
            .flush
            .is_some_and(|flush| self.since.elapsed() >= flush)
    }

    fn write(&mut self) {
        let level = self.file.buffering().and_then(|buffering| buffering.gzip);
        match level {
            None => self.file.write(&self.lines),
            Some(level) => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
                let packed = encoder
                    .write_all(&self.lines)
                    .and_then(|()| encoder.finish());
                self.file.write(&packed.expect("a vector takes everything"));
            }
        }
        self.lines.clear();
    }
}
