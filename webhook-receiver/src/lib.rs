//! Receives webhooks, keeps them, shows them, forwards them.
//!
//! [`run`] serves until the shutdown.

pub mod sender;
pub mod signature;
pub mod target;

use std::time::Duration;

use axum::Router;
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
}

/// Serves on `listener` until `shutdown`.
pub async fn run(listener: TcpListener, config: Config, shutdown: Shutdown) {
    let app = Router::new().route("/healthz", get(|| async { "ok\n" }));
    tracing::debug!(?config, "serving");
    service::serve(listener, app, shutdown, DRAIN).await;
}
