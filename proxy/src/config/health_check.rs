//! `health_check` and `match` (ngx_http_upstream_hc_module, which nginx sells): who is asked what, how often, and what
//! the answer has to be like.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use regex::bytes::Regex;

use super::proxy_pass::{ProxyPass, Scheme, Target};
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::values;
use crate::check::{Check, Expected, Header, HeaderTest, PatternInBody, Statuses};
use crate::upstream::CheckRules;

/// Shorter than this and checking is a flood.
const SHORTEST: Duration = Duration::from_millis(10);

/// The `match` blocks by name.
pub(super) type Matches = HashMap<String, Arc<Expected>>;

pub(super) fn matches(http: &Scope<'_>) -> Result<Matches, ConfigError> {
    let mut known = Matches::new();
    for block in http.here("match") {
        let name = values::only(block)?.text.clone();
        let expected = Arc::new(expected(block)?);
        if known.insert(name.clone(), expected).is_some() {
            return Err(block.error(format!("duplicate match \"{name}\"")));
        }
    }
    Ok(known)
}

fn expected(block: &Directive) -> Result<Expected, ConfigError> {
    let mut expected = Expected::default();
    for line in block.children() {
        match line.name.as_str() {
            "status" => expected.statuses.push(statuses(line)?),
            "header" => expected.headers.push(header(line)?),
            "body" => expected.bodies.push(body(line)?),
            "require" => {
                return Err(line.error("\"require\" in \"match\" is not implemented by this proxy"));
            }
            other => return Err(line.error(format!("unknown test \"{other}\" in \"match\""))),
        }
    }
    Ok(expected)
}

fn invalid(line: &Directive) -> ConfigError {
    line.error(format!("invalid \"{}\" test in \"match\"", line.name))
}

fn words(line: &Directive) -> Vec<&str> {
    line.args.iter().map(|arg| arg.text.as_str()).collect()
}

/// `status 200 301-303` or `status ! 500`.
fn statuses(line: &Directive) -> Result<Statuses, ConfigError> {
    let words = words(line);
    let (negated, words) = match words.split_first() {
        Some((&"!", rest)) => (true, rest),
        _ => (false, words.as_slice()),
    };
    let status = |word: &str| {
        let status = word.parse::<u16>().ok().filter(|n| (100..=999).contains(n));
        status.ok_or_else(|| invalid(line))
    };
    let mut ranges = Vec::new();
    for word in words {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let (first, last) = (status(first)?, status(last)?);
        if first > last {
            return Err(invalid(line));
        }
        ranges.push((first, last));
    }
    if ranges.is_empty() {
        return Err(invalid(line));
    }
    Ok(Statuses { ranges, negated })
}

/// `header NAME`, `header ! NAME`, or `header NAME = VALUE` with `=`, `!=`, `~` or `!~`.
fn header(line: &Directive) -> Result<Header, ConfigError> {
    let (name, test) = match words(line).as_slice() {
        ["!", name] => (*name, HeaderTest::Missing),
        [name] => (*name, HeaderTest::There),
        [name, "=", value] => (*name, HeaderTest::Is((*value).to_owned())),
        [name, "!=", value] => (*name, HeaderTest::IsNot((*value).to_owned())),
        [name, "~", pattern] => (*name, HeaderTest::Matches(regex(line, pattern)?)),
        [name, "!~", pattern] => (*name, HeaderTest::MatchesNot(regex(line, pattern)?)),
        _ => return Err(invalid(line)),
    };
    let name = name.to_owned();
    Ok(Header { name, test })
}

/// `body ~ PATTERN` or `body !~ PATTERN`.
fn body(line: &Directive) -> Result<PatternInBody, ConfigError> {
    let (pattern, negated) = match words(line).as_slice() {
        ["~", pattern] => (*pattern, false),
        ["!~", pattern] => (*pattern, true),
        _ => return Err(invalid(line)),
    };
    let pattern = regex(line, pattern)?;
    Ok(PatternInBody { pattern, negated })
}

