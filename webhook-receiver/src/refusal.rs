//! What can go wrong for a caller, and the one place where that becomes a status and the body that webhook.site's
//! clients expect.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::inbox::Unread;
use crate::store::StoreError;

/// Seconds after which to try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Token not found")]
    NoToken,
    #[error("Request not found")]
    NoRequest,
    #[error("Not found")]
    NotFound,
    #[error("Unauthenticated")]
    NoKey,
    #[error("{0}")]
    Malformed(String),
    /// Fields and what is wrong with each.
    #[error("the fields don't hold what they should")]
    Invalid(Map<String, Value>),
    #[error("{}", unread(*.0))]
    Body(Unread),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not now, and why.
    #[error("{0}")]
    Later(String),
}

fn unread(why: Unread) -> &'static str {
    match why {
        Unread::TooLarge => "the body is larger than 10 MB",
        Unread::NoRoom => "too many bodies at once",
        Unread::TooSlow => "the body took too long",
        Unread::Broken => "the body broke off",
    }
}

impl Refusal {
    /// One wrong field.
    pub(crate) fn field(name: &str, wrong: impl Into<String>) -> Self {
        Self::Invalid(Map::from_iter([(name.to_owned(), json!([wrong.into()]))]))
    }

    /// Asked again, it may work.
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later(why.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::GONE,
            Self::NoRequest | Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoKey => StatusCode::UNAUTHORIZED,
            Self::Malformed(_) | Self::Body(Unread::Broken) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) | Self::Store(StoreError::Taken) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Body(Unread::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(Unread::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Later(_)
            | Self::Body(Unread::NoRoom)
            | Self::Store(StoreError::Full | StoreError::TooManyTokens) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = match &self {
            Self::Invalid(fields) => json!(fields),
            Self::Store(StoreError::Taken) => {
                json!({"alias": ["The alias has already been taken."]})
            }
            Self::Store(error) if status == StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(?error, "the store failed");
                failure("the store failed")
            }
            other => failure(&other.to_string()),
        };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

fn failure(message: &str) -> Value {
    json!({"success": false, "error": {"message": message, "id": null}})
}
