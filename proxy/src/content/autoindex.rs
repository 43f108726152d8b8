//! `autoindex`: a folder without an index file as a list of what is in it, for people (HTML) or
//! programs (XML, JSON, JSONP) (ngx_http_autoindex_module).

use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::clock;
use crate::config::{Autoindex, AutoindexFormat};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::log;
use crate::respond::Reply;

struct Entry {
    /// As it is: names need not be UTF-8.
    name: Vec<u8>,
    directory: bool,
    file: bool,
    size: u64,
    modified: u64,
}

/// Lists a folder; `folder` is where the request's path lies.
pub(super) fn list(ex: &Exchange, settings: &Autoindex, folder: &Path) -> Result<Reply, Fault> {
    let callback = match settings.format {
        AutoindexFormat::Jsonp => callback(&ex.request.args)?,
        _ => None,
    };
    let entries = read(folder).map_err(|why| super::missing(ex, folder, &why))?;
    let (content_type, text) = match (settings.format, callback) {
        (AutoindexFormat::Html, _) => ("text/html", html(&ex.request.path, &entries, settings)),
        (AutoindexFormat::Xml, _) => ("text/xml; charset=utf-8", xml(&entries)),
        (AutoindexFormat::Jsonp, Some(name)) => {
            let text = [name, b"(", &json(&entries)[..], b");"].concat();
            ("application/javascript; charset=utf-8", text)
        }
        (AutoindexFormat::Json | AutoindexFormat::Jsonp, _) => {
            ("application/json; charset=utf-8", json(&entries))
        }
    };
    Ok(Reply {
        content_type: content_type.as_bytes().to_vec(),
        ..Reply::text(ex, 200, text)
    })
}

/// Folders first, then by name; what begins with a dot is hidden, what can't be looked at is left out.
fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().as_bytes().to_vec();
        if name.starts_with(b".") {
            continue;
        }
        // A link that leads nowhere is listed as itself.
        let meta = fs::metadata(entry.path()).or_else(|_| fs::symlink_metadata(entry.path()));
        if let Ok(meta) = meta {
            entries.push(Entry::new(name, &meta));
        }
    }
    entries.sort_by(|a, b| (!a.directory, &a.name).cmp(&(!b.directory, &b.name)));
    Ok(entries)
}

impl Entry {
    fn new(name: Vec<u8>, meta: &Metadata) -> Self {
        let modified = meta.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            name,
            directory: meta.is_dir(),
            file: meta.is_file(),
            size: meta.len(),
            modified: modified.map_or(0, |time| time.as_secs()),
        }
    }

    fn kind(&self) -> &'static str {
        match (self.directory, self.file) {
            (true, _) => "directory",
            (_, true) => "file",
            _ => "other",
        }
    }
}

/// The name that wraps the list, from the argument `callback`: letters, digits, `_` and `.` only, for it becomes code.
fn callback(args: &[u8]) -> Result<Option<&[u8]>, Fault> {
    let mut pairs = args.split(|&b| b == b'&');
    let name = pairs
        .find_map(|pair| pair.strip_prefix(b"callback="))
        .unwrap_or_default();
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    if !name.iter().all(is_part) {
        return Err(Fault::new(
            400,
            Blame::Client,
            "client sent invalid callback name",
        ));
    }
    Ok((!name.is_empty()).then_some(name))
}

/// What of a name fits into its column.
const COLUMN: usize = 50;

fn html(path: &[u8], entries: &[Entry], settings: &Autoindex) -> Vec<u8> {
    let mut title = Vec::new();
    escape_html(path, &mut title);
    let mut out = Vec::new();
    out.extend_from_slice(b"<html>\r\n<head><title>Index of ");
    out.extend_from_slice(&title);
    out.extend_from_slice(b"</title></head>\r\n<body>\r\n<h1>Index of ");
    out.extend_from_slice(&title);
    out.extend_from_slice(b"</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for entry in entries {
        html_line(entry, settings, &mut out);
    }
    out.extend_from_slice(b"</pre><hr></body>\r\n</html>\r\n");
    out
}

fn html_line(entry: &Entry, settings: &Autoindex, out: &mut Vec<u8>) {
    let slash: &[u8] = if entry.directory { b"/" } else { b"" };
    out.extend_from_slice(b"<a href=\"");
    escape_uri(&entry.name, out);
    out.extend_from_slice(slash);
    out.extend_from_slice(b"\">");
    let (shown, length) = shortened(&entry.name);
    escape_html(&shown, out);
    out.extend_from_slice(slash);
    out.extend_from_slice(b"</a>");
    let gap = (COLUMN + 1).saturating_sub(length + slash.len()).max(1);
    out.resize(out.len() + gap, b' ');
    let (time, size) = (
        day(entry.modified, settings.localtime),
        shown_size(entry, settings),
    );
    out.extend_from_slice(format!("{time} {size}\r\n").as_bytes());
}

/// A name that is too long is cut; its length counts characters, where it has any.
fn shortened(name: &[u8]) -> (Vec<u8>, usize) {
    let (starts, length) = match std::str::from_utf8(name) {
        Ok(text) => (
            text.char_indices().map(|(at, _)| at).collect(),
            text.chars().count(),
        ),
        Err(_) => ((0..name.len()).collect::<Vec<_>>(), name.len()),
    };
    if length <= COLUMN {
        return (name.to_vec(), length);
    }
    let kept = &name[..starts[COLUMN - 3]];
    ([kept, b"..>"].concat(), COLUMN)
}

