//! The admin listener: what the proxy knows of itself, for people (`/`), programs (`/api/status`) and Prometheus
//! (`/metrics`), and the few changes that need no new file (`change`, for those whom `writers` lets).
//!
//! It runs on the control runtime: a slow reader of a page costs no worker anything.

mod change;
mod counters;
mod guard;
mod load;
mod metrics;
mod page;
mod samples;
mod services;
mod status;
mod writers;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Router, middleware};
use service::Shutdown;
use tokio::net::TcpListener;

pub(crate) use counters::{Counters, WorkerCounters, totals};
pub(crate) use load::Load;
pub(crate) use services::Port;
pub(crate) use writers::Writers;

use crate::cache::Zone;
use crate::config::SourceFile;
use crate::limit::Zones;
use crate::upstream::Upstream;

/// How long a reader of a page may take after the shutdown.
const DRAIN: Duration = Duration::from_secs(1);

/// Where the admin pages get what they show.
pub(crate) struct Sources {
    pub(crate) counters: Arc<Counters>,
    /// Asked anew for each page: a reload changes the answer.
    pub(crate) view: Box<dyn Fn() -> View + Send + Sync>,
    pub(crate) started: SystemTime,
    pub(crate) writers: Writers,
    pub(crate) load: Load,
}

/// The configuration that serves now, as far as it is shown.
#[derive(Debug)]
pub(crate) struct View {
    /// 1 at the start, one more with each reload.
    pub(crate) generation: u64,
    pub(crate) loaded: SystemTime,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// What `proxy_cache_path` defines.
    pub(crate) caches: Vec<Arc<Zone>>,
    /// What `limit_req_zone` and `limit_conn_zone` define.
    pub(crate) limits: Zones,
    /// The ports that `server {}` blocks listen on.
    pub(crate) ports: Vec<Port>,
    /// The files that were read.
    pub(crate) files: Vec<Arc<SourceFile>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// Serves until `shutdown`.
pub(crate) async fn run(listener: TcpListener, sources: Sources, shutdown: Shutdown) {
    service::serve(listener, router(sources), shutdown, DRAIN).await;
}

fn router(sources: Sources) -> Router {
    page::add_to(Router::new())
        .route("/api/status", get(status_api))
        .route("/api/samples", get(samples::get))
        .route("/api/config", get(samples::config))
        .route("/api/reset", post(change::reset))
        .route("/api/load", post(change::load))
        .route(
            "/api/upstreams/{upstream}",
            patch(change::upstream).post(change::upstream),
        )
        .route(
            "/api/upstreams/{upstream}/peers/{server}",
            patch(change::peer).post(change::peer),
        )
        .route("/metrics", get(prometheus))
        .route(
            "/healthz",
            get(|| page::answer("text/plain; charset=utf-8", "ok\n")),
        )
        .layer(middleware::from_fn(guard::protect))
        .with_state(Arc::new(sources))
}

/// Indented, as most readers are people with curl.
async fn status_api(State(sources): State<Arc<Sources>>) -> Response {
    json(&status::Status::new(
        &sources,
        Instant::now(),
        SystemTime::now(),
    ))
}

fn json(value: &impl serde::Serialize) -> Response {
    let mut json = serde_json::to_string_pretty(value).expect("a status has only string keys");
    json.push('\n');
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
        ],
        json,
    )
        .into_response()
}

async fn prometheus(State(sources): State<Arc<Sources>>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics::write(&sources),
    )
        .into_response()
}

#[cfg(test)]
mod tests;
