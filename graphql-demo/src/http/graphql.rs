//! The path of one request to `/graphql`: rate limit, method, WebSocket or not, media types, operations, answer.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::accept::Media;
use super::incoming::{Body as Sent, body, parameters};
use super::rate::{RateLimit, Verdict};
use super::visitor::Visitor;
use super::{Shared, answer, events, websocket};
use crate::engine::{Caller, Operation};
use crate::refusal::Refusal;

/// Bytes of a request's body.
const MAX_BODY: usize = 256 * 1024;

/// Answers any request to an endpoint.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    limit: Option<Arc<RateLimit>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let client = shared.trusted.client(peer.ip(), request.headers());
    let take = |count| {
        let limit = limit.as_ref()?;
        Some(limit.take(client, count, Instant::now()))
    };
    let mut verdict = take(1);
    let media = Media::for_headers(request.headers());
    let refusal_media = media.unwrap_or(Media::Json);
    let answered = match refused(verdict) {
        Some(refusal) => Err(refusal),
        None => {
            let more = |count| {
                let second = take(count);
                verdict = second.or(verdict);
                refused(second)
            };
            respond(&shared, media, request, more).await
        }
    };
    let mut response = answered.unwrap_or_else(|refusal| answer::refused(&refusal, refusal_media));
    if let Some(verdict) = verdict {
        verdict.headers(response.headers_mut());
    }
    response
}

fn refused(verdict: Option<Verdict>) -> Option<Refusal> {
    let verdict = verdict.filter(|verdict| !verdict.passes)?;
    let seconds = verdict.retry_after;
    let text = format!("Too many requests from your address: try again in {seconds} s.");
    Some(Refusal::http(429, "RATE_LIMITED", text))
}

/// `more` takes tokens for operations after the first and says why there are none.
async fn respond(
    shared: &Arc<Shared>,
    media: Option<Media>,
    request: Request,
    more: impl FnOnce(usize) -> Option<Refusal>,
) -> Result<Response<Body>, Refusal> {
    if request.headers().contains_key(UPGRADE) && request.method() == Method::GET {
        return websocket::upgrade(Arc::clone(shared), request).await;
    }
    let (mut parts, body_stream) = request.into_parts();
    let sent = match parts.method {
        Method::GET | Method::HEAD => {
            let sent = parameters(&parts.uri)?;
            if sent.is_empty() && wants_page(&parts.headers) {
                return Ok(to_page());
            }
            Sent::Single(sent)
        }
        Method::POST => {
            json_only(&parts.headers)?;
            body(&read(body_stream).await?)?
        }
        _ => {
            let text = "GraphQL needs GET or POST.";
            return Err(Refusal::http(405, "METHOD_NOT_ALLOWED", text));
        }
    };
    let media = media.ok_or_else(|| {
        let text = "Accept application/graphql-response+json or application/json.";
        Refusal::http(406, "NOT_ACCEPTABLE", text)
    })?;
    let caller = caller(&mut parts);
    match sent {
        Sent::Single(sent) => {
            let operation = sent.operation(&shared.persisted)?;
            single(shared, &operation, caller, media, &parts.headers).await
        }
        Sent::Batch(batch) => {
            if let Some(refusal) = (batch.len() > 1).then(|| more(batch.len() - 1)).flatten() {
                return Err(refusal);
            }
            let mut body = String::new();
            for (index, sent) in batch.into_iter().enumerate() {
                body.push(if index == 0 { '[' } else { ',' });
                let answered = match sent.operation(&shared.persisted) {
                    Ok(operation) => shared.engine.execute(&operation, &caller).await,
                    Err(refusal) => Err(refusal),
                };
                let _ = match answered {
                    Ok(answer) => body.write_str(&answer.body),
                    Err(refusal) => body.write_str(&refusal.body()),
                };
            }
            body.push(']');
            Ok(answer::batch(body, media, &caller.visitor))
        }
    }
}

async fn single(
    shared: &Arc<Shared>,
    operation: &Operation,
    caller: Caller,
    media: Media,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    if media == Media::Events {
        return Ok(events::stream(shared, operation, &caller).await);
    }
    let answer = shared.engine.execute(operation, &caller).await?;
    if caller.read_only && !answer.personal {
        return Ok(answer::cacheable(answer, media, headers));
    }
    Ok(answer::executed(answer, media, &caller.visitor))
}

/// `?loader=off` turns batching off, and any `loader` asks for the count of look-ups.
fn caller(parts: &mut Parts) -> Caller {
    let query = parts.uri.query().unwrap_or_default();
    let mut loader = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("loader="));
    let loader = loader.next();
    Caller {
        visitor: Visitor::from_headers(&parts.headers),
        batching: loader != Some("off"),
        show_lookups: loader.is_some(),
        read_only: parts.method != Method::POST,
    }
}

/// A form of another site can send any text, but not JSON as what it is: browsers ask us first (CORS), and we refuse.
fn json_only(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or_default());
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| {
        let media = media.to_ascii_lowercase();
        media == "application/json" || media == "application/graphql+json"
    });
    let utf8 = parts
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    if is_json && utf8 {
        return Ok(());
    }
    let text = "Send the header `Content-Type: application/json`.";
    Err(Refusal::http(415, "UNSUPPORTED_MEDIA_TYPE", text))
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, MAX_BODY).await.map_err(|_| {
        let text = format!("The body can't be read, or is longer than {MAX_BODY} bytes.");
        Refusal::http(413, "CONTENT_TOO_LARGE", text)
    })
}

/// A browser that somebody typed our address into.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn to_page() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("/"));
    response
}
