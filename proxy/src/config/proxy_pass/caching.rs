//! `proxy_cache` and its relatives: when an answer is stored, and when a stored one is enough.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::set_headers::HeaderName;
use super::settings::{self, NextUpstream};
use crate::cache::Zone;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::{Arg, ConfigError, Directive};
use crate::config::template::Template;
use crate::config::values;
use crate::exchange::Exchange;

#[derive(Debug)]
pub(crate) struct CacheSettings {
    pub(crate) zone: ZoneName,
    /// `proxy_cache_key`; without one the URL that a peer is asked for.
    pub(crate) key: Option<Template>,
    valid: Vec<(Codes, u64)>,
    methods: Vec<String>,
    pub(crate) min_uses: u32,
    pub(crate) bypass: Vec<Template>,
    pub(crate) no_cache: Vec<Template>,
    pub(crate) purge: Vec<Template>,
    pub(crate) use_stale: NextUpstream,
    pub(crate) use_stale_updating: bool,
    pub(crate) background_update: bool,
    pub(crate) lock: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) lock_age: Duration,
    pub(crate) revalidate: bool,
    pub(crate) convert_head: bool,
    pub(crate) max_range_offset: Option<u64>,
    pub(crate) ignored: Ignored,
    /// `proxy_temp_path`, where the zone wants temporary files there.
    pub(crate) temporary: Option<PathBuf>,
    /// `proxy_cache_rfc`: RFC 9111 to the letter, not nginx's rules.
    pub(crate) rfc: bool,
}

#[derive(Debug)]
pub(crate) enum ZoneName {
    Fixed(Arc<Zone>),
    Variable(Template),
}

#[derive(Debug)]
enum Codes {
    Any,
    One(u16),
}

/// Fields of an answer that say nothing here (`proxy_ignore_headers`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ignored {
    pub(crate) accel_expires: bool,
    pub(crate) expires: bool,
    pub(crate) cache_control: bool,
    pub(crate) set_cookie: bool,
    pub(crate) vary: bool,
}

impl CacheSettings {
    /// Seconds that an answer of this status is good, where it doesn't say itself.
    pub(crate) fn valid_for(&self, status: u16) -> Option<u64> {
        let fits = |codes: &Codes| match codes {
            Codes::Any => true,
            Codes::One(code) => *code == status,
        };
        let found = self.valid.iter().find(|(codes, _)| fits(codes));
        found.map(|&(_, time)| time).filter(|&time| time > 0)
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self {
            zone: ZoneName::Variable(Template::default()),
            key: None,
            valid: Vec::new(),
            methods: Vec::new(),
            min_uses: 1,
            bypass: Vec::new(),
            no_cache: Vec::new(),
            purge: Vec::new(),
            use_stale: NextUpstream::default(),
            use_stale_updating: false,
            background_update: false,
            lock: false,
            lock_timeout: Duration::from_secs(5),
            lock_age: Duration::from_secs(5),
            revalidate: false,
            convert_head: true,
            max_range_offset: None,
            ignored: Ignored::default(),
            temporary: None,
            rfc: false,
        }
    }

    pub(crate) fn covers(&self, method: &[u8]) -> bool {
        matches!(method, b"GET" | b"HEAD")
            || self.methods.iter().any(|known| known.as_bytes() == method)
    }
}

/// Whether one of these is neither empty nor `0`.
pub(crate) fn any_holds(conditions: &[Template], ex: &Exchange) -> bool {
    conditions.iter().any(|condition| condition.is_true(ex))
}

