//! Where a request goes: the upstream and the URL that `proxy_pass` names, with variables in it
//! or not.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use lru::LruCache;

use crate::config::{Names, ProxyPass, Scheme, Target, UpstreamBlock, host_and_port, split_url};
use crate::exchange::{Exchange, ProxiedTo};
use crate::fault::{Blame, Fault};
use crate::upstream::resolve::Resolving;
use crate::upstream::{self, Address, Endpoint};

/// What a request is aimed at, whoever serves it.
pub(super) struct Aim {
    pub(super) scheme: Scheme,
    authority: String,
    /// Replaces the location's prefix.
    pub(super) path: Option<Box<[u8]>>,
    /// The path is the whole target, since it was made with variables.
    pub(super) whole: bool,
}

/// One request's destination.
pub(super) struct Destination {
    pub(super) upstream: Arc<UpstreamBlock>,
    pub(super) aim: Aim,
}

/// Upstreams made for addresses that only a request could name. Bounded: a client may choose them.
static MADE: LazyLock<Mutex<LruCache<Key, Arc<UpstreamBlock>>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(MOST)));
const MOST: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not 0");
/// Who is asked for the name, the authority, and the port where it names none.
type Key = (u64, String, u16);

/// Works the URL of `proxy_pass` out, for `$proxy_host` too.
pub(super) fn aim(ex: &mut Exchange, pass: &ProxyPass) -> Result<Aim, Fault> {
    match &pass.target {
        Target::Fixed {
            scheme,
            host,
            port,
            path,
            ..
        } => {
            ex.proxied_to = ProxiedTo {
                host: Arc::clone(host),
                port: Arc::clone(port),
            };
            Ok(Aim {
                scheme: *scheme,
                authority: String::new(),
                path: path.clone(),
                whole: false,
            })
        }
        Target::Variable { url, .. } => {
            let url = url.evaluate(ex);
            let url = String::from_utf8(url).map_err(|_| invalid("it is not UTF-8"))?;
            let (scheme, authority, path) =
                split_url(&url).map_err(|why| invalid(&format!("{why} in \"{url}\"")))?;
            let (host, port) = host_and_port(authority, scheme);
            ex.proxied_to = ProxiedTo { host, port };
            let path = path.map(|path| match path.strip_prefix('?') {
                Some(_) => format!("/{path}").into_bytes().into(),
                None => path.as_bytes().into(),
            });
            Ok(Aim {
                scheme,
                authority: authority.to_owned(),
                path,
                whole: true,
            })
        }
    }
}

pub(super) async fn destination(ex: &mut Exchange, pass: &ProxyPass) -> Result<Destination, Fault> {
    let aim = aim(ex, pass)?;
    let upstream = match &pass.target {
        Target::Fixed { upstream, .. } => Arc::clone(upstream),
        Target::Variable { names, .. } => {
            named(ex, names, &aim.authority, aim.scheme.port()).await?
        }
    };
    Ok(Destination { upstream, aim })
}

fn invalid(why: &str) -> Fault {
    Fault::new(500, Blame::Us, format!("invalid URL for proxy_pass: {why}"))
}

pub(super) async fn named(
    ex: &Exchange,
    names: &Names,
    authority: &str,
    port: u16,
) -> Result<Arc<UpstreamBlock>, Fault> {
    if let Some(block) = ex.config.upstream(authority, port) {
        return Ok(Arc::clone(block));
    }
    let block = made(names, authority, port)?;
    if let upstream::Target::Name { host, port } = &block.upstream.servers()[0].target
        && !block.needs_port()
    {
        let endpoints = match ex.config.hosts.get(host, *port) {
            Some(address) => vec![Address::Tcp(address).into()],
            None => endpoints(names, host, *port).await?,
        };
        block.upstream.stands_for(0, &endpoints, Instant::now());
    }
    Ok(block)
}

fn made(names: &Names, authority: &str, port: u16) -> Result<Arc<UpstreamBlock>, Fault> {
    let key = (names.resolver.id, authority.to_owned(), port);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(block) = made.get(&key) {
        return Ok(Arc::clone(block));
    }
    let block = UpstreamBlock::named_by_request(authority, port);
    let block = Arc::new(block.map_err(|why| invalid(&why.to_string()))?);
    made.put(key, Arc::clone(&block));
    Ok(block)
}

/// What the name stands for now: known, or asked for while the request waits.
async fn endpoints(names: &Names, host: &str, port: u16) -> Result<Vec<Endpoint>, Fault> {
    let resolving = Resolving {
        resolver: Arc::clone(&names.resolver),
        patience: names.patience,
        service: None,
    };
    let answer = resolving.ask(host, port).await;
    let (endpoints, _) = answer.map_err(|trouble| {
        let why = format!("{host} could not be resolved ({trouble})");
        Fault::new(502, Blame::Upstream, why)
    })?;
    Ok(endpoints)
}
