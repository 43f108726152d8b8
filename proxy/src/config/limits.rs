//! `limit_req` and `limit_conn` (ngx_http_limit_req_module, ngx_http_limit_conn_module): which zones a location's
//! requests are counted in, and what happens above the limit.

use std::collections::HashMap;
use std::sync::Arc;

use super::loader::Loader;
use super::logs::Level;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::limit::{ConnectionZone, Rate, RequestZone, SMALLEST};

/// The limits of one location.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) requests: Vec<RequestLimit>,
    pub(crate) request_status: u16,
    pub(crate) request_level: Level,
    pub(crate) request_dry_run: bool,
    pub(crate) connections: Vec<ConnectionLimit>,
    pub(crate) connection_status: u16,
    pub(crate) connection_level: Level,
    pub(crate) connection_dry_run: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RequestLimit {
    pub(crate) name: String,
    pub(crate) zone: Arc<RequestZone>,
    pub(crate) key: Template,
    pub(crate) rate: Rate,
    /// Thousandths of a request that may be waiting.
    pub(crate) burst: i64,
    /// Of these, how many go on at once; `None` is `nodelay`.
    pub(crate) free: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimit {
    pub(crate) name: String,
    pub(crate) zone: Arc<ConnectionZone>,
    pub(crate) key: Template,
    pub(crate) count: usize,
}

/// The zones of `http {}`, by name, as limits without numbers of their own.
#[derive(Debug, Default)]
pub(super) struct ZoneTable {
    requests: HashMap<String, RequestLimit>,
    connections: HashMap<String, ConnectionLimit>,
}

impl ZoneTable {
    pub(super) fn parse(http: &Scope<'_>, loader: &Loader) -> Result<Self, ConfigError> {
        let mut table = Self::default();
        for directive in http.here("limit_req_zone") {
            let (name, size) = zone(directive)?;
            let limit = RequestLimit {
                zone: loader.options.zones.requests(&name, size),
                key: loader.template(&directive.args[0])?,
                rate: rate(directive)?,
                burst: 0,
                free: Some(0),
                name,
            };
            if table.requests.contains_key(&limit.name) {
                return Err(already_bound(directive, &limit.name));
            }
            table.requests.insert(limit.name.clone(), limit);
        }
        for directive in http.here("limit_conn_zone") {
            let (name, size) = zone(directive)?;
            let limit = ConnectionLimit {
                zone: loader.options.zones.connections(&name, size),
                key: loader.template(&directive.args[0])?,
                count: 0,
                name,
            };
            if table.connections.contains_key(&limit.name) {
                return Err(already_bound(directive, &limit.name));
            }
            table.connections.insert(limit.name.clone(), limit);
        }
        Ok(table)
    }
}

fn already_bound(directive: &Directive, name: &str) -> ConfigError {
    directive.error(format!(
        "{} \"{name}\" is already bound to key",
        directive.name
    ))
}

/// `zone=NAME:SIZE`.
fn zone(directive: &Directive) -> Result<(String, u64), ConfigError> {
    let given = directive
        .args
        .iter()
        .find_map(|arg| Some((arg, arg.text.strip_prefix("zone=")?)));
    let (arg, text) = given.ok_or_else(|| {
        directive.error(format!(
            "\"{}\" must have \"zone\" parameter",
            directive.name
        ))
    })?;
    let bad = |what: &str| arg.error(format!("invalid zone {what} \"{}\"", arg.text));
    let (name, size) = text.split_once(':').ok_or_else(|| bad("size"))?;
    let size = values::parse_size(size).ok_or_else(|| bad("size"))?;
    if size < SMALLEST {
        return Err(arg.error(format!("zone \"{}\" is too small", arg.text)));
    }
    Ok((name.to_owned(), size))
}

/// `rate=10r/s` or `rate=30r/m`, one request a second without it.
fn rate(directive: &Directive) -> Result<Rate, ConfigError> {
    let Some((arg, text)) = directive
        .args
        .iter()
        .find_map(|arg| Some((arg, arg.text.strip_prefix("rate=")?)))
    else {
        return Ok(1000);
    };
    let (digits, seconds) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 60),
        _ => (text, 1),
    };
    let number = digits
        .parse::<i64>()
        .ok()
        .filter(|number| (1..1 << 32).contains(number));
    let number = number.ok_or_else(|| arg.error(format!("invalid rate \"{}\"", arg.text)))?;
    Ok(number * 1000 / seconds)
}

