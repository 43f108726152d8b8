//! The rules over HTTP: list, add, stop and start, remove; the dead letters and another try for one; and one event
//! sent once more to anywhere that the policy allows.

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::courier::Courier;
use super::rule::Rule;
use super::{stream, worker};
use crate::app::App;
use crate::refusal::Refusal;
use crate::store::{Event, StoreError};
use crate::target::{Refused, Targets};

/// More rules than this for one token are refused.
const MAX_RULES: usize = 10;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/token/{token}/parcels", get(stream::parcels))
        .route("/token/{token}/stream", get(stream::rows))
        .route("/token/{token}/forwards", get(list).post(add))
        .route("/token/{token}/forwards/{rule}", put(switch).delete(remove))
        .route("/token/{token}/forwards/{rule}/dead", get(dead))
        .route("/token/{token}/forwards/{rule}/dead/{request}", post(retry))
        .route("/token/{token}/request/{request}/resend", post(resend))
}

/// Why a rule can't be had.
#[derive(Debug, thiserror::Error)]
enum RuleError {
    #[error("there is no such token, rule or request")]
    Missing,
    #[error("target refused: {0}")]
    Target(#[from] Refused),
    #[error("a token may have {MAX_RULES} rules")]
    TooMany,
    #[error("attempts is 1 to 20, pause_ms 10 to 300000")]
    Schedule,
    #[error("another instance runs the rules; ask once more")]
    Elsewhere,
    #[error("the store fails")]
    Store(#[from] StoreError),
}

impl IntoResponse for RuleError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Target(_) | Self::Schedule => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Elsewhere => return Refusal::later(self.to_string()).into_response(),
            Self::Store(error) => return Refusal::Store(error).into_response(),
        };
        let error = json!({ "success": false, "error": { "message": self.to_string() } });
        (status, Json(error)).into_response()
    }
}

#[derive(Deserialize)]
struct NewRule {
    target: String,
    #[serde(default)]
    keep_url: bool,
    #[serde(default = "attempts")]
    attempts: u32,
    #[serde(default = "pause_ms")]
    pause_ms: u64,
}

fn attempts() -> u32 {
    8
}

fn pause_ms() -> u64 {
    1000
}

async fn token_id(app: &App, token: &str) -> Result<Uuid, RuleError> {
    let token = app.store.token(token).await?;
    token.map(|token| token.id).ok_or(RuleError::Missing)
}

async fn rule_of(app: &App, token: &str, rule: Uuid) -> Result<Rule, RuleError> {
    let token = token_id(app, token).await?;
    let rule = Rule::load(&app.store, rule).await?;
    rule.filter(|rule| rule.token == token)
        .ok_or(RuleError::Missing)
}

async fn list(State(app): State<App>, Path(token): Path<String>) -> Result<Response, RuleError> {
    let token = token_id(&app, &token).await?;
    let rules = Rule::list(&app.store, Some(token)).await?;
    let listening = app.desk.present(token);
    Ok(Json(json!({ "data": rules, "listening": listening })).into_response())
}

fn must_be_here(app: &App) -> Result<(), RuleError> {
    if app.rules.are_here() {
        Ok(())
    } else {
        Err(RuleError::Elsewhere)
    }
}

/// A rule begins with the next event.
async fn add(
    State(app): State<App>,
    Path(token): Path<String>,
    Json(new): Json<NewRule>,
) -> Result<Response, RuleError> {
    must_be_here(&app)?;
    let token = token_id(&app, &token).await?;
    let target = app.rules.targets.check(&new.target)?;
    if !(1..=20).contains(&new.attempts) || !(10..=300_000).contains(&new.pause_ms) {
        return Err(RuleError::Schedule);
    }
    if Rule::list(&app.store, Some(token)).await?.len() >= MAX_RULES {
        return Err(RuleError::TooMany);
    }
    let rule = Rule {
        id: Uuid::new_v4(),
        token,
        target: target.into(),
        keep_url: new.keep_url,
        attempts: new.attempts,
        pause_ms: new.pause_ms,
        enabled: true,
        stopped: None,
        cursor: app
            .store
            .latest(token)
            .await?
            .map_or(0, |event| event.sequence),
        failed: 0,
        delivered: 0,
        dead: 0,
        last_status: None,
        last_error: None,
    };
    rule.save(&app.store).await?;
    app.rules.start(rule.id).await;
    Ok((StatusCode::CREATED, Json(rule)).into_response())
}

