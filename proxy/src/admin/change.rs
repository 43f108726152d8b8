//! `PATCH` (or `POST`) `/api/upstreams/UPSTREAM` and `/api/upstreams/UPSTREAM/peers/SERVER`: the changes that can be
//! made without editing the file. Answers with the upstream as it is afterwards, or with `{"error": "..."}`.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::load::{self, LoadError};
use super::{Sources, status};
use crate::upstream::{Order, OrderError, Upstream};

/// A change is a few words.
const MAX_BODY: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerChange {
    state: Option<Order>,
    weight: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpstreamChange {
    method: String,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Guard(&'static str, StatusCode),
    #[error("there is no upstream {0:?}")]
    NoUpstream(String),
    #[error("{0}")]
    Body(String),
    #[error("{0}")]
    Order(#[from] OrderError),
    #[error("{0}")]
    Load(#[from] LoadError),
}

/// `{}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn peer(
    State(sources): State<Arc<Sources>>,
    Path((upstream, server)): Path<(String, String)>,
    request: Request,
) -> Response {
    let change = async {
        let change: PeerChange = read(&sources, request).await?;
        if change.state.is_none() && change.weight.is_none() {
            return Err(Refused::Body(
                "say \"state\", \"weight\" or both".to_owned(),
            ));
        }
        let upstream = find(&sources, upstream)?;
        upstream.order(&server, change.state, change.weight, Instant::now())?;
        tracing::info!(upstream = upstream.name(), server, ?change, "changed");
        Ok(upstream)
    };
    answer(change.await)
}

pub(super) async fn upstream(
    State(sources): State<Arc<Sources>>,
    Path(upstream): Path<String>,
    request: Request,
) -> Response {
    let change = async {
        let change: UpstreamChange = read(&sources, request).await?;
        let upstream = find(&sources, upstream)?;
        upstream.change_method(&change.method)?;
        tracing::info!(upstream = upstream.name(), ?change, "changed");
        Ok(upstream)
    };
    answer(change.await)
}

/// Begins to count anew, everywhere.
pub(super) async fn reset(State(sources): State<Arc<Sources>>, request: Request) -> Response {
    if let Err(refused) = read::<Nothing>(&sources, request).await {
        return refusal(&refused);
    }
    sources.counters.reset();
    let view = (sources.view)();
    view.limits.reset_counters();
    for upstream in view.upstreams {
        upstream.reset_counters();
    }
    tracing::info!("counters are reset");
    done()
}

pub(super) async fn load(State(sources): State<Arc<Sources>>, request: Request) -> Response {
    let started = async {
        let order: load::Order = read(&sources, request).await?;
        let ports = (sources.view)().ports;
        let plain = |port: u16| {
            let mut ports = ports.iter().filter(|known| !known.tls);
            Some(ports.find(|known| known.written == port)?.bound)
        };
        sources.load.start(&order, plain)?;
        tracing::info!(?order, "sending");
        Ok(())
    };
    match started.await {
        Ok(()) => done(),
        Err(refused) => refusal(&refused),
    }
}

fn done() -> Response {
    super::json(&serde_json::json!({"done": true}))
}

async fn read<T: DeserializeOwned>(sources: &Sources, request: Request) -> Result<T, Refused> {
    let checked = sources.writers.check(&request);
    checked.map_err(|(status, why)| Refused::Guard(why, status))?;
    let body = to_bytes(request.into_body(), MAX_BODY).await;
    let body = body.map_err(|_| Refused::Body("the body is too long, or broke off".to_owned()))?;
    serde_json::from_slice(&body).map_err(|why| Refused::Body(why.to_string()))
}

fn find(sources: &Sources, name: String) -> Result<Arc<Upstream>, Refused> {
    let upstreams = (sources.view)().upstreams;
    let found = upstreams
        .into_iter()
        .find(|upstream| upstream.name() == name);
    found.ok_or(Refused::NoUpstream(name))
}

fn answer(changed: Result<Arc<Upstream>, Refused>) -> Response {
    match changed {
        Ok(upstream) => {
            let (steady, wall) = (Instant::now(), SystemTime::now());
            super::json(&status::of_upstream(&upstream, steady, wall))
        }
        Err(refused) => refusal(&refused),
    }
}

fn refusal(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Guard(_, status) => *status,
        Refused::NoUpstream(_) | Refused::Order(OrderError::NoServer { .. }) => {
            StatusCode::NOT_FOUND
        }
        Refused::Load(LoadError::Busy) => StatusCode::CONFLICT,
        Refused::Body(_) | Refused::Order(_) | Refused::Load(_) => StatusCode::BAD_REQUEST,
    };
    let body = super::json(&serde_json::json!({"error": refused.to_string()}));
    (status, body).into_response()
}
