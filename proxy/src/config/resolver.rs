//! `resolver` and `resolver_timeout` (ngx_http_core_module): who is asked for names while requests run.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::values;
use crate::dns::{Kind, Resolver};

const MOST_SERVERS: usize = 16;

/// A resolver, and how long a request waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) patience: Duration,
}

impl Names {
    /// The resolver that holds here; `None` where none is named.
    pub(super) fn find(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Self>, ConfigError> {
        let Some(directive) = scope.find("resolver") else {
            return Ok(None);
        };
        Ok(Some(Self {
            resolver: loader.resolver(directive)?,
            patience: patience(scope)?,
        }))
    }

    /// The same, else the system's resolver.
    pub(super) fn find_or_system(scope: &Scope<'_>, loader: &Loader) -> Result<Self, ConfigError> {
        Ok(match Self::find(scope, loader)? {
            Some(names) => names,
            None => Self {
                resolver: Arc::clone(&loader.system_resolver),
                patience: patience(scope)?,
            },
        })
    }
}

fn patience(scope: &Scope<'_>) -> Result<Duration, ConfigError> {
    scope.time("resolver_timeout", Duration::from_secs(30))
}

pub(super) fn parse(directive: &Directive) -> Result<Resolver, ConfigError> {
    let (mut servers, mut valid) = (Vec::new(), None);
    let (mut four, mut six) = (true, true);
    for arg in &directive.args {
        match arg.text.split_once('=') {
            Some(("valid", time)) => {
                let time = values::parse_time(time);
                valid = Some(time.ok_or_else(|| invalid(arg))?);
            }
            Some(("ipv4", word)) => four = on_or_off(arg, word)?,
            Some(("ipv6", word)) => six = on_or_off(arg, word)?,
            Some((name @ "status_zone", _)) => {
                return Err(arg.error(format!(
                    "the \"{name}\" parameter is not implemented by this proxy"
                )));
            }
            Some(_) => return Err(invalid(arg)),
            None => servers.extend(addresses(arg)?),
        }
    }
    if servers.is_empty() {
        return Err(directive.error("no name servers defined"));
    }
    if !four && !six {
        return Err(directive.error("\"ipv4\" and \"ipv6\" cannot both be \"off\""));
    }
    servers.truncate(MOST_SERVERS);
    let kinds = [(four, Kind::A), (six, Kind::Aaaa)];
    let kinds = kinds
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, kind)| kind);
    Ok(Resolver::new(servers, kinds.collect(), valid))
}

fn invalid(arg: &Arg) -> ConfigError {
    arg.error(format!("invalid parameter: {}", arg.text))
}

fn on_or_off(arg: &Arg, word: &str) -> Result<bool, ConfigError> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(invalid(arg)),
    }
}

/// An address, or a name that the system knows when the configuration is read; port 53 where none is said.
fn addresses(arg: &Arg) -> Result<Vec<SocketAddr>, ConfigError> {
    let text = arg.text.as_str();
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(text).parse() {
        return Ok(vec![SocketAddr::new(ip, 53)]);
    }
    let found = match text.rsplit_once(':') {
        Some(_) => text.to_socket_addrs(),
        None => (text, 53).to_socket_addrs(),
    };
    let found = found.map_err(|_| arg.error(format!("host not found in resolver \"{text}\"")))?;
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use crate::config::syntax::load_str;

    fn error(line: &str) -> String {
        let tree = load_str("nginx.conf", &format!("events {{ }} http {{ {line} }}"));
        tree.map_or_else(
            |why| why.to_string(),
            |tree| {
                let http = &tree.directives[1];
                super::parse(&http.children()[0])
                    .map_or_else(|why| why.to_string(), |_| String::new())
            },
        )
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for (line, why) in [
            ("resolver 127.0.0.1;", ""),
            (
                "resolver 127.0.0.1:5353 [::1]:53 [::1] valid=30s ipv6=off;",
                "",
            ),
            ("resolver valid=1s;", "no name servers"),
            ("resolver 127.0.0.1 ipv4=off ipv6=off;", "cannot both be"),
            ("resolver 127.0.0.1 ipv6=maybe;", "invalid parameter"),
            ("resolver 127.0.0.1 valid=soon;", "invalid parameter"),
            ("resolver 127.0.0.1 status_zone=z;", "not implemented"),
            ("resolver 127.0.0.1:port;", "host not found"),
        ] {
            let error = error(line);
            assert!(
                error.contains(why) && error.is_empty() == why.is_empty(),
                "{line}: {error}"
            );
        }
    }
}
