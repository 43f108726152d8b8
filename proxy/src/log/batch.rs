//! Lines waiting to be written by this worker.

use std::cell::RefCell;
use std::sync::Arc;

use super::LogFile;

/// So many bytes are written without waiting for an idle moment.
const FULL: usize = 64 * 1024;

struct Batch {
    file: Arc<LogFile>,
    lines: Vec<u8>,
}

thread_local! {
    static WAITING: RefCell<Vec<Batch>> = const { RefCell::new(Vec::new()) };
}

/// Appends one line, made by `write`.
pub(super) fn line(file: &Arc<LogFile>, write: impl FnOnce(&mut Vec<u8>)) {
    WAITING.with_borrow_mut(|waiting| {
        let at = waiting
            .iter()
            .position(|batch| Arc::ptr_eq(&batch.file, file));
        let at = at.unwrap_or_else(|| {
            waiting.push(Batch {
                file: Arc::clone(file),
                lines: Vec::with_capacity(FULL),
            });
            waiting.len() - 1
        });
        let lines = &mut waiting[at].lines;
        write(lines);
        lines.push(b'\n');
        if lines.len() > FULL - 4096 {
            file.write(lines);
            lines.clear();
        }
    });
}

/// Writes what waits; called whenever the worker is about to sleep, and at its end.
pub(crate) fn flush() {
    WAITING.with_borrow_mut(|waiting| {
        // A log of an old configuration goes once it is empty and nobody else holds it.
        waiting.retain(|batch| !batch.lines.is_empty() || Arc::strong_count(&batch.file) > 1);
        for Batch { file, lines } in waiting {
            if !lines.is_empty() {
                file.write(lines);
                lines.clear();
            }
        }
    });
}
