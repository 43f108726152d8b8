//! Active checks (`health_check`): asks each peer of an upstream again and again, beside the workers, and tells its
//! health what came of it. One task for each peer that there is, one connection at a time.

mod expect;
mod probe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

pub(crate) use expect::{Expected, Header, HeaderTest, PatternInBody, Statuses};

use crate::config::{ProxyPass, UpstreamBlock};
use crate::upstream::{CheckRules, Peer};

/// However short the interval, an answer may take so long.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// One `health_check` line.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) upstream: Arc<UpstreamBlock>,
    /// Peers are asked as this location would ask them.
    pub(crate) pass: Arc<ProxyPass>,
    pub(crate) is_https: bool,
    pub(crate) rules: CheckRules,
    /// Which of the checks of its upstream it is.
    pub(crate) number: usize,
    pub(crate) interval: Duration,
    pub(crate) jitter: Duration,
    pub(crate) uri: String,
    /// In place of the peer's own.
    pub(crate) port: Option<u16>,
    /// `match`; without one 2xx and 3xx are good.
    pub(crate) expected: Option<Arc<Expected>>,
    /// How long one connection may be used for checks; `None` is one check.
    pub(crate) keepalive_time: Option<Duration>,
}

impl Check {
    /// An answer has until the next check is due, and never longer than a client's request would have.
    fn patience(&self) -> Duration {
        let settings = &self.pass.settings;
        let as_clients = settings.connect_timeout + settings.read_timeout;
        self.interval.max(LEAST_PATIENCE).min(as_clients)
    }
}

/// Runs until it is dropped (a reload ends it with the configuration that it belongs to).
pub(crate) async fn keep_checking(checks: Vec<Arc<Check>>) {
    let mut all = JoinSet::new();
    for check in checks {
        all.spawn(check_all(check));
    }
    while all.join_next().await.is_some() {}
}

/// Peers come and go: whoever is there is asked.
async fn check_all(check: Arc<Check>) {
    let upstream = &check.upstream.upstream;
    let mut changes = upstream.changes();
    let mut tasks = JoinSet::new();
    let mut asked: Vec<(Arc<Peer>, AbortHandle)> = Vec::new();
    loop {
        changes.borrow_and_update();
        let peers = upstream.peers_to_check();
        asked.retain(|(known, task)| {
            let is_there = peers.iter().any(|peer| peer.is_same_as(known));
            if !is_there {
                task.abort();
            }
            is_there
        });
        for peer in peers {
            if !asked.iter().any(|(known, _)| known.is_same_as(&peer)) {
                let task = tasks.spawn(keep_asking(Arc::clone(&check), Arc::clone(&peer)));
                asked.push((peer, task));
            }
        }
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn keep_asking(check: Arc<Check>, peer: Arc<Peer>) {
    let mut kept = None;
    loop {
        if !check.jitter.is_zero() {
            sleep(check.jitter.mul_f64(rand::random())).await;
        }
        let result = probe::ask(&check, &peer, &mut kept).await;
        let now = Instant::now();
        peer.checked(check.number, result, &check.uri, now + check.interval, now);
        sleep(check.interval).await;
    }
}
