//! The three identical backends: one small HTTP server, told its name by its environment, with endpoints that
//! misbehave on request.
//!
//! [`run`] serves until the shutdown or until somebody asks for `/crash`; the table of endpoints is [`router`].

mod bodies;
mod cacheable;
mod faults;
mod identity;
mod parameters;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{any, get};
use bytes::Bytes;
use service::Shutdown;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long requests in flight may take after a shutdown; `docker stop` kills after 10 s.
const DRAIN: Duration = Duration::from_secs(8);
/// What `/echo` takes in before it answers 413.
const MAX_BODY: usize = 1024 * 1024;

/// What tells one backend from the next.
#[derive(Clone, Debug)]
pub struct Config {
    /// `Server 1`, from `SERVER_NAME`.
    pub name: String,
}

/// Somebody asked for `/crash`: connections are cut off in the middle, as if the process had died.
///
/// A process ends itself on it; the launcher, which runs all services in one process, starts the service again.
#[derive(Debug, thiserror::Error)]
#[error("crashed on purpose: somebody asked for /crash")]
pub struct Crashed;

/// What all handlers of one backend share.
#[derive(Debug)]
struct Backend {
    name: String,
    greeting: Bytes,
    shutdown: Shutdown,
    crash: Notify,
    /// How often `/files/counter.txt` was really fetched from here.
    fetches: std::sync::atomic::AtomicU64,
}

type Shared = axum::extract::State<Arc<Backend>>;

/// Serves one backend on `listener` until `shutdown`.
///
/// # Errors
/// [`Crashed`], when asked to.
pub async fn run(listener: TcpListener, config: Config, shutdown: Shutdown) -> Result<(), Crashed> {
    let backend = Arc::new(Backend {
        greeting: format!("Hello from {}!", config.name).into(),
        name: config.name,
        shutdown: shutdown.clone(),
        crash: Notify::new(),
        fetches: 0.into(),
    });
    let app = router(Arc::clone(&backend));
    tokio::select! {
        () = service::serve_with(listener, app, shutdown, DRAIN, wire::record) => Ok(()),
        () = backend.crash.notified() => Err(Crashed),
    }
}

fn router(backend: Arc<Backend>) -> Router {
    Router::new()
        .route("/", get(identity::hello))
        .route("/whoami", any(identity::whoami))
        .route("/echo", any(identity::echo))
        .route("/slow", any(faults::slow))
        .route("/fail", any(faults::fail))
        .route("/hang", any(faults::hang))
        .route("/crash", any(faults::crash))
        .route("/bytes", get(bodies::bytes))
        .route("/stream", get(bodies::stream))
        .route("/files/", get(cacheable::list))
        .route("/files/{name}", get(cacheable::file))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, ENDPOINTS) })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(backend)
}

const ENDPOINTS: &str = "\
Nothing here. This backend answers:
  /                      Hello from Server N!
  /whoami                who answers, and how your request arrived, as JSON
  /echo                  your request's head and body, as they arrived
  /slow?ms=1000          the greeting, after a while (at most 60000)
  /fail?status=503       that status (400 to 599); /fail?rate=0.3 fails three times in ten
  /hang                  no answer, ever
  /crash                 ends the process in the middle of your request
  /bytes?n=1024          n bytes (at most 67108864)
  /stream?n=5&ms=200     n lines, one each ms (at most 10000, 60000)
  /files/                samples that a cache may keep, or not
  /healthz               ok
";
