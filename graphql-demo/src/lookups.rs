//! The data behind the schema, as if it were a database: every access is a look-up, and look-ups are counted.
//!
//! A resolver only knows its own object, so a list of 250 countries asks 250 times for a continent: the N+1 problem.
//! With batching (the default) the questions of one moment are put together by a `DataLoader` and answered by one
//! look-up; `?loader=off` shows what happens without.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{Timer, TokioSpawner};
use countries::{Continent, Country, Language};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Which country a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountryCode(pub(crate) &'static str);
/// Which continent a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ContinentCode(pub(crate) &'static str);
/// Which language a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LanguageCode(pub(crate) &'static str);
/// Which countries lie on a continent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountriesOn(pub(crate) &'static str);
/// In which countries a language is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountriesSpeaking(pub(crate) &'static str);

type Countries = &'static [&'static Country];

/// One request's way to the data.
pub(crate) struct Lookups {
    source: Source,
    batching: Option<DataLoader<Source>>,
}

/// Answers for many keys at once, and counts itself.
#[derive(Clone, Default)]
pub(crate) struct Source {
    count: Arc<AtomicU32>,
}

impl Lookups {
    pub(crate) fn new(batching: bool) -> Self {
        let source = Source::default();
        let loader = || DataLoader::new(source.clone(), TokioSpawner::current(), NextTurn);
        Self {
            batching: batching.then(loader),
            source,
        }
    }

    /// A handle on how many look-ups there have been so far.
    pub(crate) fn count(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.source.count)
    }

    /// One look-up that no batch is needed for.
    pub(crate) fn counted(&self) {
        self.source.counted();
    }

    /// What the keys mean, in their order; unknown ones are left out.
    pub(crate) async fn many<K>(&self, keys: impl Iterator<Item = K> + Clone) -> Vec<Value<K>>
    where
        Source: Loader<K, Error = Infallible>,
        K: Copy + Eq + Hash + Send + Sync + 'static,
    {
        let Ok(found) = match &self.batching {
            // Boxed, because it is large, and part of each object's resolver, which is moved about for every field.
            Some(loader) => Box::pin(loader.load_many(keys.clone())).await,
            None => self.source.load(&keys.clone().collect::<Vec<_>>()).await,
        };
        keys.filter_map(|key| found.get(&key).cloned()).collect()
    }

    /// What a key means.
    pub(crate) async fn one<K>(&self, key: K) -> Option<Value<K>>
    where
        Source: Loader<K, Error = Infallible>,
        K: Copy + Eq + Hash + Send + Sync + 'static,
    {
        self.many(std::iter::once(key)).await.pop()
    }
}

type Value<K> = <Source as Loader<K>>::Value;

impl Source {
    fn counted(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Batches go off as soon as every resolver that can go on has gone on: no need to wait the usual millisecond, since
/// all of a request's resolvers run in one task.
struct NextTurn;

impl Timer for NextTurn {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        tokio::task::yield_now().boxed()
    }
}

/// A `Loader` from a key to whatever a function makes of it.
macro_rules! load {
    ($key:ident => $value:ty, $look_up:expr) => {
        impl Loader<$key> for Source {
            type Value = $value;
            type Error = Infallible;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Infallible> {
                self.counted();
                let look_up: fn(&'static str) -> Option<$value> = $look_up;
                let found = |key: &$key| Some((*key, look_up(key.0)?));
                Ok(keys.iter().filter_map(found).collect())
            }
        }
    };
}

load!(CountryCode => &'static Country, |code| countries::country(code));
load!(ContinentCode => &'static Continent, |code| countries::continent(code));
load!(LanguageCode => &'static Language, |code| countries::language(code));
load!(CountriesOn => Countries, |code| index().on_continent.get(code).map(Vec::as_slice));
load!(CountriesSpeaking => Countries, |code| index().speaking.get(code).map(Vec::as_slice));

/// The countries by what they have in common, as a database would index them.
struct Index {
    on_continent: HashMap<&'static str, Vec<&'static Country>>,
    speaking: HashMap<&'static str, Vec<&'static Country>>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index {
            on_continent: HashMap::new(),
            speaking: HashMap::new(),
        };
        for country in &countries::facts().countries {
            let on_continent = index.on_continent.entry(country.continent);
            on_continent.or_default().push(country);
            for language in &country.languages {
                index.speaking.entry(language).or_default().push(country);
            }
        }
        index
    })
}