fn regex(line: &Directive, pattern: &str) -> Result<Regex, ConfigError> {
    let made = regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .build();
    made.map_err(|why| line.error(format!("invalid pattern \"{pattern}\" ({why})")))
}

/// Numbers the checks of each upstream, and tells it what to expect.
pub(super) fn enlist(mut checks: Vec<Check>) -> Vec<Arc<Check>> {
    let mut rules: HashMap<u64, Vec<CheckRules>> = HashMap::new();
    for check in &mut checks {
        let known = rules.entry(check.upstream.id).or_default();
        check.number = known.len();
        known.push(check.rules);
    }
    for check in checks.iter().filter(|check| check.number == 0) {
        let rules = rules.remove(&check.upstream.id).unwrap_or_default();
        check.upstream.upstream.expect_checks(rules);
    }
    checks.into_iter().map(Arc::new).collect()
}

/// The check of a location, of the peers that its `proxy_pass` names.
pub(super) fn parse(
    directive: &Directive,
    pass: Option<&Arc<ProxyPass>>,
    matches: &Matches,
) -> Result<Check, ConfigError> {
    let Some(pass) = pass else {
        return Err(directive.error("\"health_check\" needs a \"proxy_pass\" in its location"));
    };
    let Target::Fixed {
        upstream, scheme, ..
    } = &pass.target
    else {
        let message = "\"health_check\" can't check what \"proxy_pass\" names with variables";
        return Err(directive.error(message));
    };
    let mut check = Check {
        upstream: Arc::clone(upstream),
        pass: Arc::clone(pass),
        is_https: *scheme == Scheme::Https,
        rules: CheckRules {
            fails: 1,
            passes: 1,
            mandatory: false,
            persistent: false,
        },
        number: 0,
        interval: Duration::from_secs(5),
        jitter: Duration::ZERO,
        uri: "/".to_owned(),
        port: None,
        expected: None,
        keepalive_time: None,
    };
    for arg in &directive.args {
        parameter(&mut check, arg, matches)?;
    }
    if check.rules.persistent && !check.rules.mandatory {
        return Err(directive.error("\"persistent\" needs \"mandatory\""));
    }
    Ok(check)
}

fn parameter(check: &mut Check, arg: &Arg, matches: &Matches) -> Result<(), ConfigError> {
    let invalid = || arg.error(format!("invalid parameter \"{}\"", arg.text));
    let time = |text| values::parse_time(text).ok_or_else(invalid);
    let count = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(invalid)
    };
    let not_built = |what| arg.error(format!("{what} is not implemented by this proxy"));
    match arg.text.split_once('=') {
        Some(("interval", text)) => check.interval = time(text)?.max(SHORTEST),
        Some(("jitter", text)) => check.jitter = time(text)?,
        Some(("keepalive_time", text)) => check.keepalive_time = Some(time(text)?),
        Some(("fails", text)) => check.rules.fails = count(text)?,
        Some(("passes", text)) => check.rules.passes = count(text)?,
        Some(("port", text)) => {
            let port = text.parse::<u16>().ok().filter(|&port| port > 0);
            check.port = Some(port.ok_or_else(invalid)?);
        }
        Some(("uri", text)) => {
            let is_target = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
            check.uri = Some(text.to_owned())
                .filter(|_| is_target)
                .ok_or_else(invalid)?;
        }
        Some(("match", name)) => {
            let known = matches.get(name);
            let known = known.ok_or_else(|| arg.error(format!("match \"{name}\" not found")))?;
            check.expected = Some(Arc::clone(known));
        }
        Some(("type", "http")) => {}
        Some(("type", "grpc")) => return Err(not_built("\"type=grpc\"")),
        Some((name @ ("grpc_service" | "grpc_status"), _)) => {
            return Err(not_built(&format!("the \"{name}\" parameter")));
        }
        None if arg.text == "mandatory" => check.rules.mandatory = true,
        None if arg.text == "persistent" => check.rules.persistent = true,
        _ => return Err(invalid()),
    }
    Ok(())
}
