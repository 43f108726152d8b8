//! A `server` line of an `upstream {}`.

use std::sync::Arc;

use super::resolver::Names;
use super::syntax::{Arg, ConfigError, Directive};
use super::values;
use crate::dns::Name;
use crate::upstream::resolve::Resolving;
use crate::upstream::{ServerConfig, Target};

pub(super) fn server(
    directive: &Directive,
    names: Option<&Names>,
) -> Result<ServerConfig, ConfigError> {
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
