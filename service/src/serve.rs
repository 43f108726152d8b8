//! Accepts connections for an axum [`Router`] until the shutdown is asked for, then drains them with a deadline.
//! `axum::serve` would do, but its connections outlive it; here the set of connections has one owner, and whoever is
//! left at the deadline is cut off and counted in the log.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Shutdown;

/// How long a connection may take to send a request head, the wait between two requests included. Longer than a
/// proxy keeps an idle connection (nginx: 60 s), so that the proxy closes first and no request is lost between.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// More wait in the kernel's queue until one of these ends.
const MAX_CONNECTIONS: usize = 10_000;
/// A pause after a failed accept (out of file descriptors): the next try would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `app` until `shutdown`, then gives requests in flight up to `drain` to finish. Handlers may extract
/// `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, app: Router, shutdown: Shutdown, drain: Duration) {
    let open = |stream, peer| (stream, peer);
    serve_with(listener, app, shutdown, drain, open).await;
}

/// [`serve`], but `open` sees each new connection first: it may wrap the stream, and what it returns beside it reaches
/// the handlers as `ConnectInfo<T>`.
pub async fn serve_with<S, T>(
    listener: TcpListener,
    app: Router,
    shutdown: Shutdown,
    drain: Duration,
    open: impl Fn(TcpStream, SocketAddr) -> (S, T),
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.triggered() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    // Only fails when the client is gone already; reading will say so.
                    let _ = stream.set_nodelay(true);
                    let (stream, info) = open(stream, peer);
                    connections.spawn(connection(stream, info, app.clone(), shutdown.clone()));
                }
                Err(error) => pause_after(&error).await,
            },
        }
    }
    drop(listener); // from here on, new connections are refused
    drained(connections, &shutdown, drain).await;
}

async fn pause_after(error: &io::Error) {
    // A client that gave up while it waited is no trouble of ours.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!(%error, "accept failed");
        sleep(ACCEPT_PAUSE).await;
    }
}

/// One connection, all its requests; on shutdown it finishes the request in flight and closes.
async fn connection<S, T>(stream: S, info: T, app: Router, shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(info.clone()));
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.triggered() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended badly");
    }
}

async fn drained(mut connections: JoinSet<()>, shutdown: &Shutdown, drain: Duration) {
    while connections.try_join_next().is_some() {}
    let open = connections.len();
    tracing::info!(open, deadline = ?drain, "no longer accepting, draining");
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        _ = timeout(drain, all) => {}
        () = shutdown.hurried() => {}
    }
    match connections.len() {
        0 => tracing::info!("stopped, every request was answered"),
        cut => tracing::warn!(cut, "stopped, requests were cut off"),
    }
    connections.shutdown().await;
}
