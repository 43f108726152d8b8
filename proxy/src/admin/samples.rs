//! `GET /api/samples?after=ID`: the last finished requests in every detail (without secrets), newer than a sample that
//! the viewer has; and the credit for the next ones. `GET /api/config`: the loaded files, where those requests ended up.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Sources;
use crate::config::SourceFile;
use crate::samples::Sample;

/// In one answer, and in the time between two questions, all workers together.
const MOST: usize = 64;
const REDACTED: &str = "[redacted]";

#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

#[derive(Serialize)]
struct Answer<'a> {
    samples: Vec<&'a Sample>,
}

pub(super) async fn get(
    State(sources): State<Arc<Sources>>,
    Query(After { after }): Query<After>,
) -> Response {
    let rings = sources.counters.rings();
    let credit = u32::try_from(MOST / rings.len().max(1)).unwrap_or(1).max(4);
    let mut found = Vec::new();
    for ring in rings {
        ring.grant(credit);
        found.extend(ring.after(after));
    }
    found.sort_unstable_by_key(|sample| sample.id);
    let newest = found.len().saturating_sub(MOST);
    let samples = found[newest..].iter().map(AsRef::as_ref).collect();
    compact(&Answer { samples })
}

/// For programs, twice a second: without indentation.
fn compact(value: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    let json = serde_json::to_string(value).expect("samples have only string keys");
    (headers, json).into_response()
}

#[derive(Serialize)]
struct Loaded {
    generation: u64,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    path: String,
    text: String,
}

pub(super) async fn config(State(sources): State<Arc<Sources>>) -> Response {
    let view = (sources.view)();
    let file = |file: &Arc<SourceFile>| File {
        path: file.path.display().to_string(),
        text: without_secrets(&file.text),
    };
    compact(&Loaded {
        generation: view.generation,
        files: view.files.iter().map(file).collect(),
    })
}

/// The arguments of directives that hold a secret are not shown.
fn without_secrets(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let code = line.trim_start();
        let word = code.split_whitespace().next().unwrap_or_default();
        let header = code.split_whitespace().nth(1).unwrap_or_default();
        let is_secret = match word {
            "secure_link_md5" | "secure_link_secret" => true,
            "proxy_set_header" | "add_header" => {
                let name = header.trim_matches(['"', '\'']).to_ascii_lowercase();
                ["authorization", "cookie", "token", "api-key", "secret"]
                    .iter()
                    .any(|part| name.contains(part))
                    && !code.contains('$')
            }
            _ => false,
        };
        if is_secret {
            let indent = &line[..line.len() - code.len()];
            let name = if word.ends_with("header") { header } else { "" };
            format!("{indent}{word} {name} {REDACTED};").replace("  [", " [")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_file_keeps_its_lines_and_loses_its_secrets() {
        let text = "server {\n  secure_link_md5 \"$uri hunter2\";\n  proxy_set_header Authorization \"Basic abc\";\n  \
                    proxy_set_header Cookie $http_cookie;\n  listen 80;\n}\n";
        let shown = without_secrets(text);
        let expected = "server {\n  secure_link_md5 [redacted];\n  proxy_set_header Authorization [redacted];\n  \
                        proxy_set_header Cookie $http_cookie;\n  listen 80;\n}\n";
        assert_eq!(shown, expected);
    }
}
