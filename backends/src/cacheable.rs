//! Samples that a cache may keep: each with another Cache-Control, all with ETag and Last-Modified, and 304 for who
//! has the current one already (RFC 9110, section 13).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::identity::text;
use crate::{Backend, Shared};

struct Sample {
    name: &'static str,
    media_type: &'static str,
    cache_control: &'static str,
    body: &'static str,
}

const SAMPLES: [Sample; 5] = [
    sample(
        "minute.txt",
        "text/plain; charset=utf-8",
        "public, max-age=60",
        "Anybody may keep me for a minute.\n",
    ),
    sample(
        "forever.css",
        "text/css",
        "public, max-age=31536000, immutable",
        "body { color: rebeccapurple }\n",
    ),
    sample(
        "check.html",
        "text/html; charset=utf-8",
        "no-cache",
        "<p>Keep me, but ask before you use me.</p>\n",
    ),
    sample(
        "mine.json",
        "application/json",
        "private, max-age=60",
        "{ \"keep\": \"only in my own browser\" }\n",
    ),
    sample(
        "never.txt",
        "text/plain; charset=utf-8",
        "no-store",
        "Nobody may keep me.\n",
    ),
];
/// Its body says how often it was asked for: behind a cache, the number stands still for five seconds.
const COUNTER: Sample = sample(
    "counter.txt",
    "text/plain; charset=utf-8",
    "public, max-age=5",
    "",
);

const fn sample(
    name: &'static str,
    media_type: &'static str,
    cache_control: &'static str,
    body: &'static str,
) -> Sample {
    Sample {
        name,
        media_type,
        cache_control,
        body,
    }
}

/// What there is, one line each.
pub(crate) async fn list() -> Response {
    let line = |sample: &Sample| {
        format!(
            "/files/{:12} Cache-Control: {}\n",
            sample.name, sample.cache_control
        )
    };
    text(
        SAMPLES
            .iter()
            .chain([&COUNTER])
            .map(line)
            .collect::<String>(),
    )
}

pub(crate) async fn file(
    State(backend): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if name == COUNTER.name {
        return answer(&COUNTER, count(&backend), SystemTime::now(), &headers);
    }
    match SAMPLES.iter().find(|sample| sample.name == name) {
        Some(sample) => answer(sample, sample.body.to_owned(), written(), &headers),
        None => (
            StatusCode::NOT_FOUND,
            "no such sample; /files/ lists them\n",
        )
            .into_response(),
    }
}

fn count(backend: &Backend) -> String {
    let fetches = backend.fetches.fetch_add(1, Ordering::Relaxed) + 1;
    format!("{} was asked for this {fetches} times.\n", backend.name)
}

/// When the samples were last changed: 2026-01-01, the same on every backend, as it must be behind one proxy.
fn written() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn answer(sample: &Sample, body: String, modified: SystemTime, request: &HeaderMap) -> Response {
    let etag = etag(&body);
    let headers = [
        (CONTENT_TYPE, sample.media_type.to_owned()),
        (CACHE_CONTROL, sample.cache_control.to_owned()),
        (LAST_MODIFIED, httpdate::fmt_http_date(modified)),
        (ETAG, etag.clone()),
    ];
    match has_current(request, &etag, modified) {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, body).into_response(),
    }
}

/// Equal bodies have equal tags, on every backend and after a restart.
fn etag(body: &str) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// If-None-Match decides alone when it is there; If-Modified-Since counts only without it.
fn has_current(request: &HeaderMap, etag: &str, modified: SystemTime) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let tags = request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut tags = tags.flat_map(|value| value.split(',')).map(str::trim);
        return tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    }
    let since = request
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok());
    let since = since.and_then(|date| httpdate::parse_http_date(date).ok());
    since.is_some_and(|since| modified <= since)
}
