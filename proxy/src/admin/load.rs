//! `POST /api/load`: requests to one of the proxy's own ports, so that a page can make something happen. Bounded in
//! number and pace, one run at a time, over a few kept connections; progress is in the status. It is no load tester: it
//! shares the machine with what it asks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

const MOST: u64 = 10_000;
const CONNECTIONS: u64 = 8;
/// One request each, so that whoever watches sees the counts move.
const PACE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_BODY: usize = 1 << 20;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    requests: u64,
    /// As in the configuration: `listen 80`.
    port: u16,
    #[serde(default = "root")]
    path: String,
}

fn root() -> String {
    "/".to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LoadError {
    #[error("requests are 1 to {MOST}")]
    Requests,
    #[error("a path begins with / and has no spaces")]
    Path,
    #[error("no server listens on port {0} without TLS")]
    Port(u16),
    #[error("a run is under way")]
    Busy,
}

/// The runs since the start; at most one goes on.
#[derive(Debug, Default)]
pub(crate) struct Load {
    current: Mutex<Option<Arc<Run>>>,
}

/// One run, counted while it goes on.
#[derive(Debug)]
struct Run {
    requests: u64,
    begin: Instant,
    started: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    statuses: Mutex<BTreeMap<u16, u64>>,
}

/// The last run, or the one that goes on.
#[derive(Debug, Default, Serialize)]
pub(super) struct LoadReport {
    running: bool,
    requests: u64,
    done: u64,
    /// Without any answer.
    failed: u64,
    statuses: BTreeMap<u16, u64>,
}

impl Load {
    pub(super) fn report(&self) -> LoadReport {
        let Some(run) = self.current().clone() else {
            return LoadReport::default();
        };
        let done = run.done.load(Relaxed);
        LoadReport {
            running: done < run.requests,
            requests: run.requests,
            done,
            failed: run.failed.load(Relaxed),
            statuses: run.statuses().clone(),
        }
    }

    /// Begins a run, unless one goes on. `port_of` knows the address behind a port of the configuration.
    pub(super) fn start(
        &self,
        order: &Order,
        address_of: impl Fn(u16) -> Option<SocketAddr>,
    ) -> Result<(), LoadError> {
        if !(1..=MOST).contains(&order.requests) {
            return Err(LoadError::Requests);
        }
        let uri = Some(&order.path).filter(|path| path.starts_with('/'));
        let uri: Uri = uri
            .and_then(|path| path.parse().ok())
            .ok_or(LoadError::Path)?;
        let address = address_of(order.port).ok_or(LoadError::Port(order.port))?;
        let mut current = self.current();
        let is_busy = |run: &Arc<Run>| run.done.load(Relaxed) < run.requests;
        if current.as_ref().is_some_and(is_busy) {
            return Err(LoadError::Busy);
        }
        let run = Arc::new(Run {
            requests: order.requests,
            begin: Instant::now(),
            started: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            statuses: Mutex::default(),
        });
        *current = Some(Arc::clone(&run));
        for _ in 0..CONNECTIONS.min(order.requests) {
            tokio::spawn(Arc::clone(&run).work(reachable(address), uri.clone()));
        }
        Ok(())
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<Arc<Run>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a wildcard address is reached from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

impl Run {
    fn statuses(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, u64>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, each at its time, until all requests of the run are taken; a connection that fails costs one request.
    async fn work(self: Arc<Self>, address: SocketAddr, uri: Uri) {
        let mut connection = None;
        loop {
            let number = self.started.fetch_add(1, Relaxed);
            if number >= self.requests {
                return;
            }
            // At most MOST, so it fits.
            sleep_until(self.begin + PACE * number as u32).await;
            match timeout(PATIENCE, ask(&mut connection, address, &uri)).await {
                Ok(Some(status)) => *self.statuses().entry(status).or_default() += 1,
                Ok(None) | Err(_) => {
                    connection = None;
                    self.failed.fetch_add(1, Relaxed);
                }
            }
            self.done.fetch_add(1, Relaxed);
        }
    }
}

type Connection = SendRequest<Empty<Bytes>>;

/// One request and its whole answer; the connection is kept if it can be.
async fn ask(kept: &mut Option<Connection>, address: SocketAddr, uri: &Uri) -> Option<u16> {
    let mut connection = match kept.take().filter(|connection| !connection.is_closed()) {
        Some(connection) => connection,
        None => connect(address).await?,
    };
    let host = format!("localhost:{}", address.port());
    let request = Request::get(uri.clone())
        .header("host", host)
        .header("user-agent", "lab8-dashboard");
    connection.ready().await.ok()?;
    let answer = connection
        .send_request(request.body(Empty::new()).ok()?)
        .await
        .ok()?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), LONGEST_BODY);
    // The status counts also if the body was too long; only the connection is lost then.
    if body.collect().await.is_ok() {
        *kept = Some(connection);
    }
    Some(status)
}

async fn connect(address: SocketAddr) -> Option<Connection> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(async move {
        // It ends with its sender; what went wrong was told there.
        let _ = connection.await;
    });
    Some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(requests: u64, path: &str) -> Order {
        Order {
            requests,
            port: 80,
            path: path.to_owned(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let load = Load::default();
        let start = |order: Order| load.start(&order, |_| None);
        assert_eq!(start(order(0, "/")), Err(LoadError::Requests));
        assert_eq!(start(order(MOST + 1, "/")), Err(LoadError::Requests));
        for path in ["", "x", "http://elsewhere/", "/a b", "/\r\n"] {
            assert_eq!(start(order(1, path)), Err(LoadError::Path), "{path:?}");
        }
        assert_eq!(start(order(1, "/")), Err(LoadError::Port(80)));
    }

    #[tokio::test]
    async fn every_request_of_a_run_is_counted_and_only_one_run_goes_on() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    .await;
            }
        });
        let load = Load::default();
        let start = || load.start(&order(50, "/"), |_| Some(address));
        start().unwrap();
        assert_eq!(start(), Err(LoadError::Busy));
        let all = async {
            while load.report().running {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, all).await.unwrap();
        let report = load.report();
        assert_eq!((report.done, report.failed), (50, 0));
        assert_eq!(report.statuses, BTreeMap::from([(204, 50)]));
        start().unwrap();
        server.abort();
    }
}
