//! Where everything is kept. One handle for all doors and readers: [`Store::store`] returns after the commit, never
//! before; whoever subscribed hears of an event only then. Behind it SQLite (one writer thread, group commit) or
//! PostgreSQL.

mod cache;
mod error;
mod event;
mod feed;
mod group;
mod postgres;
mod settings;
mod sqlite;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::broadcast;
use uuid::Uuid;

pub use error::StoreError;
pub use settings::{Place, Settings};

pub(crate) use event::{Event, Kind, NewEvent, header_text};
pub(crate) use feed::Heard;
pub(crate) use token::{Summary, Token, is_alias};

use cache::TokenCache;
use feed::Feed;
use postgres::{Postgres, Turn};
use sqlite::Sqlite;

/// Bodies in one answer; what is beyond is left out or left to the next call.
const STRETCH_BYTES: i64 = 32 * 1024 * 1024;
/// Most tokens; each may fill its inbox.
const MAX_TOKENS: u64 = 100_000;

/// A small document that lasts: a forwarding rule, a dead letter.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) value: Value,
}

/// Which events of a token: those between two times, both included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl Span {
    /// Microseconds since 1970, both ends included.
    fn bounds(self) -> (i64, i64) {
        let from = self.from.map_or(i64::MIN, Timestamp::as_microsecond);
        (from, self.to.map_or(i64::MAX, Timestamp::as_microsecond))
    }
}

/// What a sweep dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swept {
    pub(crate) events: u64,
    pub(crate) tokens: u64,
}

/// A stretch of a token's events in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) span: Span,
    pub(crate) newest_first: bool,
    /// Begin behind this sequence number (before it, if the newest come first).
    pub(crate) beyond: Option<i64>,
    pub(crate) offset: u64,
    pub(crate) limit: usize,
}

/// The handle; clones are the same store.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    base: Base,
    tokens: Arc<TokenCache>,
    feed: Feed,
}

/// The two have the same methods, which [`ask`] calls.
#[derive(Clone, Debug)]
enum Base {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

macro_rules! ask {
    ($store:ident.$method:ident($($argument:expr),* $(,)?)) => {
        match &$store.base {
            Base::Sqlite(base) => base.$method($($argument),*).await,
            Base::Postgres(base) => base.$method($($argument),*).await,
        }
    };
}

impl Store {
    /// Opens it, makes its tables if need be, and starts the writer.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let (feed, tokens) = (Feed::default(), Arc::<TokenCache>::default());
        let base = match &settings.place {
            Place::File(file) => Base::Sqlite(Sqlite::open(file, settings, feed.clone())?),
            Place::Server(server) => {
                let opened = Postgres::open(server, settings, feed.clone(), tokens.clone());
                Base::Postgres(Box::new(opened.await?))
            }
        };
        Ok(Self { base, tokens, feed })
    }

