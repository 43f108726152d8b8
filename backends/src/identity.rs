//! Who answers, and how the request arrived here: what the proxy changed on the way is seen by comparing.

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use nix::unistd::gethostname;
use serde::Serialize;

use crate::wire::{Arrival, Head};
use crate::{Backend, Shared};

/// What `/whoami` says, one line of JSON for each fact and each header.
#[derive(Serialize)]
struct Whoami<'a> {
    name: &'a str,
    pid: u32,
    /// The machine or container, not the request's `Host`.
    host: String,
    /// Who connected: behind a proxy, that is the proxy.
    peer: String,
    method: &'a str,
    target: String,
    version: String,
    /// `Name: value`, with the case, the order and the repetitions that arrived.
    headers: Vec<String>,
}

impl Backend {
    // ANCHOR: greet
    /// `Hello from Server 1!`, with no newline, as the module's client expects it.
    pub(crate) fn greet(&self) -> Response {
        text(self.greeting.clone())
    }
    // ANCHOR_END: greet
}

pub(crate) fn text(body: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

pub(crate) async fn hello(State(backend): Shared) -> Response {
    backend.greet()
}

pub(crate) async fn whoami(
    State(backend): Shared,
    ConnectInfo(arrival): ConnectInfo<Arrival>,
    request: Parts,
) -> Response {
    let whoami = Whoami {
        name: &backend.name,
        pid: std::process::id(),
        host: gethostname()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        peer: arrival.peer.to_string(),
        method: request.method.as_str(),
        target: request.uri.to_string(),
        version: format!("{:?}", request.version),
        headers: arrival.head(&request).lines,
    };
    let mut json =
        serde_json::to_string_pretty(&whoami).expect("strings and numbers are always JSON");
    json.push('\n');
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// The request back as text: request line, headers, an empty line, the body.
pub(crate) async fn echo(
    ConnectInfo(arrival): ConnectInfo<Arrival>,
    request: Parts,
    body: Bytes,
) -> Response {
    let Head {
        request_line,
        lines,
    } = arrival.head(&request);
    let mut echo = format!("{request_line}\n{}\n\n", lines.join("\n")).into_bytes();
    echo.extend_from_slice(&body);
    text(echo)
}
