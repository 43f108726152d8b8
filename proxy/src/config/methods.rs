//! How an `upstream {}` chooses: at most one directive says so.

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::balance::{Method, Until};

pub(super) fn method(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<(Method, Option<Template>), ConfigError> {
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
