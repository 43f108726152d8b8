//! The error log, in nginx's form: time, level, process, connection, message, then who asked.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::clock;
use crate::config::{ErrorLog, Level};
use crate::exchange::Exchange;

/// Writes a message that belongs to no request.
pub(crate) fn message(log: &ErrorLog, level: Level, text: &str) {
    for (file, lowest) in &log.targets {
        if level <= *lowest {
            let mut line = Vec::with_capacity(text.len() + 64);
            let pid = std::process::id();
            let _ = writeln!(
                line,
                "{} [{}] {pid}#{pid}: {text}",
                clock::error_log_time(),
                level.as_str()
            );
            file.write(&line);
        }
    }
}

/// Writes a message about an exchange.
pub(crate) fn exchange(ex: &Exchange, level: Level, text: &str) {
    let log = &ex.location.error_log;
    if !log.targets.iter().any(|(_, lowest)| level <= *lowest) {
        return;
    }
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
    message(log, level, &line);
}
