//! webhook.site's push protocol: Socket.IO, on either Engine.IO 3 (whcli, its own page) or 4 (today's clients). A
//! client sends `subscribe` with a channel and gets `request.created` with two arguments, the channel and the event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use socketioxide::extract::{Data, SocketRef};
use socketioxide::{SendError, SocketError, SocketIo};
use tokio::task::JoinHandle;

use super::Following;
use crate::api::record::content;
use crate::api::{pairs, record};
use crate::app::App;
use crate::store::{Event, Token};

/// The largest packet that a client may send; it only ever sends subscriptions.
const PAYLOAD: u64 = 64 * 1024;
/// Channels of one connection.
const CHANNELS: usize = 32;
/// A client that takes nothing for this long has missed the event.
const STUCK: Duration = Duration::from_secs(20);

/// Puts Socket.IO in front of the other routes, on `/socket.io/`.
pub(crate) fn with_socket_io(routes: Router<App>, app: &App) -> Router<App> {
    let builder = SocketIo::builder()
        .max_payload(PAYLOAD)
        .max_buffer_size(256);
    let (layer, io) = builder.build_layer();
    let app = app.clone();
    io.ns("/", async move |socket: SocketRef| connected(&socket, &app));
    routes.layer(layer)
}

/// The tasks that push to one connection, by channel.
type Pushers = Arc<Mutex<HashMap<String, JoinHandle<()>>>>;

#[derive(Debug, Deserialize)]
struct Subscription {
    channel: String,
}

fn connected(socket: &SocketRef, app: &App) {
    let pushers = Pushers::default();
    let (ours, app) = (pushers.clone(), app.clone());
    socket.on(
        "subscribe",
        async move |socket: SocketRef, Data(wish): Data<Subscription>| {
            subscribe(socket, &app, &ours, wish.channel).await;
        },
    );
    let ours = pushers.clone();
    socket.on(
        "unsubscribe",
        async move |_: SocketRef, Data(wish): Data<Subscription>| {
            if let Some(pusher) = locked(&ours).remove(&wish.channel) {
                pusher.abort();
            }
        },
    );
    socket.on_disconnect(async move |_: SocketRef| {
        for (_, pusher) in locked(&pushers).drain() {
            pusher.abort();
        }
    });
}

fn locked(pushers: &Pushers) -> std::sync::MutexGuard<'_, HashMap<String, JoinHandle<()>>> {
    pushers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Channels are `private-token.<token>` (whcli), `token.<token>` or the bare token (the page).
async fn subscribe(socket: SocketRef, app: &App, pushers: &Pushers, channel: String) {
    let private = channel.strip_prefix("private-");
    let name = private.unwrap_or(&channel);
    let name = name.strip_prefix("token.").unwrap_or(name);
    let Ok(Some(token)) = app.store.token(name).await else {
        tracing::debug!(channel, "no such channel");
        let _ = socket.emit("subscription_error", &(channel, 404));
        return;
    };
    let Ok(following) = Following::from_now(app.store.clone(), token.id).await else {
        let _ = socket.emit("subscription_error", &(channel, 500));
        return;
    };
    // Only those on the private channel forward; the others look.
    let forwards = private.map(|_| app.desk.listening(token.id, None));
    let mut running = locked(pushers);
    if running.len() >= CHANNELS || !socket.connected() {
        return;
    }
    let (app, named) = (app.clone(), channel.clone());
    let pusher = tokio::spawn(async move {
        let _forwards = forwards;
        push(&socket, &app, &named, &token, following).await;
    });
    if let Some(former) = running.insert(channel, pusher) {
        former.abort();
    }
}

/// Ends when the client has gone or the store fails.
async fn push(
    socket: &SocketRef,
    app: &App,
    channel: &str,
    token: &Token,
    mut following: Following,
) {
    let mut total = following.before();
    loop {
        let event = match following.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(?error, "live push ends");
                let _ = socket.clone().disconnect();
                return;
            }
        };
        // The token's secret may have changed since.
        let now = app.store.token(&token.id.to_string()).await.ok().flatten();
        total += 1;
        let created = created(now.as_deref().unwrap_or(token), &event, total);
        if emit(socket, &(channel, created)).await.is_err() {
            return;
        }
    }
}

/// Emits, and waits while the client is still busy with what it has.
async fn emit<T: Serialize>(socket: &SocketRef, arguments: &T) -> Result<(), SendError> {
    let deadline = tokio::time::Instant::now() + STUCK;
    loop {
        match socket.emit("request.created", arguments) {
            Err(SendError::Socket(SocketError::InternalChannelFull))
                if tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => return other,
        }
    }
}

/// The second argument of `request.created`. whcli's `forward` reads `variables`, its `exec` `runtime_variables`.
fn created(token: &Token, event: &Event, total: u64) -> Value {
    let variables = variables(event);
    json!({
        "request": record(token, event),
        "total": total,
        "truncated": false,
        "variables": variables,
        "runtime_variables": variables,
    })
}

/// What `$request.…$` stands for in a forwarder's target and command.
fn variables(event: &Event) -> Map<String, Value> {
    let text = |name: &str, value: String| (name.to_owned(), Value::String(value));
    let one = [
        text("request.uuid", event.id.to_string()),
        text("request.type", event.kind.name().to_owned()),
        text("request.method", event.method.clone()),
        text("request.url", event.url()),
        text("request.ip", event.ip.clone()),
        text("request.hostname", event.hostname().to_owned()),
        text("request.content", content(event)),
    ];
    let query = event.query.iter().flat_map(|query| pairs(query.as_bytes()));
    let query = query.map(|(name, value)| text(&format!("request.query.{name}"), value));
    let headers = headers(&event.headers);
    one.into_iter().chain(query).chain(headers).collect()
}

fn headers(headers: &HeaderMap) -> impl Iterator<Item = (String, Value)> + '_ {
    let texts = headers.iter();
    texts.map(|(name, value)| {
        (
            format!("request.header.{name}"),
            json!(crate::store::header_text(value)),
        )
    })
}