pub(super) fn caching(
    scope: &Scope<'_>,
    ignored: &[HeaderName],
    loader: &Loader,
) -> Result<Option<Box<CacheSettings>>, ConfigError> {
    let Some(directive) = scope.find("proxy_cache") else {
        return Ok(None);
    };
    let name = values::only(directive)?;
    if name.text == "off" {
        return Ok(None);
    }
    let zone = if name.text.contains('$') {
        ZoneName::Variable(loader.template(name)?)
    } else {
        ZoneName::Fixed(loader.cache_zone(name)?)
    };
    let conditions = |name| -> Result<Vec<Template>, ConfigError> {
        let args = scope.all(name).into_iter().flat_map(|d| &d.args);
        args.map(|arg| loader.template(arg)).collect()
    };
    let (use_stale, use_stale_updating) = use_stale(scope)?;
    let key = scope
        .find("proxy_cache_key")
        .map(values::only)
        .transpose()?;
    let range = scope.find("proxy_cache_max_range_offset");
    let min_uses = scope.number("proxy_cache_min_uses", 1)?;
    Ok(Some(Box::new(CacheSettings {
        temporary: temporary(scope, &zone, loader)?,
        zone,
        key: key.map(|key| loader.template(key)).transpose()?,
        valid: valid(scope)?,
        methods: methods(scope)?,
        min_uses: u32::try_from(min_uses).unwrap_or(u32::MAX),
        bypass: conditions("proxy_cache_bypass")?,
        no_cache: conditions("proxy_no_cache")?,
        purge: conditions("proxy_cache_purge")?,
        use_stale,
        use_stale_updating,
        background_update: scope.flag("proxy_cache_background_update", false)?,
        lock: scope.flag("proxy_cache_lock", false)?,
        lock_timeout: scope.time("proxy_cache_lock_timeout", Duration::from_secs(5))?,
        lock_age: scope.time("proxy_cache_lock_age", Duration::from_secs(5))?,
        revalidate: scope.flag("proxy_cache_revalidate", false)?,
        convert_head: scope.flag("proxy_cache_convert_head", true)?,
        max_range_offset: range.map(values::size).transpose()?,
        ignored: of_names(ignored),
        rfc: scope.flag("proxy_cache_rfc", false)?,
    })))
}

fn of_names(names: &[HeaderName]) -> Ignored {
    let has = |name: &str| {
        let mut names = names.iter();
        names.any(|ignored| ignored.text.eq_ignore_ascii_case(name.as_bytes()))
    };
    Ignored {
        accel_expires: has("X-Accel-Expires"),
        expires: has("Expires"),
        cache_control: has("Cache-Control"),
        set_cookie: has("Set-Cookie"),
        vary: has("Vary"),
    }
}

/// A folder of its own only where the file names one; the cache's is on the same file system for sure.
fn temporary(
    scope: &Scope<'_>,
    zone: &ZoneName,
    loader: &Loader,
) -> Result<Option<PathBuf>, ConfigError> {
    let (ZoneName::Fixed(zone), Some(directive)) = (zone, scope.find("proxy_temp_path")) else {
        return Ok(None);
    };
    let arg = directive
        .args
        .first()
        .ok_or_else(|| directive.error("invalid number of arguments"))?;
    let folder = loader.path(&arg.text);
    if !zone.wants_temporary(&folder) {
        return Ok(None);
    }
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|why| arg.error(format!("mkdir() \"{}\" failed ({why})", folder.display())))?;
    Ok(Some(folder))
}

fn use_stale(scope: &Scope<'_>) -> Result<(NextUpstream, bool), ConfigError> {
    let (mut cases, mut updating) = (NextUpstream::default(), false);
    for directive in scope.all("proxy_cache_use_stale") {
        cases = settings::cases(directive)?;
        updating = directive.args.iter().any(|arg| arg.text == "updating");
        if directive.args.iter().any(|arg| arg.text == "off") {
            (cases, updating) = Default::default();
        }
        if cases.non_idempotent {
            return Err(directive.error("invalid value \"non_idempotent\""));
        }
    }
    Ok((cases, updating))
}

fn valid(scope: &Scope<'_>) -> Result<Vec<(Codes, u64)>, ConfigError> {
    let mut rules = Vec::new();
    for directive in scope.all("proxy_cache_valid") {
        let Some((time, codes)) = directive.args.split_last() else {
            continue;
        };
        let seconds = values::parse_time(&time.text)
            .ok_or_else(|| time.error(format!("invalid time value \"{}\"", time.text)))?
            .as_secs();
        if codes.is_empty() {
            rules.extend([200, 301, 302].map(|code| (Codes::One(code), seconds)));
        }
        for code in codes {
            let known = |status: &u16| (100..=599).contains(status);
            let codes = match code.text.as_str() {
                "any" => Codes::Any,
                text => {
                    let status = text.parse().ok().filter(known);
                    let bad = || code.error(format!("invalid status \"{text}\""));
                    Codes::One(status.ok_or_else(bad)?)
                }
            };
            rules.push((codes, seconds));
        }
    }
    Ok(rules)
}

fn methods(scope: &Scope<'_>) -> Result<Vec<String>, ConfigError> {
    let known = ["GET", "HEAD", "POST"];
    let list = |directive: &Directive| -> Result<Vec<String>, ConfigError> {
        let name = |arg: &Arg| {
            let fits = known.iter().any(|name| arg.text.eq_ignore_ascii_case(name));
            fits.then(|| arg.text.to_ascii_uppercase())
                .ok_or_else(|| arg.error(format!("invalid value \"{}\"", arg.text)))
        };
        directive.args.iter().map(name).collect()
    };
    let lists = scope.all("proxy_cache_methods").into_iter().map(list);
    Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
}
