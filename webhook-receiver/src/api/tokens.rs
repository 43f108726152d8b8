//! Tokens: made, read, changed and deleted.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::json::Fields;
use super::record::stamp;
use crate::app::App;
use crate::inbox::BODY_LIMIT;
use crate::refusal::Refusal;
use crate::store::{Summary, Token, is_alias};

/// Longest answer that a token may be told to give.
const CONTENT: usize = 1024 * 1024;
/// Longest content type, secret and user agent.
const LINE: usize = 1024;
/// Longest time that events are kept: 30 days.
const EXPIRY: u32 = 30 * 24 * 3600;

pub(super) async fn create(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut fields = Fields::read(&app.room, body, BODY_LIMIT).await?;
    let mut token = match fields.text("clone_from", LINE) {
        Some(name) => Token {
            alias: None,
            ..template(&app, &name).await?
        },
        None => Token::default(),
    };
    apply(&mut fields, &mut token);
    fields.checked()?;
    token.ip = app.trusted.client(peer.ip(), &headers).to_string();
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    token.user_agent = agent.unwrap_or_default().chars().take(LINE).collect();
    app.store.create_token(token.clone()).await?;
    Ok((
        StatusCode::CREATED,
        Json(token_json(&token, Summary::default())),
    ))
}

/// The settings of another token, as a new one.
async fn template(app: &App, name: &str) -> Result<Token, Refusal> {
    let from = app.store.token(name).await?;
    let from = from.ok_or_else(|| Refusal::field("clone_from", "The token does not exist."))?;
    let now = Timestamp::now();
    let id = Uuid::new_v4();
    Ok(Token {
        id,
        listen: 0,
        created_at: now,
        updated_at: now,
        ..from.as_ref().clone()
    })
}

pub(super) async fn read(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let token = find(&app, &name).await?;
    let summary = app.store.summary(token.id).await?;
    Ok(Json(token_json(&token, summary)))
}

pub(super) async fn update(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let mut token = find(&app, &name).await?.as_ref().clone();
    let mut fields = Fields::read(&app.room, body, BODY_LIMIT).await?;
    apply(&mut fields, &mut token);
    fields.checked()?;
    token.updated_at = Timestamp::now();
    app.store.update_token(token.clone()).await?;
    let summary = app.store.summary(token.id).await?;
    Ok(Json(token_json(&token, summary)))
}

pub(super) async fn toggle_cors(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut token = find(&app, &name).await?.as_ref().clone();
    token.cors = !token.cors;
    let enabled = token.cors;
    app.store.update_token(token).await?;
    Ok(Json(json!({"enabled": enabled})))
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    let token = find(&app, &name).await?;
    let deleted = app.store.delete_token(token.id).await?;
    if deleted {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::NoToken)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    page: Option<u64>,
    per_page: Option<u64>,
}

/// All tokens, for the one who runs the service: a list of ids is a list of keys.
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let given = headers
        .get("api-key")
        .map_or(&b""[..], |key| key.as_bytes());
    let known = app
        .api_key
        .as_deref()
        .is_some_and(|key| key.as_bytes().ct_eq(given).into());
    if !known {
        return Err(Refusal::NoKey);
    }
    let (page, per_page) = (
        query.page.unwrap_or(1).max(1),
        query.per_page.unwrap_or(50).clamp(1, 100),
    );
    let offset = (page - 1).saturating_mul(per_page);
    let (tokens, total) = app
        .store
        .tokens(offset, usize::try_from(per_page).unwrap_or(100))
        .await?;
    let mut data = Vec::with_capacity(tokens.len());
    for token in tokens {
        let summary = app.store.summary(token.id).await?;
        data.push(token_json(&token, summary));
    }
    let page = super::listing::Numbers {
        page,
        per_page,
        total,
    };
    Ok(Json(page.wrap(&data)))
}

/// The token that a path names by its id or alias.
pub(super) async fn find(app: &App, name: &str) -> Result<Arc<Token>, Refusal> {
    app.store.token(name).await?.ok_or(Refusal::NoToken)
}

/// Takes over what a caller may set; everything else in the object is let be.
fn apply(fields: &mut Fields, token: &mut Token) {
    if let Some(status) = fields.number("default_status", 200..=599) {
        token.default_status = u16::try_from(status).unwrap_or(200);
    }
    if let Some(content) = fields.text("default_content", CONTENT) {
        token.default_content = content;
    }
    if let Some(kind) = fields.text("default_content_type", LINE) {
        match header::HeaderValue::from_str(&kind) {
            Ok(_) => token.default_content_type = kind,
            Err(_) => fields.refuse(
                "default_content_type",
                "The type must be one line of text.".to_owned(),
            ),
        }
    }
    let seconds = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    token.timeout = fields
        .number("timeout", 0..=10)
        .map_or(token.timeout, seconds);
    token.listen = fields
        .number("listen", 0..=10)
        .map_or(token.listen, seconds);
    token.expiry = fields.number("expiry", 1..=EXPIRY).unwrap_or(token.expiry);
    token.request_limit = fields
        .number("request_limit", 0..=10_000)
        .unwrap_or(token.request_limit);
    token.cors = fields.flag("cors").unwrap_or(token.cors);
    token.secret = fields
        .text("secret", LINE)
        .unwrap_or_else(|| token.secret.clone());
    match fields.text("alias", LINE) {
        Some(alias) if alias.is_empty() => token.alias = None,
        Some(alias) if is_alias(&alias) => token.alias = Some(alias),
        Some(_) => fields.refuse(
            "alias",
            "The alias must be 3 to 32 letters, digits, - or _.".to_owned(),
        ),
        None => {}
    }
}

fn token_json(token: &Token, summary: Summary) -> Value {
    let expires = token.updated_at + jiff::SignedDuration::from_secs(token.expiry.into());
    json!({
        "uuid": token.id,
        "alias": token.alias,
        "default_status": token.default_status,
        "default_content": token.default_content,
        "default_content_type": token.default_content_type,
        "timeout": token.timeout,
        "listen": token.listen,
        "expiry": token.expiry,
        "request_limit": token.request_limit,
        "cors": token.cors,
        "secret": token.secret,
        "actions": false,
        "redirect": false,
        "premium": false,
        "group_id": null,
        "clone_from": null,
        "ip": token.ip,
        "user_agent": token.user_agent,
        "created_at": stamp(token.created_at),
        "updated_at": stamp(token.updated_at),
        "expires_at": stamp(expires),
        "requests": summary.requests,
        "latest_request_id": summary.latest.map(|(id, _)| id),
        "latest_request_at": summary.latest.map(|(_, at)| stamp(at)),
    })
}
