//! The page: GraphiQL if its files were given, else a plain form of our own; beside it the same question over
//! REST-style JSON and SOAP. Takes GET requests for the page and what it loads, all of it from this origin.

mod files;
mod rest;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as PathPart, RawQuery, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(crate) use files::PageError;
use files::{Files, PageFile};

const FRAME: &str = include_str!("../../assets/page.html");
const PLAIN: &str = include_str!("../../assets/plain.html");
const GRAPHIQL: &str = include_str!("../../assets/graphiql.html");

/// Everything from here, nothing inline: what a page with no foreign code can promise.
const PLAIN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// GraphiQL brings its fonts as data and writes styles while it runs; scripts are still only ours.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     connect-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// All that the page's routes serve, in memory.
pub(crate) struct Page {
    plain: PageFile,
    graphiql: Option<PageFile>,
    /// Of this crate: styles, scripts, the recorded SOAP exchange.
    assets: Files,
    /// Of npm, as graphiql/collect.mjs left them.
    explorer: Files,
}

impl Page {
    /// Reads GraphiQL's files from `folder`; without one, the page is the plain one.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, PageError> {
        let assets = Files::embedded();
        let explorer = folder.map(Files::graphiql).transpose()?;
        let page = |part: &str, explorer: &Files| {
            let html = FRAME.replace("<!-- explorer -->", part);
            let html = explorer.with_versions(&assets.with_versions(&html));
            PageFile::new("text/html; charset=utf-8", Bytes::from(html))
        };
        Ok(Self {
            plain: page(PLAIN, &Files::default()),
            graphiql: explorer.as_ref().map(|files| page(GRAPHIQL, files)),
            assets,
            explorer: explorer.unwrap_or_default(),
        })
    }
}

/// The page, its files, and the REST-style API that it compares with.
pub(crate) fn routes(page: Arc<Page>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/plain", get(plain))
        .route("/assets/{name}", get(asset))
        .route("/graphiql/{name}", get(explorer))
        .route("/favicon.ico", get(StatusCode::NO_CONTENT))
        .with_state(page)
        .merge(rest::routes())
}

async fn index(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    match &page.graphiql {
        Some(graphiql) => guarded(graphiql.answer(&headers, false), GRAPHIQL_POLICY),
        None => guarded(page.plain.answer(&headers, false), PLAIN_POLICY),
    }
}

async fn plain(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    guarded(page.plain.answer(&headers, false), PLAIN_POLICY)
}

async fn asset(
    State(page): State<Arc<Page>>,
    PathPart(name): PathPart<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    page.assets.answer(&name, query.as_deref(), &headers)
}

async fn explorer(
    State(page): State<Arc<Page>>,
    PathPart(name): PathPart<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    page.explorer.answer(&name, query.as_deref(), &headers)
}

fn guarded(page: Response, policy: &'static str) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, page).into_response()
}

#[cfg(test)]
mod tests;
