//! An answer of our own: a page, a redirect, a text of `return`, a file.

use std::fs::File;

use super::reason;
use crate::exchange::Exchange;

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Vec<u8>,
    pub(crate) location: Option<Vec<u8>>,
    /// Seconds since 1970.
    pub(crate) last_modified: Option<u64>,
    pub(crate) etag: Option<String>,
    /// The length of what there is, of a 416.
    pub(crate) content_range: Option<String>,
    /// The content is in gzip's format.
    pub(crate) gzipped: bool,
    /// Another client may get it otherwise encoded.
    pub(crate) varies: bool,
    pub(crate) content: Content,
}

#[derive(Debug, Default)]
pub(crate) enum Content {
    #[default]
    Empty,
    Bytes(Vec<u8>),
    /// What lies in a file from `start` on.
    File {
        file: File,
        start: u64,
        length: u64,
    },
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

impl Reply {
    /// The text of a `return`, in the location's type.
    pub(crate) fn text(ex: &Exchange, status: u16, text: Vec<u8>) -> Self {
        Self {
            status,
            content_type: crate::content::content_type(ex),
            location: None,
            last_modified: None,
            etag: None,
            content_range: None,
            gzipped: false,
            varies: false,
            content: Content::Bytes(text),
        }
    }

    /// Our page for a status.
    pub(crate) fn error(ex: &Exchange, status: u16) -> Self {
        let page = page(status, ex.location.client.server_tokens);
        let content_type: &[u8] = if page.is_empty() { b"" } else { b"text/html" };
        Self {
            // 494 to 497 are nginx's own; the client sees a 400.
            status: if matches!(status, 494..=497) {
                400
            } else {
                status
            },
            content_type: content_type.to_vec(),
            location: None,
            last_modified: None,
            etag: None,
            content_range: ex
                .unsatisfied
                .filter(|_| status == 416)
                .map(|total| format!("bytes */{total}")),
            gzipped: false,
            varies: false,
            content: Content::Bytes(page.into_bytes()),
        }
    }

    /// A redirect; an address without a host is completed as `absolute_redirect` says.
    pub(crate) fn redirect(ex: &Exchange, status: u16, target: Vec<u8>) -> Self {
        let location = if target.starts_with(b"/") {
            complete(ex, &target)
        } else {
            target
        };
        Self {
            location: Some(location),
            ..Self::error(ex, status)
        }
    }
}

fn page(status: u16, tokens: bool) -> String {
    if reason::phrase(status).is_empty() && !matches!(status, 494..=497) {
        return String::new();
    }
    let title = reason::title(status);
    // nginx's own statuses of 400 say below the heading what is the matter.
    let (heading, detail) = match title.split_at_checked(4) {
        Some((_, detail)) if (494..=497).contains(&status) => {
            ("400 Bad Request", format!("<center>{detail}</center>\r\n"))
        }
        _ => (title.as_str(), String::new()),
    };
    let server = if tokens {
        crate::cli::SERVER
    } else {
        crate::cli::NAME
    };
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{heading}</h1></center>\r\n\
         {detail}<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// `http://host:port/path` from a path (nginx: `absolute_redirect`, `server_name_in_redirect`,
/// `port_in_redirect`).
pub(crate) fn complete(ex: &Exchange, path: &[u8]) -> Vec<u8> {
    let rules = ex.location.redirects;
    if !rules.absolute {
        return path.to_vec();
    }
    let secure = ex.connection.security.tls().is_some();
    let mut url = if secure {
        b"https://".to_vec()
    } else {
        b"http://".to_vec()
    };
    let own = if secure { 443 } else { 80 };
    if rules.server_name {
        url.extend_from_slice(ex.server.name.as_bytes());
    } else if ex.request.host.is_empty() {
        match ex.connection.local() {
            Some(local) => url.extend_from_slice(local.ip().to_string().as_bytes()),
            None => url.extend_from_slice(ex.host()),
        }
    } else {
        url.extend_from_slice(&ex.request.host);
    }
    let port = ex.connection.local().map(|local| local.port());
    if let Some(port) = port.filter(|&port| rules.port && port != own) {
        url.extend_from_slice(format!(":{port}").as_bytes());
    }
    url.extend_from_slice(path);
    url
}
