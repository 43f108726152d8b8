//! `upstream {}`: servers, method, and the connections kept to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::loader::Loader;
use super::resolver::Names;
use super::scope::Scope;
use super::sticky::{self, Sticky};
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::balance::{Method, Until};
use crate::dns::Name;
use crate::upstream::resolve::Resolving;
use crate::upstream::{ServerConfig, Target, TargetError, Upstream, UpstreamConfig};

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
    let (method, hash_key) = method(&scope, loader)?;
    scope.here("zone").try_for_each(check_zone)?;
    let names = Names::find(&scope, loader)?;
    let servers = scope.here("server").map(|d| server(d, names.as_ref()));
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() {
        return Err(directive.error(format!("no servers are inside upstream \"{name}\"")));
    }
    if servers.iter().all(|server| server.backup) {
        return Err(directive.error(format!(
            "no servers in upstream \"{name}\" that are not backup"
        )));
    }
    if !method.knows_backups() {
        let refused = |server: &ServerConfig| match server {
            ServerConfig { backup: true, .. } => Some("backup"),
            server if !server.slow_start.is_zero() => Some("slow_start"),
            _ => None,
        };
        for (line, server) in scope.here("server").zip(&servers) {
            if let Some(name) = refused(server) {
                let message = format!("balancing method does not support parameter \"{name}\"");
                return Err(line.error(message));
            }
        }
    }
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

fn method(scope: &Scope<'_>, loader: &Loader) -> Result<(Method, Option<Template>), ConfigError> {
    let mut chosen = (Method::RoundRobin, None);
    let mut seen: Option<&Directive> = None;
    for directive in scope.directives {
        let method = match directive.name.as_str() {
            "least_conn" => (Method::LeastConn, None),
            "ip_hash" => (Method::IpHash, None),
            "least_time" => (least_time(directive)?, None),
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

fn until(word: &str) -> Option<Until> {
    match word {
        "header" => Some(Until::Header),
        "last_byte" => Some(Until::LastByte),
        _ => None,
    }
}

/// `least_time header` or `last_byte`, perhaps with `inflight`.
fn least_time(directive: &Directive) -> Result<Method, ConfigError> {
    let in_flight = match directive.args.get(1) {
        None => false,
        Some(arg) if arg.text == "inflight" => true,
        Some(arg) => return Err(arg.error(format!("invalid parameter \"{}\"", arg.text))),
    };
    let arg = values::only(directive)?;
    let until = until(&arg.text);
    let until = until.ok_or_else(|| arg.error(format!("invalid value \"{}\"", arg.text)))?;
    Ok(Method::LeastTime { until, in_flight })
}

fn random(directive: &Directive) -> Result<Method, ConfigError> {
    let words: Vec<&str> = directive.args.iter().map(|arg| arg.text.as_str()).collect();
    match words.as_slice() {
        [] => Ok(Method::Random { two: false }),
        ["two"] | ["two", "least_conn"] => Ok(Method::Random { two: true }),
        ["two", time] if time.starts_with("least_time=") => {
            let until = time.strip_prefix("least_time=").and_then(until);
            let until =
                until.ok_or_else(|| directive.error(format!("invalid parameter \"{time}\"")))?;
            Ok(Method::RandomTime(until))
        }
        ["two", other] | [other, ..] => {
            Err(directive.error(format!("invalid parameter \"{other}\"")))
        }
    }
}

fn server(directive: &Directive, names: Option<&Names>) -> Result<ServerConfig, ConfigError> {
    let address = values::only(directive)?;
    let mut server = ServerConfig::new(address.text.clone(), 80)
        .map_err(|why| address.error(format!("{why} in upstream \"{}\"", address.text)))?;
    let (mut resolve, mut service) = (false, None);
    for arg in &directive.args[1..] {
        match arg.text.split_once('=') {
            // Names are asked for again all the time here, with or without the word; it says that DNS is asked.
            None if arg.text == "resolve" => resolve = true,
            Some(("service", name)) => service = Some((arg, name)),
            _ => parameter(&mut server, arg)?,
        }
    }
    let service = service.map(|(arg, name)| service_name(&server, resolve, arg, name));
    let service = service.transpose()?;
    if let Target::Name { .. } = server.target
        && resolve
    {
        server.resolving = match names {
            Some(Names { resolver, patience }) => Some(Arc::new(Resolving {
                resolver: Arc::clone(resolver),
                patience: *patience,
                service,
            })),
            None if service.is_some() => {
                return Err(directive.error("no resolver defined to resolve names at run time"));
            }
            None => None,
        };
    }
    Ok(server)
}

/// The name that `service=` makes of the server's: `http` is `_http._tcp.NAME`, what has a dot goes before as it is.
fn service_name(
    server: &ServerConfig,
    resolve: bool,
    arg: &Arg,
    service: &str,
) -> Result<Name, ConfigError> {
    let refused = |why: &str| arg.error(format!("service upstream \"{}\" {why}", server.name));
    if !resolve {
        return Err(refused("requires \"resolve\" parameter"));
    }
    let Target::Name { host, .. } = &server.target else {
        return Err(refused("requires domain name"));
    };
    if server.name.contains(':') {
        return Err(refused("may not have port"));
    }
    let name = if service.contains('.') {
        format!("{service}.{host}")
    } else {
        format!("_{service}._tcp.{host}")
    };
    Name::new(&name)
        .filter(|_| !service.is_empty())
        .ok_or_else(|| arg.error(format!("invalid parameter \"{}\"", arg.text)))
}

/// It is the value of a cookie.
fn is_route(value: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"\",;\\".contains(&b);
    (1..=32).contains(&value.len()) && value.bytes().all(is_plain)
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
        "drain" if value.is_empty() => server.drain = true,
        "route" if is_route(value) => server.route = Some(value.to_owned()),
        "slow_start" => server.slow_start = values::parse_time(value).ok_or_else(invalid)?,
        _ => return Err(invalid()),
    }
    Ok(())
}
