//! `upstream {}`: servers, method, and the connections kept to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::loader::Loader;
use super::resolver::Names;
use super::scope::Scope;
use super::sticky::{self, Sticky};
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use super::{methods, servers, values};
use crate::balance::Method;
use crate::upstream::{ServerConfig, TargetError, Upstream, UpstreamConfig};

/// An upstream with what the request path needs to know of it.
#[derive(Debug)]
pub(crate) struct UpstreamBlock {
    /// Unlike any other of this process, reloads included.
    pub(crate) id: u64,
    pub(crate) upstream: Arc<Upstream>,
    /// The key of `hash`.
    pub(crate) hash_key: Option<Template>,
    pub(crate) keepalive: KeepAlive,
    pub(crate) sticky: Option<Box<Sticky>>,
    /// Of an address that `proxy_pass` names itself: the port where it says none.
    default_port: Option<u16>,
}

/// Idle connections to the peers, for each worker (ngx_http_upstream_module, `keepalive`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeepAlive {
    /// Idle connections kept; 0 is none.
    pub(crate) connections: usize,
    pub(crate) requests: u64,
    pub(crate) time: Duration,
    pub(crate) timeout: Duration,
}

impl UpstreamBlock {
    /// What `proxy_pass http://authority` means without an `upstream {}` of that name.
    pub(crate) fn implicit(authority: &str, port: u16) -> Result<Self, TargetError> {
        let upstream = Upstream::implicit(authority, port)?;
        let block = Self::new(upstream, None, KeepAlive::default());
        Ok(Self {
            default_port: Some(port),
            ..block
        })
    }

    /// The same for an authority that only a request could name: no failure of one request keeps the next from it.
    pub(crate) fn named_by_request(authority: &str, port: u16) -> Result<Self, TargetError> {
        let server = ServerConfig {
            max_fails: 0,
            ..ServerConfig::new(authority, port)?
        };
        let upstream = Upstream::new(UpstreamConfig {
            name: authority.to_owned(),
            servers: vec![server],
            method: Method::RoundRobin,
            queue: None,
        });
        Ok(Self {
            default_port: Some(port),
            ..Self::new(upstream, None, KeepAlive::default())
        })
    }

    /// Whether a `proxy_pass` to this authority means it; a block of that name always is meant.
    pub(crate) fn is_named(&self, authority: &str, port: u16) -> bool {
        self.upstream.name() == authority && self.default_port.is_none_or(|mine| mine == port)
    }

    /// An address without a port, where none can be assumed.
    pub(crate) fn needs_port(&self) -> bool {
        self.default_port == Some(0) && self.upstream.lacks_port()
    }

    /// Whether another configuration means the same peers by it.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.upstream.name() == other.upstream.name() && self.default_port == other.default_port
    }

    pub(super) fn new(
        upstream: Upstream,
        hash_key: Option<Template>,
        keepalive: KeepAlive,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            upstream: Arc::new(upstream),
            hash_key,
            keepalive,
            sticky: None,
            default_port: None,
        }
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            connections: 32,
            requests: 1000,
            time: Duration::from_secs(3600),
            timeout: Duration::from_secs(60),
        }
    }
}

pub(super) fn parse(
    directive: &Directive,
    http: &Scope<'_>,
    loader: &Loader,
) -> Result<UpstreamBlock, ConfigError> {
    let name = values::only(directive)?.text.clone();
    let scope = http.inside(directive);
    let (method, hash_key) = methods::method(&scope, loader)?;
    scope.here("zone").try_for_each(check_zone)?;
    let names = Names::find(&scope, loader)?;
    let servers = scope
        .here("server")
        .map(|d| servers::server(d, names.as_ref()));
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() {
        return Err(directive.error(format!("no servers are inside upstream \"{name}\"")));
    }
    if servers.iter().all(|server| server.backup) {
        return Err(directive.error(format!(
            "no servers in upstream \"{name}\" that are not backup"
        )));
    }
    check_method(method, &scope, &servers)?;
    let keepalive = keepalive(&scope)?;
    let upstream = Upstream::new(UpstreamConfig {
        name,
        servers,
        method,
        queue: scope.here("queue").next().map(queue).transpose()?,
    });
    let sticky = scope.here("sticky").next();
    let sticky = sticky.map(|d| sticky::parse(d, loader)).transpose()?;
    Ok(UpstreamBlock {
        sticky: sticky.map(Box::new),
        ..UpstreamBlock::new(upstream, hash_key, keepalive)
    })
}

/// What some methods can't do.
fn check_method(
    method: Method,
    scope: &Scope<'_>,
    servers: &[ServerConfig],
) -> Result<(), ConfigError> {
    if method.knows_backups() {
        return Ok(());
    }
    let refused = |server: &ServerConfig| match server {
        ServerConfig { backup: true, .. } => Some("backup"),
        server if !server.slow_start.is_zero() => Some("slow_start"),
        _ => None,
    };
    for (line, server) in scope.here("server").zip(servers) {
        if let Some(name) = refused(server) {
            let message = format!("balancing method does not support parameter \"{name}\"");
            return Err(line.error(message));
        }
    }
    Ok(())
}

/// Peers' state is shared without it, so there is nothing to do; but what makes no sense stays an error.
fn check_zone(directive: &Directive) -> Result<(), ConfigError> {
    let Some(arg) = directive.args.get(1) else {
        return Ok(());
    };
    match values::parse_size(&arg.text) {
        None => Err(arg.error(format!("invalid zone size \"{}\"", arg.text))),
        Some(size) if size < crate::limit::SMALLEST => {
            let name = &directive.args[0].text;
            Err(arg.error(format!("zone \"{name}\" is too small")))
        }
        Some(_) => Ok(()),
    }
}

fn keepalive(scope: &Scope<'_>) -> Result<KeepAlive, ConfigError> {
    let default = KeepAlive::default();
    let connections = match scope.here("keepalive").next() {
        Some(directive) => {
            let arg = values::only(directive)?;
            let invalid = || {
                arg.error(format!(
                    "invalid value \"{}\" in \"keepalive\" directive",
                    arg.text
                ))
            };
            arg.text.parse().map_err(|_| invalid())?
        }
        None => default.connections,
    };
    let time = |name, default| scope.here(name).next().map_or(Ok(default), values::time);
    let requests = scope.here("keepalive_requests").next();
    let requests = requests.map(values::number).transpose()?;
    Ok(KeepAlive {
        connections,
        requests: requests.map_or(default.requests, |n| n as u64),
        time: time("keepalive_time", default.time)?,
        timeout: time("keepalive_timeout", default.timeout)?,
    })
}

/// `queue NUMBER [timeout=TIME]`.
fn queue(directive: &Directive) -> Result<(usize, Duration), ConfigError> {
    let most = values::number(directive)?;
    let timeout = match directive.args.get(1) {
        None => Duration::from_secs(60),
        Some(arg) => {
            let time = arg
                .text
                .strip_prefix("timeout=")
                .and_then(values::parse_time);
            time.ok_or_else(|| arg.error(format!("invalid parameter \"{}\"", arg.text)))?
        }
    };
    if most == 0 {
        return Err(directive.error("invalid number"));
    }
    Ok((most, timeout))
}
