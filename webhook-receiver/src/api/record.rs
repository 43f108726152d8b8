//! One event as the JSON object that webhook.site's clients know, and what the page shows beside it.

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::form::{self, File, Form};
use crate::signature;
use crate::smtp::letter;
use crate::store::{Event, Kind, Token, header_text};

/// `YYYY-MM-DD HH:MM:SS`, UTC.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The record of one event.
pub(crate) fn record(token: &Token, event: &Event) -> Value {
    let form = form_of(event);
    let (fields, files) = form.map_or((None, Vec::new()), |form| (Some(form.fields), form.files));
    let mut record = json!({
        "uuid": event.id,
        "token_id": event.token,
        "type": event.kind.name(),
        "sequence": event.sequence,
        "sorting": event.sequence,
        "ip": event.ip,
        "hostname": event.hostname(),
        "method": event.method,
        "url": event.url(),
        "user_agent": event.header("user-agent"),
        "content": content(event),
        "size": event.size,
        "query": event.query.as_ref().map(|query| object(form::pairs(query.as_bytes()))),
        "query_string": event.query,
        "request": fields.filter(|fields| !fields.is_empty()).map(object),
        "files": files_json(event, &files),
        "headers": headers_json(event),
        "note": event.note,
        "truncated": event.size != event.body.len() as u64,
        "signature": judged(token, event),
        "delivery_id": event.delivery,
        "duplicate_of": event.duplicate_of,
        "time": 0,
        "custom_action_output": [],
        "custom_action_errors": [],
        "created_at": stamp(event.at),
        "updated_at": stamp(event.updated_at),
    });
    if event.kind == Kind::Email {
        let letter = letter::read(event);
        record["sender"] = json!(event.sender);
        record["destinations"] = json!(event.destinations);
        record["message_id"] = json!(letter.message_id);
        record["subject"] = json!(letter.subject);
        record["text_content"] = json!(letter.text);
        record["html_content"] = json!(letter.html);
        // Nobody checks mail that comes from this machine.
        record["checks"] =
            json!({"spam": null, "virus": null, "spf": null, "dkim": null, "dmarc": null});
    }
    record
}

/// The fields and files of an event; attachments are a mail's files.
pub(crate) fn form_of(event: &Event) -> Option<Form> {
    match event.kind {
        Kind::Web => form::read(event).now_or_never()?,
        Kind::Email => Some(Form {
            fields: Vec::new(),
            files: letter::read(event).attachments,
        }),
        Kind::Dns => None,
    }
}

/// The body as text. A binary upload has none: whcli then builds the form anew, which beats broken bytes.
pub(crate) fn content(event: &Event) -> String {
    let upload = || {
        event
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("multipart/"))
    };
    match str::from_utf8(&event.body) {
        Ok(text) => text.to_owned(),
        Err(_) if event.kind == Kind::Web && upload() => String::new(),
        Err(_) => String::from_utf8_lossy(&event.body).into_owned(),
    }
}

/// Headers by their names, each with all its values.
fn headers_json(event: &Event) -> Map<String, Value> {
    let names = event.headers.keys();
    let values = |name| {
        event
            .headers
            .get_all(name)
            .into_iter()
            .map(header_text)
            .collect::<Vec<_>>()
    };
    names
        .map(|name| (name.as_str().to_owned(), json!(values(name))))
        .collect()
}

/// Pairs as an object; of a repeated name the last counts, as in PHP.
fn object(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

/// Files by their fields.
fn files_json(event: &Event, files: &[File]) -> Map<String, Value> {
    let entry = |(number, file): (usize, &File)| {
        let about = json!({
            "id": file_id(event.id, number),
            "filename": file.name,
            "size": file.bytes.len(),
            "content_type": file.content_type,
        });
        (file.field.clone(), about)
    };
    files.iter().enumerate().map(entry).collect()
}

/// A file's id: its event's and its number; nothing need be kept for it.
pub(crate) fn file_id(event: Uuid, number: usize) -> Uuid {
    Uuid::from_u128(event.as_u128() ^ (number as u128 + 1))
}

/// What the signature is worth, at the time of arrival; null if the token has no secret.
fn judged(token: &Token, event: &Event) -> Option<signature::Report> {
    let judge = !token.secret.is_empty() && event.kind == Kind::Web;
    judge.then(|| {
        signature::check(
            &token.secret,
            &event.headers,
            &event.body,
            event.at.as_second(),
        )
    })
}
