//! The sender on the page: plays GitHub towards a token of this server, keeps the last deliveries, and delivers one
//! again under the same id when asked. In memory: a delivery log is not an inbox.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Encoding, Outcome, Preset, Request, SendError, client, deliver};
use crate::app::App;
use crate::refusal::Refusal;
use crate::store::{StoreError, Token};
use crate::target::Targets;

/// Deliveries that are remembered, over all tokens.
const KEPT: usize = 500;
/// A longer title or text is refused.
const MAX_TEXT: usize = 10_000;

/// What the page's sender needs beside the store.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// Ourselves; the page's sender sends nowhere else.
    own: SocketAddr,
    targets: Targets,
    client: Client,
    log: Arc<Mutex<VecDeque<Entry>>>,
}

/// A remembered delivery, in the words of GitHub's API.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    id: u64,
    guid: String,
    event: String,
    delivered_at: String,
    redelivery: bool,
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip)]
    token: Uuid,
    #[serde(skip)]
    request: Request,
}

impl Panel {
    /// `own` is the address that the service listens on.
    pub(crate) fn new(own: SocketAddr) -> Self {
        let near = SocketAddr::from((Ipv4Addr::LOCALHOST, own.port()));
        let own = if own.ip().is_unspecified() { near } else { own };
        let targets = Targets::any();
        let client = client(&targets);
        Self {
            own,
            targets,
            client,
            log: Arc::default(),
        }
    }

    /// Where a token's inbox is for ourselves.
    pub(crate) fn inbox(&self, token: Uuid) -> String {
        format!("http://{}/{token}", self.own)
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends and remembers. `host` is what the page's own request named us, so that the inbox shows that address.
    async fn send(
        &self,
        token: Uuid,
        event: &str,
        request: Request,
        host: &str,
        again: bool,
    ) -> Result<Entry, SendError> {
        let url = self.inbox(token);
        let mut message = request.message(&format!("http://{host}/{token}"))?;
        message.headers.push(("host".to_owned(), host.to_owned()));
        let outcome = deliver(&self.client, &self.targets, &url, &message).await?;
        let mut log = self.log();
        let entry = Entry {
            id: log.back().map_or(1, |last| last.id + 1),
            guid: request.id.clone(),
            event: event.to_owned(),
            delivered_at: jiff::Timestamp::now().to_string(),
            redelivery: again,
            outcome,
            token,
            request,
        };
        log.push_back(entry.clone());
        if log.len() > KEPT {
            log.pop_front();
        }
        Ok(entry)
    }
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/token/{token}/deliveries", get(list).post(send))
        .route("/token/{token}/deliveries/{id}/attempts", post(again))
}

#[derive(Deserialize)]
struct Wish {
    event: String,
    #[serde(default)]
    form: bool,
    /// The token's first secret if left out.
    secret: Option<String>,
    title: String,
    text: String,
    #[serde(default = "eight")]
    number: u64,
}

fn eight() -> u64 {
    8
}

/// Why the page's sender sends nothing.
#[derive(Debug, thiserror::Error)]
enum PanelError {
    #[error("there is no such token or delivery")]
    Missing,
    #[error("the title or text is longer than {MAX_TEXT} bytes")]
    Long,
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("the store fails")]
    Store(#[from] StoreError),
}

impl IntoResponse for PanelError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Long | Self::Send(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(error) => return Refusal::Store(error).into_response(),
        };
        let error = json!({ "success": false, "error": { "message": self.to_string() } });
        (status, Json(error)).into_response()
    }
}

async fn token(app: &App, name: &str) -> Result<Arc<Token>, PanelError> {
    let found = app.store.token(name).await?;
    found.ok_or(PanelError::Missing)
}

fn host(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.unwrap_or("localhost").to_owned()
}

async fn send(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, PanelError> {
    let token = token(&app, &name).await?;
    if wish.title.len().max(wish.text.len()) > MAX_TEXT {
        return Err(PanelError::Long);
    }
    let encoding = if wish.form {
        Encoding::Form
    } else {
        Encoding::Json
    };
    let preset = match wish.event.as_str() {
        "standard" => Preset::Standard,
        event => Preset::GitHub(event.parse()?, encoding),
    };
    let own_secret = || token.secret.lines().next().unwrap_or_default().to_owned();
    let secret = wish.secret.unwrap_or_else(own_secret);
    let request = Request::new(preset, secret, wish.title, wish.text, wish.number);
    let entry = app
        .panel
        .send(token.id, &wish.event, request, &host(&headers), false)
        .await?;
    Ok((StatusCode::CREATED, Json(entry)).into_response())
}

async fn list(State(app): State<App>, Path(name): Path<String>) -> Result<Response, PanelError> {
    let token = token(&app, &name).await?;
    let log = app.panel.log();
    let mine: Vec<&Entry> = log
        .iter()
        .rev()
        .filter(|entry| entry.token == token.id)
        .collect();
    Ok(Json(json!({ "data": mine })).into_response())
}

/// The same event under the same id, as GitHub's "Redeliver".
async fn again(
    State(app): State<App>,
    Path((name, id)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Result<Response, PanelError> {
    let token = token(&app, &name).await?;
    let entry = {
        let log = app.panel.log();
        let found = log
            .iter()
            .find(|entry| entry.id == id && entry.token == token.id);
        found.cloned().ok_or(PanelError::Missing)?
    };
    let repeated = app
        .panel
        .send(token.id, &entry.event, entry.request, &host(&headers), true)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(repeated)).into_response())
}
