//! smee.io's protocol: `/new` leads to a fresh channel, and a GET of a channel that accepts nothing but an event
//! stream gets each request that is sent there. A channel is a token whose alias is the channel's name.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{self, Stream};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use tokio::time::{Instant, Interval, interval_at};

use super::Following;
use crate::api::pairs;
use crate::app::App;
use crate::refusal::Refusal;
use crate::store::{Event, Kind, Token, header_text, is_alias};

/// smee-client gives up on a connection that is silent for longer.
const PING: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/new", get(fresh))
}

async fn fresh(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>());
    channel(&app, &name).await?;
    let origin = app.trusted.origin(peer.ip(), &headers).unwrap_or_default();
    let location = [(header::LOCATION, format!("{origin}/{name}"))];
    Ok((StatusCode::TEMPORARY_REDIRECT, location).into_response())
}

/// Whether somebody listens rather than sends: smee-client accepts this and nothing else.
pub(crate) fn asks_for(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == "text/event-stream")
}

/// Makes the channel that somebody wants to listen to.
pub(crate) async fn channel(app: &App, name: &str) -> Result<Arc<Token>, Refusal> {
    if !is_alias(name) {
        return Err(Refusal::NoToken);
    }
    let token = Token {
        alias: Some(name.to_owned()),
        ..Token::default()
    };
    app.store.create_token(token.clone()).await?;
    Ok(Arc::new(token))
}

/// The stream of a channel.
pub(crate) async fn stream(
    app: &App,
    token: &Token,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>> + use<>>, Refusal> {
    let following = Following::from_now(app.store.clone(), token.id).await?;
    let pings = interval_at(Instant::now() + PING, PING);
    let state = Listener {
        app: app.clone(),
        following,
        pings,
        sent: 0,
    };
    Ok(Sse::new(stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        state.sent += 1;
        Some((Ok(event), state))
    })))
}

struct Listener {
    app: App,
    following: Following,
    pings: Interval,
    /// How many went out; the next one's id.
    sent: u64,
}

impl Listener {
    async fn next(&mut self) -> Option<sse::Event> {
        let event = sse::Event::default().id(self.sent.to_string());
        if self.sent == 0 {
            return Some(event.event("ready").data("{}"));
        }
        loop {
            tokio::select! {
                () = self.app.shutdown.triggered() => return None,
                _ = self.pings.tick() => return Some(event.event("ping").data("{}")),
                next = self.following.next() => match next {
                    Ok(Some(next)) if next.kind == Kind::Web => return Some(event.data(delivery(&next).to_string())),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return None,
                },
            }
        }
    }
}

/// One request as smee-client expects it: every key but `body`, `query` and `timestamp` becomes a header at the
/// target, so there is none that was no header here.
fn delivery(event: &Event) -> Value {
    let headers = event.headers.iter();
    let mut delivery: Map<String, Value> = headers
        .map(|(name, value)| (name.as_str().to_owned(), json!(header_text(value))))
        .collect();
    let query = event.query.as_deref().unwrap_or_default();
    let query: Map<String, Value> = pairs(query.as_bytes())
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    delivery.insert("body".to_owned(), body(event));
    delivery.insert("query".to_owned(), json!(query));
    delivery.insert("timestamp".to_owned(), json!(event.at.as_millisecond()));
    Value::Object(delivery)
}

/// JSON as JSON. GitHub's form holds JSON, which is what a target behind smee-client gets; other forms are objects,
/// and all else is text.
fn body(event: &Event) -> Value {
    if let Ok(value) = serde_json::from_slice(&event.body) {
        return value;
    }
    let form = event
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !form {
        return json!(String::from_utf8_lossy(&event.body));
    }
    let fields = pairs(&event.body);
    let payload = fields.iter().find(|(name, _)| name == "payload");
    if let Some(value) = payload.and_then(|(_, payload)| serde_json::from_str(payload).ok()) {
        return value;
    }
    Value::Object(
        fields
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect(),
    )
}
