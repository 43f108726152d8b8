//! The access log (ngx_http_log_module).

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};
use std::sync::Arc;

use super::{batch, error};
use crate::config::{AccessLog, Escape, Level, LogTarget};
use crate::exchange::Exchange;

/// Writes the exchange to every access log of its location.
pub(crate) fn write(exchange: &Exchange) {
    let location = Arc::clone(&exchange.location);
    for log in &location.access_logs {
        if let Some(condition) = &log.condition {
            let value = condition.evaluate(exchange);
            if value.is_empty() || value == b"0" {
                continue;
            }
        }
        match &log.target {
            LogTarget::File(file) => batch::line(file, |line| write_line(exchange, log, line)),
            LogTarget::Varying { path, folder } => {
                let mut line = Vec::with_capacity(256);
                write_line(exchange, log, &mut line);
                line.push(b'\n');
                let path = path.evaluate(exchange);
                append(exchange, &folder.join(OsStr::from_bytes(&path)), &line);
            }
        }
    }
}

fn write_line(exchange: &Exchange, log: &AccessLog, line: &mut Vec<u8>) {
    let format = &log.format;
    match format.escape {
        Escape::Default => format.line.write_line(exchange, b"-", escape, line),
        Escape::Json => format.line.write_line(exchange, b"", escape_json, line),
        Escape::None => format.line.write(exchange, line),
    }
}

/// To a file that the request has a part in naming. Only where the location's root exists, as in nginx, so that no
/// name that somebody thought of makes a log; and never upwards.
fn append(exchange: &Exchange, path: &Path, line: &[u8]) {
    let root = exchange.location.root_path(exchange);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if climbs || !Path::new(OsStr::from_bytes(&root)).is_dir() {
        return;
    }
    let opened = OpenOptions::new().create(true).append(true).open(path);
    if let Err(why) = opened.and_then(|mut file| file.write_all(line)) {
        let text = format!("open() \"{}\" failed ({why})", path.display());
        error::exchange(exchange, Level::Crit, &text);
    }
}

/// `"`, `\` and everything that is not printable ASCII become `\xXX`, so that no request can
/// forge a line.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f..=0xff => {
                let hex = b"0123456789ABCDEF";
                let digits = [hex[usize::from(byte >> 4)], hex[usize::from(byte & 15)]];
                out.extend_from_slice(&[b'\\', b'x', digits[0], digits[1]]);
            }
            _ => out.push(byte),
        }
    }
}

/// As in a string of JSON, byte by byte: what is no UTF-8 stays as it is.
pub(crate) fn escape_json(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_break_out_of_its_quotes() {
        let escaped = |escape: fn(&[u8], &mut Vec<u8>), value: &[u8]| {
            let mut out = Vec::new();
            escape(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            escaped(escape, b"a\"b\\c\nd\xff"),
            "a\\x22b\\x5Cc\\x0Ad\\xFF"
        );
        assert_eq!(
            escaped(escape_json, b"a\"b\\c\n\x01"),
            "a\\\"b\\\\c\\n\\u0001"
        );
    }
}
