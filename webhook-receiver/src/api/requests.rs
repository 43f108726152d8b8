//! One request of a token: its record, its bytes, its files, its note, its end.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::json::Fields;
use super::record::{file_id, form_of, record};
use super::tokens::find;
use crate::app::App;
use crate::inbox::BODY_LIMIT;
use crate::refusal::Refusal;
use crate::store::{Event, Token};

/// Longest note.
const NOTE: usize = 10_000;

/// The event that a path names by its id or as `latest`.
async fn event(app: &App, token: &Token, name: &str) -> Result<Event, Refusal> {
    let found = match (name, Uuid::try_parse(name)) {
        ("latest", _) => app.store.latest(token.id).await?,
        (_, Ok(id)) => app.store.event(token.id, id).await?,
        (_, Err(_)) => None,
    };
    found.ok_or(Refusal::NoRequest)
}

pub(super) async fn read(
    State(app): State<App>,
    Path((token, request)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let token = find(&app, &token).await?;
    let event = event(&app, &token, &request).await?;
    Ok(Json(record(&token, &event)))
}

/// The body as it came. Only JSON keeps its type: the rest is shown as text, so that no sender's page runs here.
pub(super) async fn raw(
    State(app): State<App>,
    Path((token, request)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let token = find(&app, &token).await?;
    let event = event(&app, &token, &request).await?;
    let json = event
        .header("content-type")
        .is_some_and(|kind| kind == "application/json");
    let kind = if json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    Ok(inert(event.body, HeaderValue::from_static(kind)))
}

/// An uploaded file or an attachment, always to be saved and never to be shown.
pub(super) async fn download(
    State(app): State<App>,
    Path((token, request, file)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let token = find(&app, &token).await?;
    let event = event(&app, &token, &request).await?;
    let files = form_of(&event).map(|form| form.files).unwrap_or_default();
    let wanted = Uuid::try_parse(&file).map_err(|_| Refusal::NotFound)?;
    let mut numbered = files.into_iter().enumerate();
    let found = numbered.find(|(number, _)| file_id(event.id, *number) == wanted);
    let (_, file) = found.ok_or(Refusal::NotFound)?;
    let mut response = inert(
        file.bytes,
        HeaderValue::from_static("application/octet-stream"),
    );
    let disposition = format!("attachment; filename*=UTF-8''{}", percent(&file.name));
    let disposition =
        HeaderValue::try_from(disposition).expect("percent-encoded text is plain ASCII");
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// Bytes from a stranger, which no browser may take for anything else than their type.
fn inert(bytes: Bytes, kind: HeaderValue) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    (headers, Body::from(bytes)).into_response()
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

pub(super) async fn note(
    State(app): State<App>,
    Path((token, request)): Path<(String, String)>,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let token = find(&app, &token).await?;
    let found = event(&app, &token, &request).await?;
    let mut fields = Fields::read(&app.room, body, BODY_LIMIT).await?;
    let note = fields.text("note", NOTE);
    fields.checked()?;
    app.store
        .note(token.id, found.id, note.unwrap_or_default())
        .await?;
    let noted = event(&app, &token, &found.id.to_string()).await?;
    Ok(Json(record(&token, &noted)))
}

pub(super) async fn delete(
    State(app): State<App>,
    Path((token, request)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let token = find(&app, &token).await?;
    let id = Uuid::try_parse(&request).map_err(|_| Refusal::NoRequest)?;
    match app.store.delete_events(token.id, vec![id]).await? {
        0 => Err(Refusal::NoRequest),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
