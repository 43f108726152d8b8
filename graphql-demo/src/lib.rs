//! The public Countries GraphQL API, and a page to explore it.
//!
//! [`run`] serves until the shutdown.

mod direct;
mod document;
mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod json;
mod lookups;
mod page;
mod refusal;
mod schema;
mod stock;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use service::{Shutdown, TrustedProxies};
use tokio::net::TcpListener;

/// How long requests in flight may take after a shutdown; `docker stop` kills after 10 s.
const DRAIN: Duration = Duration::from_secs(8);

/// What the command line decides.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Whose word about the client's address and our own is taken.
    pub trusted: TrustedProxies,
    /// The folder with GraphiQL's files.
    pub graphiql: Option<PathBuf>,
    /// Requests that one client address may send to `/graphql` in a burst, and within a minute after.
    pub rate_limit: Option<NonZeroU32>,
    /// Serve the schema by async-graphql-axum too, at `/stock/graphql`, to compare.
    pub stock: bool,
}

/// Serves on `listener` until `shutdown`.
pub async fn run(listener: TcpListener, config: Config, shutdown: Shutdown) {
    let page = page::Page::load(config.graphiql.as_deref()).unwrap_or_else(|error| {
        tracing::warn!(%error, "the plain page it is");
        page::Page::load(None).expect("nothing to read")
    });
    tracing::debug!(?config, "serving");
    countries::facts(); // parsed now, not in somebody's first request
    let mut app = http::routes(config.trusted, config.rate_limit, shutdown.clone())
        .route("/healthz", get(async || "ok\n"))
        .merge(page::routes(Arc::new(page)));
    if config.stock {
        app = app.merge(stock::routes());
    }
    service::serve(listener, app, shutdown, DRAIN).await;
}
