//! GraphQL over HTTP, by the GraphQL over HTTP specification: our own layer, because async-graphql-axum's answers
//! every request with 200 and takes requests that another site's form can send.

mod accept;
mod answer;
mod events;
mod graphql;
mod incoming;
mod rate;
mod visitor;
mod websocket;

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{any, get};
use service::{Shutdown, TrustedProxies};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::engine::Engine;
pub(crate) use incoming::{Persisted, only_operation};
use rate::RateLimit;
pub(crate) use visitor::Visitor;

/// Requests that one address may send to `/limited/graphql` before it has to wait.
const LIMITED: NonZeroU32 = NonZeroU32::new(50).expect("not zero");
/// Smaller answers are not worth compressing.
const COMPRESS_ABOVE: u64 = 1024;

/// What the handlers share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) trusted: TrustedProxies,
    pub(crate) persisted: Persisted,
    pub(crate) shutdown: Shutdown,
}

/// `/graphql` and what belongs to it.
pub(crate) fn routes(
    trusted: TrustedProxies,
    rate_limit: Option<NonZeroU32>,
    shutdown: Shutdown,
) -> Router {
    let shared = Arc::new(Shared {
        engine: Engine::new(),
        trusted,
        persisted: Persisted::default(),
        shutdown,
    });
    let endpoint = |limit: Option<NonZeroU32>| {
        let shared = Arc::clone(&shared);
        let limit = limit.map(RateLimit::new).map(Arc::new);
        any(move |peer, request| graphql::handle(shared, limit, peer, request))
    };
    let sdl: Arc<str> = shared.engine.sdl().into();
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "max-age=60"),
    ];
    let worth_it = SizeAbove::new(COMPRESS_ABOVE).and(NotForContentType::SSE);
    Router::new()
        .route("/graphql", endpoint(rate_limit))
        .route("/limited/graphql", endpoint(Some(LIMITED)))
        .route(
            "/schema.graphql",
            get(async move || (headers, sdl.to_string())),
        )
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(worth_it),
        )
}
