//! Ways to misbehave, one handler each: slow, failing, hanging, crashing. What the proxy makes of each is the lesson.

use std::collections::hash_map::RandomState;
use std::future::pending;
use std::hash::BuildHasher;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::sleep;

use crate::Shared;
use crate::parameters::{BadParameter, Parameters, within};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slow {
    ms: Option<u64>,
}

/// The greeting, after `ms` milliseconds.
pub(crate) async fn slow(
    State(backend): Shared,
    Parameters(Slow { ms }): Parameters<Slow>,
) -> Result<Response, BadParameter> {
    let ms = within("ms", ms.unwrap_or(1000), 0..=60_000)?;
    sleep(Duration::from_millis(ms)).await;
    Ok(backend.greet())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fail {
    status: Option<u16>,
    rate: Option<f64>,
}

/// The error `status` (500), always or for a share `rate` of the requests.
pub(crate) async fn fail(
    State(backend): Shared,
    Parameters(Fail { status, rate }): Parameters<Fail>,
) -> Result<Response, BadParameter> {
    let status = within("status", status.unwrap_or(500), 400..=599)?;
    let rate = within("rate", rate.unwrap_or(1.0), 0.0..=1.0)?;
    if chance() >= rate {
        return Ok(backend.greet());
    }
    let status = StatusCode::from_u16(status).expect("400 to 599 are statuses");
    Ok((
        status,
        format!("{} fails on purpose: {status}\n", backend.name),
    )
        .into_response())
}

/// A number from 0 up to 1. The keys of a new hasher are random enough to fail by, and cost no dependency.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(()) >> 32;
    bits as f64 / f64::from(u32::MAX).next_up()
}

/// Never answers, as long as the service runs.
pub(crate) async fn hang(State(backend): Shared) -> Response {
    backend.shutdown.triggered().await;
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the service stops, and so does the hanging\n",
    )
        .into_response()
}

/// Ends the service ([`crate::Crashed`]); this request and all others in flight get no answer.
pub(crate) async fn crash(State(backend): Shared) -> Response {
    tracing::warn!(name = backend.name, "crashing, as asked");
    backend.crash.notify_one();
    pending().await
}
