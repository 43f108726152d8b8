//! Names to addresses while requests run: our own small resolver (`resolver`), and the system's where none is named.
//!
//! Takes a name, decides from what it knows whether to ask, hands on addresses or services and how long they count.
//! One question for a name is under way at a time, however many requests wait for it, in all workers together.

mod answer;
mod cache;
mod message;
mod name;
mod system;
mod transport;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

pub(crate) use message::{Kind, Question, Service};
pub(crate) use name::Name;
pub(crate) use system::lookup as ask_system;

use answer::MOST_ALIASES;
use cache::{Cache, Flight, Key, Look};
use message::Data;

/// Names asked for at a time, of one resolver: clients may choose them.
const MOST_FLIGHTS: usize = 512;

/// Why there is no answer, in nginx's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("3: Host not found")]
    NotFound,
    #[error("{code}: {words}", code = .0, words = words(*.0))]
    Server(u8),
    #[error("110: Operation timed out")]
    Timeout,
    #[error("the name server can't be asked: {0}")]
    Unreachable(std::io::ErrorKind),
    #[error("its aliases never end")]
    Loop,
    #[error("too many names are asked for at a time")]
    Busy,
    #[error("{0}")]
    System(Arc<str>),
}

fn words(code: u8) -> &'static str {
    match code {
        1 => "Format error",
        2 => "Server failure",
        4 => "Unimplemented",
        5 => "Operation refused",
        _ => "Unknown error",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Want {
    Addresses,
    Services,
}

/// An answer, and until when it counts.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub(crate) records: Arc<[T]>,
    pub(crate) until: Instant,
}

type Answer = Result<Found<Data>, (Trouble, Option<Instant>)>;

#[derive(Debug)]
pub(crate) struct Resolver {
    /// Unlike any other of this process, reloads included.
    pub(crate) id: u64,
    source: Source,
    /// How long answers count, whatever the records say.
    valid: Option<Duration>,
    /// The server to ask next.
    turn: AtomicUsize,
    cache: Mutex<Cache>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
enum Source {
    System,
    Servers {
        addresses: Vec<SocketAddr>,
        kinds: Vec<Kind>,
    },
}

impl Resolver {
    /// Asks these servers in turn, for these kinds of addresses.
    pub(crate) fn new(
        addresses: Vec<SocketAddr>,
        kinds: Vec<Kind>,
        valid: Option<Duration>,
    ) -> Self {
        Self::of(Source::Servers { addresses, kinds }, valid)
    }

    /// `getaddrinfo`, which blocks, so on a thread of its own; it knows hosts files, but no times and no services.
    pub(crate) fn system() -> Self {
        Self::of(Source::System, None)
    }

