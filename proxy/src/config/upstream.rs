//! `upstream {}`: servers, method, and the connections kept to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;
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
    let (method, hash_key) = method(&scope, loader)?;
    let servers: Vec<_> = scope.here("server").map(server).collect::<Result<_, _>>()?;
    if servers.is_empty() {
        return Err(directive.error(format!("no servers are inside upstream \"{name}\"")));
    }
    if servers.iter().all(|server| server.backup) {
        return Err(directive.error(format!(
            "no servers in upstream \"{name}\" that are not backup"
        )));
    }
    if let Some(backup) = scope.here("server").zip(&servers).find(|(_, s)| s.backup)
        && !matches!(method, Method::RoundRobin | Method::LeastConn)
    {
        let message = "balancing method does not support parameter \"backup\"";
        return Err(backup.0.error(message));
    }
    let keepalive = keepalive(&scope)?;
    let upstream = Upstream::new(UpstreamConfig {
        name,
        servers,
        method,
    });
    Ok(UpstreamBlock::new(upstream, hash_key, keepalive))
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

fn method(scope: &Scope<'_>, loader: &Loader) -> Result<(Method, Option<Template>), ConfigError> {
    let mut chosen = (Method::RoundRobin, None);
    let mut seen: Option<&Directive> = None;
    for directive in scope.directives {
        let method = match directive.name.as_str() {
            "least_conn" => (Method::LeastConn, None),
            "ip_hash" => (Method::IpHash, None),
            "hash" => hash(directive, loader)?,
            "random" => (random(directive)?, None),
            _ => continue,
        };
        if seen.replace(directive).is_some() {
            return Err(directive.error("load balancing method redefined"));
        }
        chosen = method;
    }
    Ok(chosen)
}

fn hash(directive: &Directive, loader: &Loader) -> Result<(Method, Option<Template>), ConfigError> {
    let key = loader.template(values::only(directive)?)?;
    let consistent = match directive.args.get(1).map(|arg| arg.text.as_str()) {
        None => false,
        Some("consistent") => true,
        Some(other) => return Err(directive.error(format!("invalid parameter \"{other}\""))),
    };
    Ok((Method::Hash { consistent }, Some(key)))
}

fn random(directive: &Directive) -> Result<Method, ConfigError> {
    let words: Vec<&str> = directive.args.iter().map(|arg| arg.text.as_str()).collect();
    match words.as_slice() {
        [] => Ok(Method::Random { two: false }),
        ["two"] | ["two", "least_conn"] => Ok(Method::Random { two: true }),
        ["two", other] | [other, ..] => {
            Err(directive.error(format!("invalid parameter \"{other}\"")))
        }
    }
}

fn server(directive: &Directive) -> Result<ServerConfig, ConfigError> {
    let address = values::only(directive)?;
    let mut server = ServerConfig::new(address.text.clone(), 80)
        .map_err(|why| address.error(format!("{why} in upstream \"{}\"", address.text)))?;
    for arg in &directive.args[1..] {
        parameter(&mut server, arg)?;
    }
    Ok(server)
}

fn parameter(server: &mut ServerConfig, arg: &Arg) -> Result<(), ConfigError> {
    let invalid = || arg.error(format!("invalid parameter \"{}\"", arg.text));
    let (name, value) = arg.text.split_once('=').unwrap_or((&arg.text, ""));
    match name {
        "weight" => {
            let weight = value.parse().ok().filter(|&weight| weight > 0);
            server.weight = weight.ok_or_else(invalid)?;
        }
        "max_fails" => server.max_fails = value.parse().map_err(|_| invalid())?,
        "max_conns" => server.max_conns = value.parse().map_err(|_| invalid())?,
        "fail_timeout" => server.fail_timeout = values::parse_time(value).ok_or_else(invalid)?,
        "backup" if value.is_empty() => server.backup = true,
        "down" if value.is_empty() => server.down = true,
        // Names are asked for again all the time here, with or without the word.
        "resolve" if value.is_empty() => {}
        "slow_start" | "route" | "service" | "drain" => {
            return Err(arg.error(format!(
                "the \"{name}\" parameter is not implemented by this proxy"
            )));
        }
        _ => return Err(invalid()),
    }
    Ok(())
}
