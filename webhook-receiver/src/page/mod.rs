//! The page: one document, its scripts and styles, embedded. Everything that came from outside reaches it as JSON and
//! is put on screen as text; the policy in [`CSP`] is the second lock, should a script of ours ever forget that.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use qrcode::QrCode;
use qrcode::render::svg;

use crate::app::App;
use crate::refusal::Refusal;

/// Only our own files, nothing inline, no frames, no forms elsewhere.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// Name under /assets/, type, content.
const FILES: [(&str, &str, &str); 8] = [
    ("lab.css", CSS, service::LAB_CSS),
    ("page.css", CSS, include_str!("../../assets/page.css")),
    ("page.js", JAVASCRIPT, include_str!("../../assets/page.js")),
    ("wire.js", JAVASCRIPT, include_str!("../../assets/wire.js")),
    ("dom.js", JAVASCRIPT, include_str!("../../assets/dom.js")),
    ("list.js", JAVASCRIPT, include_str!("../../assets/list.js")),
    (
        "detail.js",
        JAVASCRIPT,
        include_str!("../../assets/detail.js"),
    ),
    (
        "panels.js",
        JAVASCRIPT,
        include_str!("../../assets/panels.js"),
    ),
];

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/",
            get(|| async {
                file(
                    "text/html; charset=utf-8",
                    include_str!("../../assets/index.html"),
                )
            }),
        )
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/assets/{name}", get(asset))
        .route("/token/{token}/qr.svg", get(qr))
}

async fn asset(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some(&(_, kind, content)) => file(kind, content),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, CSP),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // A new binary brings a new page; asking costs nothing on this machine.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}

/// The inbox's URL for a phone's camera.
async fn qr(
    State(app): State<App>,
    Path(token): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let token = app.store.token(&token).await?.ok_or(Refusal::NoToken)?;
    let nameless = || Refusal::Malformed("the request names no host".to_owned());
    let origin = app
        .trusted
        .origin(peer.ip(), &headers)
        .ok_or_else(nameless)?;
    let code = QrCode::new(format!("{origin}/{}", token.id)).map_err(|_| nameless())?;
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(180, 180)
        .build();
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CONTENT_SECURITY_POLICY, CSP),
    ];
    Ok((headers, drawn).into_response())
}