/// `27-Nov-2026 18:35`
fn day(seconds: u64, local: bool) -> String {
    let time =
        jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0)).unwrap_or_default();
    let zone = if local {
        jiff::tz::TimeZone::system()
    } else {
        jiff::tz::TimeZone::UTC
    };
    time.to_zoned_datetime(zone)
        .strftime("%d-%b-%Y %H:%M")
        .to_string()
}

fn shown_size(entry: &Entry, settings: &Autoindex) -> String {
    let size = entry.size;
    if entry.directory {
        return if settings.exact_size {
            format!("{:>19}", "-")
        } else {
            format!("{:>7}", "-")
        };
    }
    if settings.exact_size {
        return format!("{size:>19}");
    }
    let rounded = |unit: u64| (size + unit / 2) / unit;
    let (count, unit) = match size {
        0..=9999 => (size, ' '),
        10_000..0x10_0000 => (rounded(1 << 10), 'K'),
        0x10_0000..0x4000_0000 => (rounded(1 << 20), 'M'),
        _ => (rounded(1 << 30), 'G'),
    };
    if unit == ' ' {
        format!("{count:>7}")
    } else {
        format!("{count:>6}{unit}")
    }
}

fn xml(entries: &[Entry]) -> Vec<u8> {
    let mut out = b"<?xml version=\"1.0\"?>\r\n<list>\r\n".to_vec();
    for entry in entries {
        let kind = entry.kind();
        let mut tag = format!("<{kind} mtime=\"{}\"", clock::utc(entry.modified));
        if entry.file {
            let _ = write!(tag, " size=\"{}\"", entry.size);
        }
        out.extend_from_slice(tag.as_bytes());
        out.push(b'>');
        escape_html(&entry.name, &mut out);
        out.extend_from_slice(format!("</{kind}>\r\n").as_bytes());
    }
    out.extend_from_slice(b"</list>\r\n");
    out
}

fn json(entries: &[Entry]) -> Vec<u8> {
    let line = |entry: &Entry| {
        let mut line = b"{ \"name\":\"".to_vec();
        log::escape_json(&entry.name, &mut line);
        let (kind, time) = (entry.kind(), clock::http_date(entry.modified));
        line.extend_from_slice(format!("\", \"type\":\"{kind}\", \"mtime\":\"{time}\"").as_bytes());
        if entry.file {
            line.extend_from_slice(format!(", \"size\":{}", entry.size).as_bytes());
        }
        line.extend_from_slice(b" }");
        line
    };
    let lines: Vec<_> = entries.iter().map(line).collect();
    [b"[\r\n", &lines.join(&b",\r\n"[..])[..], b"\r\n]"].concat()
}

fn escape_html(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            byte => out.push(byte),
        }
    }
}

/// As one part of a path: nothing in it may end the path, or the attribute that it stands in.
fn escape_uri(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u64) -> Entry {
        Entry {
            name: name.as_bytes().to_vec(),
            directory: name.ends_with("-dir"),
            file: !name.ends_with("-dir"),
            size,
            modified: 1_795_804_509,
        }
    }

    const EXACT: Autoindex = Autoindex {
        format: AutoindexFormat::Html,
        exact_size: true,
        localtime: false,
    };

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn people_get_columns() {
        let entries = [
            entry("a-dir", 0),
            entry("<b>", 42),
            entry(&"ö".repeat(51), 1),
        ];
        let page = text(html(b"/x\">/", &entries, &EXACT));
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(lines[0], "<html>");
        assert!(
            lines[3].starts_with("<h1>Index of /x&quot;&gt;/</h1><hr><pre><a href=\"../\">"),
            "{page}"
        );
        let expected = format!(
            "<a href=\"a-dir/\">a-dir/</a>{}27-Nov-2026 18:35{}-",
            " ".repeat(45),
            " ".repeat(19)
        );
        assert_eq!(lines[4], expected);
        let expected = format!(
            "<a href=\"%3Cb%3E\">&lt;b&gt;</a>{}27-Nov-2026 18:35{}42",
            " ".repeat(48),
            " ".repeat(18)
        );
        assert_eq!(lines[5], expected);
        assert!(
            lines[6].contains(&format!("{}..&gt;</a> 27-", "ö".repeat(47))),
            "{page}"
        );
    }

    #[test]
    fn programs_get_what_they_can_parse() {
        let entries = [entry("a-dir", 0), entry("q\"<\n", 42)];
        let parsed: serde_json::Value = serde_json::from_slice(&json(&entries)).expect("JSON");
        assert_eq!(parsed[0]["type"], "directory");
        assert_eq!(
            (&parsed[1]["name"], &parsed[1]["size"]),
            (&"q\"<\n".into(), &42.into())
        );
        let list = text(xml(&entries));
        assert!(
            list.contains("<file mtime=\"2026-11-27T18:35:09Z\" size=\"42\">q&quot;&lt;\n</file>"),
            "{list}"
        );
    }

    #[test]
    fn a_callback_is_a_name_and_no_code() {
        assert_eq!(
            callback(b"a=b&callback=f.g_1").ok().flatten(),
            Some(&b"f.g_1"[..])
        );
        assert_eq!(callback(b"callback=").ok().flatten(), None);
        assert_eq!(
            callback(b"callback=alert(1)").map_err(|fault| fault.status),
            Err(400)
        );
    }

    #[test]
    fn sizes_can_be_rounded() {
        let rough = Autoindex {
            exact_size: false,
            ..EXACT
        };
        let size = |size| shown_size(&entry("a", size), &rough).trim().to_owned();
        assert_eq!(
            [size(9999), size(10_000), size(5 << 20), size(3 << 30)],
            ["9999", "10K", "5M", "3G"]
        );
    }
}
