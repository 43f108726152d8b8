//! The second preset: an event as Standard Webhooks sends it, with id, time and signature in three headers.

use serde_json::json;

use super::{Message, SendError, Story};
use crate::signature;

/// The bytes and headers of one delivery; `timestamp` is signed, so a repetition has a new signature but the same id.
pub(super) fn message(
    kind: &str,
    story: &Story,
    secret: &str,
    id: &str,
    timestamp: i64,
) -> Result<Message, SendError> {
    let payload = json!({
        "type": kind, "timestamp": story.now,
        "data": { "number": story.number, "title": story.title, "text": story.text },
    });
    let body = payload.to_string().into_bytes();
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("user-agent".to_owned(), "webhook-receiver-send".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp.to_string()),
    ];
    if !secret.is_empty() {
        let signature =
            signature::sign_standard(secret, id, timestamp, &body).ok_or(SendError::Secret)?;
        headers.push(("webhook-signature".to_owned(), signature));
    }
    Ok(Message {
        headers,
        body: body.into(),
    })
}
