//! Files that a page loads: kept in memory, each with a strong ETag, and compressed beforehand where the collection
//! holds it so. A URL that carries the file's version may be kept forever; without it the browser asks again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// What graphiql/collect.mjs leaves in the folder, beside the compressed forms.
pub(crate) const GRAPHIQL_FILES: [&str; 6] = [
    "react.js",
    "react-dom.js",
    "graphiql.js",
    "graphiql.css",
    "graphql-ws.js",
    "LICENSES.txt",
];

const EMBEDDED: [(&str, &str); 7] = [
    ("lab.css", service::LAB_CSS),
    ("page.css", include_str!("../../assets/page.css")),
    ("start.js", include_str!("../../assets/start.js")),
    ("plain.js", include_str!("../../assets/plain.js")),
    ("beside.js", include_str!("../../assets/beside.js")),
    (
        "soap-request.xml",
        include_str!("../../assets/soap-request.xml"),
    ),
    (
        "soap-answer.xml",
        include_str!("../../assets/soap-answer.xml"),
    ),
];

/// Why GraphiQL cannot be served from a folder.
#[derive(Debug, thiserror::Error)]
#[error("GraphiQL's files are not all there: {path}")]
pub(crate) struct PageError {
    path: PathBuf,
    source: io::Error,
}

/// A folder of files, by name.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<&'static str, PageFile>);

impl Files {
    /// Those inside this binary.
    pub(super) fn embedded() -> Self {
        let file = |(name, text): (&'static str, &'static str)| {
            (
                name,
                PageFile::new(content_type(name), Bytes::from_static(text.as_bytes())),
            )
        };
        Self(EMBEDDED.into_iter().map(file).collect())
    }

    /// GraphiQL's, from a folder that graphiql/collect.mjs filled.
    pub(super) fn graphiql(folder: &Path) -> Result<Self, PageError> {
        let file = |name| Ok((name, PageFile::read(folder, name)?));
        GRAPHIQL_FILES
            .into_iter()
            .map(file)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// `name?v` in a page becomes `name?v=` and the version, so that a new version is a new URL.
    pub(super) fn with_versions(&self, html: &str) -> String {
        self.0.iter().fold(html.to_owned(), |html, (name, file)| {
            html.replace(
                &format!("/{name}?v\""),
                &format!("/{name}?v={}\"", file.version),
            )
        })
    }

    pub(super) fn answer(&self, name: &str, query: Option<&str>, headers: &HeaderMap) -> Response {
        let Some(file) = self.0.get(name) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let forever = query.and_then(|query| query.strip_prefix("v=")) == Some(&file.version);
        file.answer(headers, forever)
    }
}

/// One file, in up to three encodings.
#[derive(Debug)]
pub(super) struct PageFile {
    content_type: &'static str,
    /// The first digits of the content's SHA-256.
    version: String,
    plain: Bytes,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
}

impl PageFile {
    pub(super) fn new(content_type: &'static str, plain: Bytes) -> Self {
        let digest = Sha256::digest(&plain);
        let version = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            content_type,
            version,
            plain,
            gzip: None,
            brotli: None,
        }
    }

    fn read(folder: &Path, name: &str) -> Result<Self, PageError> {
        let path = folder.join(name);
        let plain = fs::read(&path).map_err(|source| PageError { path, source })?;
        // A collection without the compressed forms only costs bytes on the wire.
        let packed = |suffix: &str| fs::read(folder.join(format!("{name}.{suffix}"))).ok();
        let mut file = Self::new(content_type(name), plain.into());
        file.gzip = packed("gz").map(Bytes::from);
        file.brotli = packed("br").map(Bytes::from);
        Ok(file)
    }

    /// The smallest form that the client takes, or 304 if it has that one already.
    pub(super) fn answer(&self, headers: &HeaderMap, forever: bool) -> Response {
        let (encoding, bytes) = self.form_for(headers);
        // Other bytes need another tag, or a cache would join halves of two encodings.
        let etag = match encoding {
            Some(encoding) => format!("\"{}-{encoding}\"", self.version),
            None => format!("\"{}\"", self.version),
        };
        let keep = if forever {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let known = headers
            .get(IF_NONE_MATCH)
            .and_then(|known| known.to_str().ok())
            .is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag));
        let mut answer = Response::builder()
            .header(ETAG, etag)
            .header(CACHE_CONTROL, keep)
            .header(VARY, ACCEPT_ENCODING);
        if known {
            answer = answer.status(StatusCode::NOT_MODIFIED);
        } else {
            answer = answer.header(CONTENT_TYPE, self.content_type);
            if let Some(encoding) = encoding {
                answer = answer.header(CONTENT_ENCODING, encoding);
            }
        }
        let body = if known { Bytes::new() } else { bytes.clone() };
        answer
            .body(Body::from(body))
            .expect("these headers are plain ASCII")
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.plain).expect("a page is text")
    }

    fn form_for(&self, headers: &HeaderMap) -> (Option<&'static str>, &Bytes) {
        let packed = [("br", &self.brotli), ("gzip", &self.gzip)];
        packed
            .into_iter()
            .filter(|(name, _)| takes(headers, name))
            .find_map(|(name, bytes)| Some((Some(name), bytes.as_ref()?)))
            .unwrap_or((None, &self.plain))
    }
}

/// Is the encoding named in Accept-Encoding, and not with a weight of zero?
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            let zero = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
            name.trim().eq_ignore_ascii_case(encoding) && !zero
        })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "xml")) => "text/xml; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}