pub(super) fn limits(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Box<Limits>>, ConfigError> {
    let of = |name| scope.all(name);
    let requests: Vec<_> = of("limit_req")
        .into_iter()
        .map(|d| request_limit(d, loader))
        .collect::<Result<_, _>>()?;
    let connections: Vec<_> = of("limit_conn")
        .into_iter()
        .map(|d| connection_limit(d, loader))
        .collect::<Result<_, _>>()?;
    if requests.is_empty() && connections.is_empty() {
        return Ok(None);
    }
    Ok(Some(Box::new(Limits {
        requests,
        request_status: status(scope, "limit_req_status")?,
        request_level: level(scope, "limit_req_log_level")?,
        request_dry_run: scope.flag("limit_req_dry_run", false)?,
        connections,
        connection_status: status(scope, "limit_conn_status")?,
        connection_level: level(scope, "limit_conn_log_level")?,
        connection_dry_run: scope.flag("limit_conn_dry_run", false)?,
    })))
}

fn request_limit(directive: &Directive, loader: &Loader) -> Result<RequestLimit, ConfigError> {
    let (mut name, mut burst, mut free) = (None, 0, Some(0));
    for arg in &directive.args {
        match arg.text.split_once('=') {
            Some(("zone", text)) => name = Some(text),
            Some(("burst", text)) => burst = requests(arg, text, "burst")?,
            Some(("delay", text)) => free = Some(requests(arg, text, "delay")?),
            None if arg.text == "nodelay" => free = None,
            _ => return Err(arg.error(format!("invalid parameter \"{}\"", arg.text))),
        }
    }
    let name = name.ok_or_else(|| directive.error("\"limit_req\" must have \"zone\" parameter"))?;
    let zones = loader.zones.borrow();
    let zone = zones.requests.get(name);
    let zone = zone.ok_or_else(|| directive.error(format!("unknown limit_req_zone \"{name}\"")))?;
    Ok(RequestLimit {
        burst,
        free,
        ..zone.clone()
    })
}

fn requests(arg: &Arg, text: &str, what: &str) -> Result<i64, ConfigError> {
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|&number| number > 0 || what == "delay");
    let number =
        number.ok_or_else(|| arg.error(format!("invalid {what} value \"{}\"", arg.text)))?;
    Ok(i64::from(number) * 1000)
}

fn connection_limit(
    directive: &Directive,
    loader: &Loader,
) -> Result<ConnectionLimit, ConfigError> {
    let [name, count] = directive.args.as_slice() else {
        return Err(directive.error("invalid number of arguments in \"limit_conn\" directive"));
    };
    let zones = loader.zones.borrow();
    let zone = zones.connections.get(&name.text);
    let zone =
        zone.ok_or_else(|| directive.error(format!("unknown limit_conn_zone \"{}\"", name.text)))?;
    let number = count
        .text
        .parse::<usize>()
        .ok()
        .filter(|number| (1..=65535).contains(number));
    let number = number
        .ok_or_else(|| count.error(format!("invalid number of connections \"{}\"", count.text)))?;
    Ok(ConnectionLimit {
        count: number,
        ..zone.clone()
    })
}

fn status(scope: &Scope<'_>, name: &'static str) -> Result<u16, ConfigError> {
    let Some(directive) = scope.find(name) else {
        return Ok(503);
    };
    let status = values::only(directive)?
        .text
        .parse()
        .ok()
        .filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| directive.error("value must be between 400 and 599"))
}

fn level(scope: &Scope<'_>, name: &'static str) -> Result<Level, ConfigError> {
    let Some(directive) = scope.find(name) else {
        return Ok(Level::Error);
    };
    let text = values::only(directive)?.text.as_str();
    let allowed = ["info", "notice", "warn", "error"].contains(&text);
    let level = Level::parse(text).filter(|_| allowed);
    level.ok_or_else(|| directive.error(format!("invalid value \"{text}\"")))
}