    /// Whether other instances may use the same store.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.base, Base::Postgres(_))
    }

    /// Waits until this instance is the one that does what only one may do.
    pub(crate) async fn lead(&self) -> Result<Lead, StoreError> {
        match &self.base {
            Base::Sqlite(_) => Ok(Lead(None)),
            Base::Postgres(base) => Ok(Lead(Some(base.lead().await?))),
        }
    }

    /// The token with this id or alias.
    pub(crate) async fn token(&self, name: &str) -> Result<Option<Arc<Token>>, StoreError> {
        let name = Uuid::try_parse(name).map_or_else(|_| name.to_owned(), |id| id.to_string());
        let seen = match self.tokens.get(&name) {
            Ok(token) => return Ok(Some(token)),
            Err(seen) => seen,
        };
        let Some(token) = ask!(self.token(name.clone()))?.map(Arc::new) else {
            return Ok(None);
        };
        self.tokens.put(name, token.clone(), seen);
        Ok(Some(token))
    }

    pub(crate) async fn create_token(&self, token: Token) -> Result<(), StoreError> {
        ask!(self.create_token(token, MAX_TOKENS))
    }

    pub(crate) async fn update_token(&self, token: Token) -> Result<(), StoreError> {
        let updated = ask!(self.update_token(token));
        self.tokens.clear();
        updated
    }

    /// Removes a token with all that it holds; whether there was one.
    pub(crate) async fn delete_token(&self, id: Uuid) -> Result<bool, StoreError> {
        let deleted = ask!(self.delete_token(id));
        self.tokens.clear();
        deleted
    }

    /// All tokens, the newest first.
    pub(crate) async fn tokens(
        &self,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<Token>, u64), StoreError> {
        ask!(self.tokens(offset, limit))
    }

    /// Keeps an event for good; an `Ok` means that it is committed.
    pub(crate) async fn store(
        &self,
        event: NewEvent,
        token: &Token,
    ) -> Result<Arc<Event>, StoreError> {
        if token.request_limit == 0 {
            let event = Arc::new(event.committed(0, None));
            self.feed.publish(&event);
            return Ok(event);
        }
        ask!(self.store(event, token.request_limit))
    }

    /// Hears every event of a token from now on. Who lags is told so, and who hears of a large one only that: both read
    /// what they want with [`Store::after`].
    pub(crate) fn subscribe(&self, token: Uuid) -> broadcast::Receiver<Heard> {
        self.feed.subscribe(token)
    }

    pub(crate) async fn event(&self, token: Uuid, id: Uuid) -> Result<Option<Event>, StoreError> {
        ask!(self.event(token, id))
    }

    pub(crate) async fn latest(&self, token: Uuid) -> Result<Option<Event>, StoreError> {
        let newest = Stretch {
            span: Span::default(),
            newest_first: true,
            beyond: None,
            offset: 0,
            limit: 1,
        };
        Ok(self.stretch(token, newest).await?.pop())
    }

    /// What came after `sequence`, the oldest first. May be fewer than `limit` where bodies are large; empty is the
    /// end.
    pub(crate) async fn after(
        &self,
        token: Uuid,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let stretch = Stretch {
            span: Span::default(),
            newest_first: false,
            beyond: Some(sequence),
            offset: 0,
            limit,
        };
        self.stretch(token, stretch).await
    }

    /// A stretch of whole events; it ends early where bodies are large.
    pub(crate) async fn stretch(
        &self,
        token: Uuid,
        stretch: Stretch,
    ) -> Result<Vec<Event>, StoreError> {
        ask!(self.stretch(token, stretch, false))
    }

    /// A stretch of exactly so many events, the last ones without their bodies where these are large.
    pub(crate) async fn listing(
        &self,
        token: Uuid,
        stretch: Stretch,
    ) -> Result<Vec<Event>, StoreError> {
        ask!(self.stretch(token, stretch, true))
    }

    pub(crate) async fn count(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        ask!(self.count(token, span))
    }

    pub(crate) async fn summary(&self, token: Uuid) -> Result<Summary, StoreError> {
        ask!(self.summary(token))
    }

    /// Writes a note on an event; whether there is such an event.
    pub(crate) async fn note(
        &self,
        token: Uuid,
        id: Uuid,
        note: String,
    ) -> Result<bool, StoreError> {
        ask!(self.note(token, id, note))
    }

    pub(crate) async fn delete_events(
        &self,
        token: Uuid,
        ids: Vec<Uuid>,
    ) -> Result<u64, StoreError> {
        ask!(self.delete_events(token, ids))
    }

    pub(crate) async fn delete_span(&self, token: Uuid, span: Span) -> Result<u64, StoreError> {
        ask!(self.delete_span(token, span))
    }

    /// Drops what has outlived its token's wish; called again and again for as long as the service runs.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        let swept = ask!(self.sweep(now))?;
        if swept.tokens > 0 {
            self.tokens.clear();
        }
        Ok(swept)
    }

    /// Keeps a document; one of the same kind and id is replaced.
    pub(crate) async fn keep(
        &self,
        kind: &'static str,
        token: Uuid,
        id: &str,
        value: &Value,
    ) -> Result<(), StoreError> {
        ask!(self.keep(kind, token, id.to_owned(), value.to_string()))
    }

    pub(crate) async fn kept(
        &self,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<Kept>, StoreError> {
        Ok(ask!(self.kept(kind, Some(id.to_owned()), None))?.pop())
    }

    pub(crate) async fn kept_list(
        &self,
        kind: &'static str,
        token: Option<Uuid>,
    ) -> Result<Vec<Kept>, StoreError> {
        ask!(self.kept(kind, None, token))
    }

    /// Drops a document; whether there was one.
    pub(crate) async fn forget(&self, kind: &'static str, id: &str) -> Result<bool, StoreError> {
        ask!(self.forget(kind, id.to_owned()))
    }
}

/// This instance leads for as long as it has this and it isn't lost.
#[derive(Debug)]
pub(crate) struct Lead(Option<Turn>);

impl Lead {
    /// Returns when another instance may lead.
    pub(crate) async fn lost(&mut self) {
        match &mut self.0 {
            Some(turn) => turn.lost().await,
            None => std::future::pending().await,
        }
    }
}