    fn of(source: Source, valid: Option<Duration>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Relaxed),
            source,
            valid,
            turn: AtomicUsize::new(0),
            cache: Mutex::default(),
            room: Arc::new(Semaphore::new(MOST_FLIGHTS)),
        }
    }

    pub(crate) async fn addresses(
        self: &Arc<Self>,
        name: &Name,
        patience: Duration,
    ) -> Result<Found<IpAddr>, Trouble> {
        let found = self.find(name, Want::Addresses, patience).await?;
        Ok(found.only(|data| match data {
            Data::Address(ip) => Some(*ip),
            _ => None,
        }))
    }

    pub(crate) async fn services(
        self: &Arc<Self>,
        name: &Name,
        patience: Duration,
    ) -> Result<Found<Service>, Trouble> {
        let found = self.find(name, Want::Services, patience).await?;
        Ok(found.only(|data| match data {
            Data::Service(service) => Some(service.clone()),
            _ => None,
        }))
    }

    async fn find(
        self: &Arc<Self>,
        name: &Name,
        want: Want,
        patience: Duration,
    ) -> Result<Found<Data>, Trouble> {
        let key = (name.clone(), want);
        let answer = timeout(patience, async {
            loop {
                let mut flight = match self.look(&key, patience) {
                    Ok(answer) => return answer,
                    Err(flight) => flight,
                };
                match flight.wait_for(Option::is_some).await.as_deref() {
                    // It was another's patience that ended.
                    Ok(Some(Err((Trouble::Timeout, _)))) | Err(_) | Ok(None) => {}
                    Ok(Some(answer)) => return answer.clone(),
                }
            }
        });
        match answer.await {
            Ok(answer) => answer.map_err(|(trouble, _)| trouble),
            Err(_) => Err(Trouble::Timeout),
        }
    }

    /// What is known, else the question that is under way from now on.
    fn look(self: &Arc<Self>, key: &Key, patience: Duration) -> Result<Answer, Flight> {
        let mut cache = self.cache();
        match cache.look(key, Instant::now()) {
            Look::Known(answer) => return Ok(answer),
            Look::Asked(flight) => return Err(flight),
            Look::Unknown => {}
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Ok(Err((Trouble::Busy, None)));
        };
        let (told, flight) = watch::channel(None);
        cache.asked(key.clone(), flight.clone());
        drop(cache);
        let (resolver, key) = (Arc::clone(self), key.clone());
        tokio::spawn(async move {
            let _room = room;
            let asked = timeout(patience, resolver.ask(&key)).await;
            let answer = asked.unwrap_or(Err((Trouble::Timeout, None)));
            let until = match &answer {
                Ok(found) => Some(found.until),
                Err((_, until)) => *until,
            };
            resolver.cache().learnt(key, &answer, until);
            let _ = told.send(Some(answer));
        });
        Err(flight)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache
            .lock()
            .expect("no code panics while it holds the cache")
    }

    async fn ask(&self, (name, want): &Key) -> Answer {
        let (addresses, kinds) = match &self.source {
            Source::System => return system::ask(name).await,
            Source::Servers { addresses, kinds } => (addresses, kinds.as_slice()),
        };
        let kinds = match want {
            Want::Addresses => kinds,
            Want::Services => &[Kind::Srv],
        };
        let first = self.turn.fetch_add(1, Relaxed);
        let mut name = name.clone();
        let mut ttl: Option<u32> = None;
        for _ in 0..=MOST_ALIASES {
            let said = ask_kinds(addresses, first, &name, kinds).await;
            let said = said.map_err(|trouble| (trouble, None))?;
            let times = said.iter().filter_map(|said| said.ttl);
            ttl = times.chain(ttl).min();
            let now = Instant::now();
            if said.iter().any(|said| !said.found.is_empty()) {
                let records = said.into_iter().flat_map(|said| said.found).collect();
                let until = now + answer::lifetime(ttl.unwrap_or(0), self.valid);
                return Ok(Found { records, until });
            }
            // An alias holds for all kinds; where the replies disagree the last counts, as in nginx.
            match said.last().and_then(|said| said.alias.clone()) {
                Some(alias) => name = alias,
                None => {
                    let ttl = said.iter().filter_map(|said| said.negative_ttl).min();
                    let until = now + answer::negative_lifetime(ttl, self.valid);
                    return Err((Trouble::NotFound, Some(until)));
                }
            }
        }
        Err((Trouble::Loop, None))
    }
}

impl Found<Data> {
    fn only<T>(&self, wanted: impl Fn(&Data) -> Option<T>) -> Found<T> {
        Found {
            records: self.records.iter().filter_map(wanted).collect(),
            until: self.until,
        }
    }
}

/// All kinds at a time, from the same server. If one fails, all have: half an answer may be the wrong half.
async fn ask_kinds(
    servers: &[SocketAddr],
    first: usize,
    name: &Name,
    kinds: &[Kind],
) -> Result<Vec<answer::Said>, Trouble> {
    let ask = |kind| transport::ask(servers, first, name, kind);
    let replies = match *kinds {
        [one, two] => {
            let (one, two) = tokio::try_join!(ask(one), ask(two))?;
            vec![one, two]
        }
        [one] => vec![ask(one).await?],
        _ => unreachable!("there are two kinds of addresses"),
    };
    replies
        .into_iter()
        .map(|(question, reply)| answer::understand(&question, &reply))
        .collect()
}
