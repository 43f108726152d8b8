//! Set Response: a forwarder brings what its target said, for the sender that still waits.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::json::Fields;
use super::tokens::find;
use crate::app::App;
use crate::desk::Answer;
use crate::inbox::{BODY_LIMIT, Unread};
use crate::refusal::Refusal;

/// The object around 10 MB in base64.
const ENVELOPE: usize = BODY_LIMIT / 3 * 4 + 256 * 1024;
/// Most header lines that are passed on.
const HEADERS: usize = 200;

pub(super) async fn set(
    State(app): State<App>,
    Path((token, request)): Path<(String, String)>,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let token = find(&app, &token).await?;
    let id = Uuid::try_parse(&request).map_err(|_| Refusal::NoRequest)?;
    let mut fields = Fields::read(&app.room, body, ENVELOPE).await?;
    let status = fields.number("status", 100..=999).unwrap_or(200);
    let content = fields.text("content", ENVELOPE).unwrap_or_default();
    let headers = fields
        .value("headers")
        .map(read_headers)
        .unwrap_or_default();
    let body = STANDARD.decode(content.trim());
    if body.is_err() {
        fields.refuse("content", "The content must be base64.".to_owned());
    }
    fields.checked()?;
    let body = Bytes::from(body.unwrap_or_default());
    if body.len() > BODY_LIMIT {
        return Err(Refusal::Body(Unread::TooLarge));
    }
    let status = u16::try_from(status).unwrap_or(200);
    let answer = Answer {
        status,
        headers,
        body,
    };
    let delivered = app.desk.answer(id, answer);
    tracing::debug!(token = %token.id, request = %id, delivered, "an answer came");
    Ok(Json(json!({"success": true, "delivered": delivered})))
}

/// Headers as whcli sends them (a list for each name) or as people write them (one text); what is no header is left
/// out.
fn read_headers(given: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in given.as_object().into_iter().flatten() {
        let Ok(name) = name.parse::<HeaderName>() else {
            continue;
        };
        let values = match values {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values.iter().filter_map(Value::as_str) {
            if let Ok(value) = HeaderValue::from_str(value)
                && headers.len() < HEADERS
            {
                headers.append(name.clone(), value);
            }
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_as_lists_or_as_text() {
        let headers = read_headers(&json!({
            "Set-Cookie": ["a=1", "b=2"], "x": "y", "bad name": ["1"], "split": ["a\r\nb: c"], "n": 5,
        }));
        let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(headers["x"], "y");
        assert_eq!(headers.len(), 3);
    }
}
