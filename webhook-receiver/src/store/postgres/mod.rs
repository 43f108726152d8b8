//! PostgreSQL, which several instances may share: one task that commits groups (see [`writer`]), a few connections
//! that read and change, one that hears what was committed, whoever did it (see [`listener`]).

mod documents;
mod events;
mod lead;
mod link;
mod listener;
mod rows;
mod tokens;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_postgres::Config;

use self::link::Link;
use super::cache::TokenCache;
use super::feed::Feed;
use super::group::{self, Waiting};
use super::{Event, NewEvent, Settings, StoreError, Swept};

pub(super) use lead::Turn;

/// Connections that read and change; each takes the next request before it has answered the last.
const LINKS: usize = 4;
/// How long a server that is being started may take.
const START: Duration = Duration::from_secs(30);
const START_PAUSE: Duration = Duration::from_millis(500);
/// How long a server may take to accept a connection, if its address doesn't say.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that is idle for so long asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(super) struct Postgres {
    writes: mpsc::Sender<Waiting>,
    links: Arc<[Link]>,
    next: Arc<AtomicUsize>,
    config: Config,
}

impl Postgres {
    pub(super) async fn open(
        server: &Config,
        settings: &Settings,
        feed: Feed,
        tokens: Arc<TokenCache>,
    ) -> Result<Self, StoreError> {
        let mut config = server.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.keepalives_idle(KEEPALIVE);
        let links: Arc<[Link]> = (0..LINKS).map(|_| Link::new(config.clone())).collect();
        prepare(&links[0]).await?;
        let (writes, queue) = mpsc::channel(settings.queue.max(1));
        let postgres = Self {
            writes,
            links,
            next: Arc::default(),
            config: config.clone(),
        };
        let group = !settings.commit_each;
        tokio::spawn(writer::run(Link::new(config), queue, group));
        tokio::spawn(listener::run(postgres.clone(), feed, tokens));
        Ok(postgres)
    }

    /// One of the connections, in turn.
    fn link(&self) -> &Link {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        &self.links[turn % self.links.len()]
    }

    pub(super) async fn store(
        &self,
        event: NewEvent,
        limit: u32,
    ) -> Result<Arc<Event>, StoreError> {
        group::queue(&self.writes, event, limit).await
    }

    /// In small steps, and beside other instances that sweep at the same time.
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        let now = now.as_microsecond();
        let link = self.link();
        let mut events = 0;
        loop {
            match link.execute(rows::SWEEP_EVENTS, &[&now]).await? {
                0 => break,
                some => events += some,
            }
        }
        let tokens: i64 = link.one(rows::SWEEP_TOKENS, &[&now]).await?;
        Ok(Swept {
            events,
            tokens: tokens.unsigned_abs(),
        })
    }
}

/// Makes the tables; waits for a server that is not there yet.
async fn prepare(link: &Link) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        match link.batch(rows::SCHEMA).await {
            Err(error) if began.elapsed() < START && !link::is_answer(&error) => {
                tracing::info!(%error, "waiting for PostgreSQL");
                tokio::time::sleep(START_PAUSE).await;
            }
            done => return done,
        }
    }
}
