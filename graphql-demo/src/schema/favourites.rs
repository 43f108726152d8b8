//! A visitor's list of favourite countries: something small to change, and to watch changing.
//!
//! A list belongs to a session (see `http/visitor.rs` for how a visitor has one), lives in memory, and is forgotten
//! when a thousand newer sessions have come. Only names that were made up here open a session: who could choose one
//! would choose what others guess.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Context, Enum, Error, ID, Object, Subscription as Streams};
use countries::Country;
use futures_util::stream::{Stream, unfold};
use lru::LruCache;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::country::CountryObject;
use crate::direct::{Direct, Many, One};

const MAX_SESSIONS: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");
/// Changes that a slow subscriber may lag behind; it misses what is older.
const BACKLOG: usize = 16;

/// All sessions, by name.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Mutex<LruCache<String, Session>>>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MAX_SESSIONS))))
    }
}

impl Sessions {
    /// The session of that name, if there is one.
    pub(crate) fn known(&self, name: &str) -> Option<Session> {
        self.all().get(name).cloned()
    }

    /// The session of a name that was made up just now.
    pub(crate) fn open(&self, name: &str) -> Session {
        let mut sessions = self.all();
        let session = sessions.get_or_insert_ref(name, Session::default);
        session.clone()
    }

    fn all(&self) -> MutexGuard<'_, LruCache<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One visitor's list.
#[derive(Clone)]
pub(crate) struct Session {
    list: Arc<Mutex<Vec<&'static Country>>>,
    changes: broadcast::Sender<FavouritesChange>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            list: Arc::default(),
            changes: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Session {
    pub(crate) fn countries(&self) -> Many<CountryObject> {
        CountryObject::all(self.list().iter().copied())
    }

    fn list(&self) -> MutexGuard<'_, Vec<&'static Country>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds or removes a country and tells who listens; what changes nothing is no change.
    fn change(&self, code: &str, action: FavouriteAction) -> Result<Many<CountryObject>, Error> {
        let country = countries::country(code).ok_or_else(|| {
            Error::new(format!(
                "There is no country {code:?}: use a code such as \"BR\"."
            ))
        })?;
        let mut list = self.list();
        let at = list.iter().position(|one| one.code == country.code);
        match (action, at) {
            (FavouriteAction::Added, None) => list.push(country),
            (FavouriteAction::Removed, Some(at)) => {
                list.remove(at);
            }
            _ => return Ok(CountryObject::all(list.iter().copied())),
        }
        // An error says that nobody listens.
        let _ = self.changes.send(FavouritesChange {
            action,
            country,
            favourites: list.clone(),
        });
        Ok(CountryObject::all(list.iter().copied()))
    }
}

/// What has happened to a country on the list.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum FavouriteAction {
    Added,
    Removed,
}

/// One change of the visitor's list.
#[derive(Clone)]
struct FavouritesChange {
    action: FavouriteAction,
    country: &'static Country,
    favourites: Vec<&'static Country>,
}

#[Object]
impl FavouritesChange {
    async fn action(&self) -> FavouriteAction {
        self.action
    }

    async fn country(&self) -> One<CountryObject> {
        One(CountryObject(self.country))
    }

    /// The whole list after the change.
    async fn favourites(&self) -> Many<CountryObject> {
        CountryObject::all(self.favourites.iter().copied())
    }
}

impl Direct for FavouritesChange {}

/// Changes; the public API has none.
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    /// Puts a country on the visitor's list and returns the list.
    async fn add_favourite(
        &self,
        ctx: &Context<'_>,
        code: ID,
    ) -> Result<Many<CountryObject>, Error> {
        let session = ctx.data_unchecked::<Session>();
        session.change(&code, FavouriteAction::Added)
    }

    /// Takes a country off the visitor's list and returns the list.
    async fn remove_favourite(
        &self,
        ctx: &Context<'_>,
        code: ID,
    ) -> Result<Many<CountryObject>, Error> {
        let session = ctx.data_unchecked::<Session>();
        session.change(&code, FavouriteAction::Removed)
    }
}

/// What can be watched; the public API has nothing.
pub(crate) struct Subscription;

#[Streams]
impl Subscription {
    /// Every change of the visitor's list, from now on.
    async fn favourites_changed(
        &self,
        ctx: &Context<'_>,
    ) -> impl Stream<Item = One<FavouritesChange>> + use<> {
        let changes = ctx.data_unchecked::<Session>().changes.subscribe();
        unfold(changes, async |mut changes| {
            loop {
                match changes.recv().await {
                    Ok(change) => return Some((One(change), changes)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }
}
