//! Where a request goes: the upstream and the URL that `proxy_pass` names, with variables in it
//! or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ProxyPass, Scheme, Target, UpstreamBlock, host_and_port, split_url};
use crate::exchange::{Exchange, ProxiedTo};
use crate::fault::{Blame, Fault};
use crate::upstream::resolve;

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
static MADE: Mutex<Option<ByAddress>> = Mutex::new(None);
/// By authority, and the port where it names none.
type ByAddress = HashMap<(String, u16), Arc<UpstreamBlock>>;
const MOST: usize = 1024;

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
        Target::Variable(template) => {
            let url = template.evaluate(ex);
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
        Target::Variable(_) => named(ex, &aim.authority, aim.scheme.port()).await?,
    };
    Ok(Destination { upstream, aim })
}

fn invalid(why: &str) -> Fault {
    Fault::new(500, Blame::Us, format!("invalid URL for proxy_pass: {why}"))
}

pub(super) async fn named(
    ex: &Exchange,
    authority: &str,
    port: u16,
) -> Result<Arc<UpstreamBlock>, Fault> {
    if let Some(block) = ex.config.upstream(authority, port) {
        return Ok(Arc::clone(block));
    }
    let found = {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.get_or_insert_default()
            .get(&(authority.to_owned(), port))
            .cloned()
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let block =
        UpstreamBlock::implicit(authority, port).map_err(|why| invalid(&why.to_string()))?;
    let block = Arc::new(block);
    resolve::resolve_once(&[Arc::clone(&block.upstream)], &ex.config.hosts).await;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if made.len() >= MOST {
        made.clear();
    }
    made.insert((authority.to_owned(), port), Arc::clone(&block));
    Ok(block)
}
