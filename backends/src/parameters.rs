//! Query parameters with limits: whatever is misspelt, unknown or out of bounds becomes a 400 that says so.

use std::fmt::Display;
use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

/// The query string as `T`, or a [`BadParameter`].
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

/// The client's mistake, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}\n")]
pub(crate) struct BadParameter(String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = BadParameter;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, BadParameter> {
        let Query(parameters) =
            Query::try_from_uri(&parts.uri).map_err(|error| BadParameter(error.body_text()))?;
        Ok(Self(parameters))
    }
}

impl IntoResponse for BadParameter {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}

/// `value`, if it is inside `limits`.
pub(crate) fn within<N>(name: &str, value: N, limits: RangeInclusive<N>) -> Result<N, BadParameter>
where
    N: PartialOrd + Display,
{
    if limits.contains(&value) {
        return Ok(value);
    }
    let (low, high) = limits.into_inner();
    Err(BadParameter(format!(
        "{name}={value} is outside {low} to {high}"
    )))
}
