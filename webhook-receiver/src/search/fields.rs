//! The fields that can be asked about, and their values in an event.

use jiff::Timestamp;

use crate::api::record;
use crate::store::{Event, Kind, header_text};

/// Fields that are compared as a whole; in all others the text is looked for anywhere.
pub(super) fn is_whole(field: &str) -> bool {
    let whole = [
        "uuid", "token_id", "type", "method", "ip", "size", "sorting", "sequence", "time",
    ];
    whole.contains(&field) || field.starts_with("query.")
}

pub(super) fn time(event: &Event, field: &str) -> Option<Timestamp> {
    match field {
        "created_at" => Some(event.at),
        "updated_at" => Some(event.updated_at),
        _ => None,
    }
}

/// All values of a field; none if the event has no such thing.
pub(super) fn values(event: &Event, field: &str) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match field {
        "uuid" => one(&event.id.to_string()),
        "token_id" => one(&event.token.to_string()),
        "type" => one(event.kind.name()),
        "method" => one(&event.method),
        "hostname" => one(event.hostname()),
        "url" => one(&event.url()),
        "ip" => one(&event.ip),
        "size" => one(&event.size.to_string()),
        "sorting" | "sequence" => one(&event.sequence.to_string()),
        "content" => some(record::content(event)),
        "created_at" => one(&record::stamp(event.at)),
        "updated_at" => one(&record::stamp(event.updated_at)),
        "note" => event
            .note
            .iter()
            .filter(|note| !note.is_empty())
            .cloned()
            .collect(),
        "user_agent" => event.header("user-agent").into_iter().collect(),
        "delivery_id" => event.delivery.iter().cloned().collect(),
        "duplicate_of" => event.duplicate_of.iter().map(ToString::to_string).collect(),
        "sender" => event.sender.iter().cloned().collect(),
        "destinations" => event.destinations.clone(),
        "text_content" | "message_id" | "subject" => letter(event, field),
        _ => nested(event, field),
    }
}

/// Text, unless it is empty.
fn some(text: String) -> Vec<String> {
    if text.is_empty() {
        Vec::new()
    } else {
        vec![text]
    }
}

fn letter(event: &Event, field: &str) -> Vec<String> {
    if event.kind != Kind::Email {
        return Vec::new();
    }
    let letter = crate::smtp::letter::read(event);
    let value = match field {
        "text_content" => letter.text,
        "message_id" => letter.message_id,
        _ => letter.subject,
    };
    value.into_iter().collect()
}

/// `headers.NAME`, `query.NAME`, `request.NAME` and `files.NAME`; without a name, all of them.
fn nested(event: &Event, field: &str) -> Vec<String> {
    let (group, name) = field
        .split_once('.')
        .map_or((field, None), |(group, name)| (group, Some(name)));
    let wanted = |other: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(other));
    let of = |pairs: Vec<(String, String)>| {
        let wanted = pairs.into_iter().filter(|(name, _)| wanted(name));
        wanted.map(|(_, value)| value).collect()
    };
    let form = || record::form_of(event).unwrap_or_default();
    match group {
        "headers" => {
            let headers = event
                .headers
                .iter()
                .filter(|(name, _)| wanted(name.as_str()));
            headers.map(|(_, value)| header_text(value)).collect()
        }
        "query" => event
            .query
            .as_ref()
            .map(|query| of(crate::api::pairs(query.as_bytes())))
            .unwrap_or_default(),
        "request" => of(form().fields),
        "files" => of(form()
            .files
            .into_iter()
            .map(|file| (file.field, file.name))
            .collect()),
        _ => Vec::new(),
    }
}