#[derive(Deserialize)]
struct Switch {
    enabled: bool,
}

async fn switch(
    State(app): State<App>,
    Path((token, id)): Path<(String, Uuid)>,
    Json(switch): Json<Switch>,
) -> Result<Response, RuleError> {
    must_be_here(&app)?;
    rule_of(&app, &token, id).await?;
    app.rules.stop(id).await;
    let mut rule = rule_of(&app, &token, id).await?; // as its task left it
    rule.enabled = switch.enabled;
    rule.stopped = None;
    rule.save(&app.store).await?;
    if rule.enabled {
        app.rules.start(id).await;
    }
    Ok(Json(rule).into_response())
}

async fn remove(
    State(app): State<App>,
    Path((token, id)): Path<(String, Uuid)>,
) -> Result<StatusCode, RuleError> {
    must_be_here(&app)?;
    rule_of(&app, &token, id).await?;
    app.rules.stop(id).await;
    rule_of(&app, &token, id).await?.remove(&app.store).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn dead(
    State(app): State<App>,
    Path((token, id)): Path<(String, Uuid)>,
) -> Result<Response, RuleError> {
    let rule = rule_of(&app, &token, id).await?;
    let letters = rule.dead_letters(&app.store).await?;
    Ok(Json(json!({ "data": letters })).into_response())
}

/// One more attempt for a dead letter, which is forgotten if it succeeds.
async fn retry(
    State(app): State<App>,
    Path((token, id, request)): Path<(String, Uuid, Uuid)>,
) -> Result<Response, RuleError> {
    let rule = rule_of(&app, &token, id).await?;
    let event = app
        .store
        .event(rule.token, request)
        .await?
        .ok_or(RuleError::Missing)?;
    let targets = app.rules.targets.clone();
    let courier = Courier::new(targets, &rule.target, rule.keep_url, worker::ANSWER_WITHIN)?;
    let (delivered, told) = once(&courier, &event).await;
    if delivered {
        rule.forget_dead(&app.store, request).await?;
    }
    Ok(told)
}

#[derive(Deserialize)]
struct Resend {
    /// Back into the same inbox if left out.
    target: Option<String>,
}

async fn resend(
    State(app): State<App>,
    Path((token, request)): Path<(String, Uuid)>,
    Json(resend): Json<Resend>,
) -> Result<Response, RuleError> {
    let token = token_id(&app, &token).await?;
    let event = app
        .store
        .event(token, request)
        .await?
        .ok_or(RuleError::Missing)?;
    // Where we listen ourselves needs no leave; the address that the page knows may be a proxy's.
    let (targets, target) = match resend.target {
        Some(target) => (app.rules.targets.clone(), target),
        None => (Targets::any(), app.panel.inbox(token)),
    };
    let courier = Courier::new(targets, &target, false, worker::ANSWER_WITHIN)?;
    Ok(once(&courier, &event).await.1)
}

/// One attempt, and what came of it, in words for the page.
async fn once(courier: &Courier, event: &Event) -> (bool, Response) {
    let (status, error) = match courier.carry(&stream::parcel(event)).await {
        Ok(answer) => (Some(answer.status), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let delivered = status.is_some_and(|status| (200..300).contains(&status));
    let told = json!({ "delivered": delivered, "status": status, "error": error });
    (delivered, Json(told).into_response())
}
