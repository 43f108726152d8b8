//! A live chat whose handshake and frames can be read.
//!
//! [`run`] serves until the shutdown. A request to `/chat` goes through [`handshake`], becomes a [`socket`] on a
//! [`wire`], and is a [`session`] of the [`hub`] until it ends; [`chat`] is that in one place.

mod bus;
mod chat;
pub mod deflate;
mod draft;
mod echo;
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod hub;
mod limits;
mod mailbox;
mod page;
pub mod protocol;
mod room;
mod session;
mod socket;
mod socketio;
pub mod terminal;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use service::{Shutdown, TrustedProxies};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use bus::Bus;
pub use hub::{Busy, Hub};
pub use limits::Limits;

/// How long requests in flight may take after a shutdown; `docker stop` kills after 10 s.
const DRAIN: Duration = Duration::from_secs(8);
/// Between two tries to reach Redis.
const RETRY: Duration = Duration::from_millis(500);

/// What the command line decides.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Whose word about the client's address and our own is taken.
    pub trusted: TrustedProxies,
    pub limits: Limits,
    /// Pages of these origins may connect, beside our own.
    pub origins: Vec<String>,
    /// Where the other instances meet; None without others.
    pub redis_url: Option<String>,
}

/// What every handler has.
#[derive(Clone, Debug)]
struct App {
    hub: Hub,
    origins: Arc<[String]>,
    /// Each connection's task holds a clone; when the last one is gone, all have said goodbye.
    open: mpsc::Sender<()>,
}

/// Serves on `listener` until `shutdown`.
pub async fn run(listener: TcpListener, config: Config, shutdown: Shutdown) {
    tracing::debug!(limits = ?config.limits, shared = config.redis_url.is_some(), "serving");
    let Some(hub) = hub(config.limits, config.redis_url, &shutdown).await else {
        return;
    };
    let (open, mut all_closed) = mpsc::channel(1);
    let app = App {
        hub: hub.clone(),
        origins: config.origins.into(),
        open,
    };
    let socketio = socketio::router(hub.clone(), Arc::clone(&app.origins), app.open.clone());
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/chat", any(join))
        .route("/echo", any(echo))
        .with_state(app)
        .merge(page::router())
        .merge(socketio);
    let goodbye = async {
        shutdown.triggered().await;
        hub.stop();
    };
    let serving = service::serve(listener, app, shutdown.clone(), DRAIN);
    tokio::join!(serving, goodbye);
    // Not even half of what `docker stop` allows; a client that does not answer is cut off.
    let _ = timeout(DRAIN / 2, all_closed.recv()).await;
}

/// The hub, once its bus is there; None if the shutdown comes first.
async fn hub(limits: Limits, redis_url: Option<String>, shutdown: &Shutdown) -> Option<Hub> {
    let Some(url) = redis_url else {
        return Some(Hub::new(limits));
    };
    loop {
        match Bus::connect(&url).await {
            Ok((bus, epoch, ends)) => {
                let hub = Hub::on_bus(limits, epoch, bus);
                tokio::spawn(ends.run(hub.clone()));
                return Some(hub);
            }
            Err(error) => tracing::warn!(%error, "Redis can't be reached, trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = shutdown.triggered() => return None,
        }
    }
}

/// `/chat`
async fn join(State(app): State<App>, mut request: Request) -> Response {
    let limits = app.hub.limits().clone();
    let terms = chat::terms(&limits, app.origins);
    let (response, socket) = match handshake::upgrade(&mut request, &terms) {
        Ok(upgraded) => upgraded,
        Err(refusal) => return refusal.into_response(),
    };
    let session = match app.hub.connect() {
        Ok(session) => session,
        Err(busy) => return busy.into_response(),
    };
    let wired = request.uri().query() == Some("wire=1");
    let wire = wired.then(|| handshake::lines(&request, &response));
    tokio::spawn(async move {
        if let Some(socket) = socket.await {
            // In a task of its own, which is a third as large: this one has room for hyper's answer.
            tokio::spawn(chat::serve(socket, session, limits, wire, app.open));
        }
    });
    response
}

/// `/echo`
async fn echo(State(app): State<App>, mut request: Request) -> Response {
    let terms = echo::terms(app.origins);
    let (response, socket) = match handshake::upgrade(&mut request, &terms) {
        Ok(upgraded) => upgraded,
        Err(refusal) => return refusal.into_response(),
    };
    let connection = match app.hub.open() {
        Ok(connection) => connection,
        Err(busy) => return busy.into_response(),
    };
    tokio::spawn(async move {
        let _open = app.open;
        if let Some(socket) = socket.await {
            echo::serve(socket, &connection.mailbox).await;
        }
    });
    response
}

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        (status, [(RETRY_AFTER, "5")], format!("{self}\n")).into_response()
    }
}
