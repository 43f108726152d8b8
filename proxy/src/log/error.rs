//! The error log, in nginx's form: time, level, process, connection, message, then who asked.

use std::fmt::Write as _;

use super::throttle;
use crate::clock;
use crate::config::{ErrorLog, Level};
use crate::exchange::Exchange;

/// Writes a message that belongs to no request.
pub(crate) fn message(log: &ErrorLog, level: Level, text: &str) {
    if log.takes(level) && throttle::admits(log, level, without_serial(text)) {
        write(log, level, text);
    }
}

/// Messages about a connection begin with its number.
fn without_serial(text: &str) -> &str {
    let rest = text.strip_prefix('*').and_then(|rest| rest.split_once(' '));
    rest.map_or(text, |(_, rest)| rest)
}

/// Writes it to the logs whose level allows it.
pub(super) fn write(log: &ErrorLog, level: Level, text: &str) {
    write_to(log, level, text, |lowest| level <= lowest);
}

fn write_to(log: &ErrorLog, level: Level, text: &str, wanted: impl Fn(Level) -> bool) {
    if !log.targets.iter().any(|(_, lowest)| wanted(*lowest)) {
        return;
    }
    let pid = std::process::id();
    let line = format!(
        "{} [{}] {pid}#{pid}: {text}\n",
        clock::error_log_time(),
        level.as_str()
    );
    for (file, lowest) in &log.targets {
        if wanted(*lowest) {
            file.message(level, line.as_bytes());
        }
    }
}

/// Writes what only who debugs wants to read: of every exchange where a log's level is `debug`, else of connections
/// that `debug_connection` names.
pub(crate) fn debug(ex: &Exchange, text: impl FnOnce() -> String) {
    if ex.connection.debug || ex.location.error_log.takes(Level::Debug) {
        exchange(ex, Level::Debug, &text());
    }
}

/// Writes a message about an exchange.
pub(crate) fn exchange(ex: &Exchange, level: Level, text: &str) {
    let log = &ex.location.error_log;
    if ex.connection.debug {
        return write_to(log, level, &described(ex, text), |_| true);
    }
    if log.takes(level) && throttle::admits(log, level, text) {
        write(log, level, &described(ex, text));
    }
}

fn described(ex: &Exchange, text: &str) -> String {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
    let mut line = format!(
        "*{} {text}, client: {}, server: {}, request: \"{}\"",
        ex.connection.serial,
        show(ex.connection.remote_ip()),
        ex.server.name,
        show(ex.request.head.line()),
    );
    if let Some(one) = ex.tries.last() {
        let target = show(ex.request.uri());
        let _ = write!(
            line,
            ", upstream: \"{}://{}{target}\"",
            one.scheme, one.address
        );
    }
    if let Some(host) = ex.request.head.head.get(crate::http1::Known::Host) {
        let _ = write!(line, ", host: \"{}\"", show(host));
    }
    line
}
