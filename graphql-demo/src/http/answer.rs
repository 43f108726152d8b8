//! Answers: status and headers for what the engine gave.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::accept::Media;
use super::visitor::Visitor;
use crate::engine::Answer;
use crate::refusal::Refusal;

/// Seconds for which anybody's cache may keep the answer to a GET.
const FRESH: HeaderValue = HeaderValue::from_static("public, max-age=60");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer with data.
pub(crate) fn executed(answer: Answer, media: Media, visitor: &Visitor) -> Response<Body> {
    let mut response = with_body(StatusCode::OK, media, answer.body);
    if let Some(cookie) = visitor.new_cookie() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// An answer to a GET, which caches may keep, and clients that have it need not get it again.
pub(crate) fn cacheable(answer: Answer, media: Media, asked: &HeaderMap) -> Response<Body> {
    let mut hasher = DefaultHasher::new();
    (answer.body.as_str(), media.content_type()).hash(&mut hasher);
    // Weak, because compression makes other bytes of it.
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let known = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let known = known.is_some_and(|tags| {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|one| one == "*" || one == tag || tag.strip_prefix("W/") == Some(one))
    });
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        with_body(StatusCode::OK, media, answer.body)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, FRESH);
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// An answer without data. Clients that take `application/json` only are from before the status meant anything: a
/// request that was well formed gets 200.
pub(crate) fn refused(refusal: &Refusal, media: Media) -> Response<Body> {
    let old = media == Media::Json && refusal.well_formed;
    let status = if old { 200 } else { refusal.status };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = with_body(status, media, refusal.body());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("GET, POST");
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// A list of answers.
pub(crate) fn batch(body: String, media: Media, visitor: &Visitor) -> Response<Body> {
    let answer = Answer {
        body,
        personal: true,
    };
    executed(answer, media, visitor)
}

fn with_body(status: StatusCode, media: Media, body: String) -> Response<Body> {
    let media = match media {
        Media::Events => Media::GraphqlResponse, // only refusals, and what is no stream
        media => media,
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}
