//! Where a request goes: the upstream and the URL that `proxy_pass` names, with variables in it
//! or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ProxyPass, Scheme, Target, UpstreamBlock, host_and_port, split_url};
use crate::exchange::{Exchange, ProxiedTo};
use crate::fault::{Blame, Fault};
use crate::upstream::resolve;

/// One request's destination.
pub(super) struct Destination {
    pub(super) upstream: Arc<UpstreamBlock>,
    /// Replaces the location's prefix.
    pub(super) path: Option<Box<[u8]>>,
    /// The path is the whole target, since it was made with variables.
    pub(super) whole: bool,
    pub(super) scheme: Scheme,
}

/// Upstreams made for addresses that only a request could name. Bounded: a client may choose them.
static MADE: Mutex<Option<ByAddress>> = Mutex::new(None);
/// By authority, and the port where it names none.
type ByAddress = HashMap<(String, u16), Arc<UpstreamBlock>>;
const MOST: usize = 1024;

pub(super) async fn destination(ex: &mut Exchange, pass: &ProxyPass) -> Result<Destination, Fault> {
    match &pass.target {
        Target::Fixed {
            scheme,
            upstream,
            host,
            port,
            path,
        } => {
            ex.proxied_to = ProxiedTo {
                host: Arc::clone(host),
                port: Arc::clone(port),
            };
            Ok(Destination {
                upstream: Arc::clone(upstream),
                path: path.clone(),
                whole: false,
                scheme: *scheme,
            })
        }
        Target::Variable(template) => {
            let url = template.evaluate(ex);
            let url = String::from_utf8(url).map_err(|_| invalid("it is not UTF-8"))?;
            let (scheme, authority, path) =
                split_url(&url).map_err(|why| invalid(&format!("{why} in \"{url}\"")))?;
            let (host, port) = host_and_port(authority, scheme);
            ex.proxied_to = ProxiedTo { host, port };
            let upstream = named(ex, authority, scheme.port()).await?;
            let path = path.map(|path| match path.strip_prefix('?') {
                Some(_) => format!("/{path}").into_bytes().into(),
                None => path.as_bytes().into(),
            });
            Ok(Destination {
                upstream,
                path,
                whole: true,
                scheme,
            })
        }
    }
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
