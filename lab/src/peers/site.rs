//! The table: one configuration and the requests to it. A request is written in short, `METHOD target [version]`,
//! then ` | Header: value` as often as wanted, then ` || body`; or as raw bytes.
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct File {
    site: Vec<Site>,
}

/// One configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) name: String,
    /// Goes into `http {}`: upstreams, further servers.
    #[serde(default)]
    pub(super) http: String,
    /// Goes into the `server {}` that listens on 8080; empty if `http` has all servers.
    #[serde(default)]
    pub(super) server: String,
    /// No rule explains a difference here.
    #[serde(default)]
    pub(super) strict: bool,
    pub(super) requests: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Row {
    Short(String),
    Long(Long),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Long {
    send: Option<String>,
    raw: Option<String>,
    /// Why ours is meant to answer otherwise.
    pub(super) differs: Option<String>,
}

/// Reads every file of the folder, in the order of their names.
pub(super) fn load(folder: &Path) -> Result<Vec<Site>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    let mut sites = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
        sites.extend(file.site);
    }
    Ok(sites)
}

impl Row {
    /// How the row is shown.
    pub(super) fn title(&self) -> &str {
        match self {
            Self::Short(send) => send,
            Self::Long(long) => long
                .send
                .as_deref()
                .or(long.raw.as_deref())
                .unwrap_or_default(),
        }
    }

    pub(super) fn differs(&self) -> Option<&str> {
        match self {
            Self::Short(_) => None,
            Self::Long(long) => long.differs.as_deref(),
        }
    }

    /// The bytes to send.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Short(send)
            | Self::Long(Long {
                send: Some(send),
                raw: None,
                ..
            }) => expand(send),
            Self::Long(Long {
                send: None,
                raw: Some(raw),
                ..
            }) => Ok(raw.clone().into_bytes()),
            Self::Long(_) => bail!("a request has either `send` or `raw`"),
        }
    }
}

/// Adds what every request needs, unless it says otherwise: Host, `Connection: close`, Content-Length of a body.
fn expand(short: &str) -> Result<Vec<u8>> {
    let (head, body) = match short.split_once(" || ") {
        Some((head, body)) => (head, Some(body)),
        None => (short, None),
    };
    let mut parts = head.split(" | ");
    let line = parts.next().context("no request line")?;
    let (line, version) = match line.rsplit_once(' ') {
        Some((start, version)) if version.starts_with("HTTP/") => (start, version),
        _ => (line, "HTTP/1.1"),
    };
    let mut headers: Vec<String> = parts.map(str::to_owned).collect();
    let named = |headers: &[String], name: &str| {
        headers
            .iter()
            .any(|header| header.to_lowercase().starts_with(&format!("{name}:")))
    };
    if !named(&headers, "host") {
        headers.insert(0, "Host: lab.test".into());
    }
    if !named(&headers, "connection") {
        headers.push("Connection: close".into());
    }
    if let Some(body) = body
        && !named(&headers, "content-length")
        && !named(&headers, "transfer-encoding")
    {
        headers.push(format!("Content-Length: {}", body.len()));
    }
    Ok(format!(
        "{line} {version}\r\n{}\r\n\r\n{}",
        headers.join("\r\n"),
        body.unwrap_or_default()
    )
    .into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_request_gets_what_every_request_needs() {
        let sent = String::from_utf8(expand("POST /a | X-A: 1 || hi").unwrap()).unwrap();
        assert_eq!(
            sent,
            "POST /a HTTP/1.1\r\nHost: lab.test\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
        );
        let old =
            String::from_utf8(expand("GET / HTTP/1.0 | Host: b | Connection: x").unwrap()).unwrap();
        assert_eq!(old, "GET / HTTP/1.0\r\nHost: b\r\nConnection: x\r\n\r\n");
    }
}
