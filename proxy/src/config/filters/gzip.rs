//! `gzip`, `gunzip` and `gzip_static` (ngx_http_gzip_module, ngx_http_gunzip_module,
//! ngx_http_gzip_static_module).

use super::Types;
use crate::config::pattern;
use crate::config::scope::Scope;
use crate::config::syntax::{ConfigError, Directive};
use crate::config::values;
use crate::http1::Version;

#[derive(Debug)]
pub(crate) struct Gzip {
    pub(crate) compress: Option<Compression>,
    pub(crate) gunzip: bool,
    pub(crate) files: GzipStatic,
    /// `gzip_vary`.
    pub(crate) vary: bool,
    pub(crate) policy: GzipPolicy,
}

#[derive(Debug)]
pub(crate) struct Compression {
    pub(crate) level: u32,
    pub(crate) min_length: u64,
    pub(crate) types: Types,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GzipStatic {
    Off,
    On,
    /// Whether or not the client takes it.
    Always,
}

/// Which clients get compressed answers, of those that say they take them.
#[derive(Debug)]
pub(crate) struct GzipPolicy {
    pub(crate) http_version: Version,
    pub(crate) proxied: Proxied,
    /// Against User-Agent.
    pub(crate) disabled: Vec<regex::bytes::Regex>,
    pub(crate) msie6: bool,
}

/// `gzip_proxied`: which answers to requests that came through another proxy (`Via`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxied {
    pub(crate) any: bool,
    pub(crate) auth: bool,
    pub(crate) expired: bool,
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
    pub(crate) private: bool,
    pub(crate) no_last_modified: bool,
    pub(crate) no_etag: bool,
    /// None of them: not at all.
    pub(crate) off: bool,
}

pub(super) fn gzip(scope: &Scope<'_>) -> Result<Option<Gzip>, ConfigError> {
    for name in ["gzip_buffers", "gunzip_buffers"] {
        scope.find(name).map_or(Ok(()), buffers)?;
    }
    let files = match scope.find("gzip_static") {
        None => GzipStatic::Off,
        Some(directive) => match directive.args[0].text.as_str() {
            "on" => GzipStatic::On,
            "off" => GzipStatic::Off,
            "always" => GzipStatic::Always,
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    let level = scope.number("gzip_comp_level", 1)?;
    if let Some(directive) = scope
        .find("gzip_comp_level")
        .filter(|_| !(1..=9).contains(&level))
    {
        return Err(directive.error("value must be between 1 and 9"));
    }
    let compress = Compression {
        level: u32::try_from(level).unwrap_or(1),
        min_length: scope.size("gzip_min_length", 20)?,
        types: Types::of(scope, "gzip_types", &[]),
    };
    let on = scope.flag("gzip", false)?;
    let gunzip = scope.flag("gunzip", false)?;
    let gzip = Gzip {
        compress: on.then_some(compress),
        gunzip,
        files,
        vary: scope.flag("gzip_vary", false)?,
        policy: policy(scope)?,
    };
    Ok((on || gunzip || files != GzipStatic::Off).then_some(gzip))
}

/// How many and how large: ours are neither, but nonsense is still an error.
fn buffers(directive: &Directive) -> Result<(), ConfigError> {
    let [count, size] = directive.args.as_slice() else {
        return Err(directive.error("invalid number of arguments"));
    };
    let count = count.text.parse::<u32>().ok().filter(|&count| count > 0);
    match (count, values::parse_size(&size.text)) {
        (Some(_), Some(1..)) => Ok(()),
        _ => Err(directive.error("invalid value")),
    }
}

fn policy(scope: &Scope<'_>) -> Result<GzipPolicy, ConfigError> {
    let http_version = match scope.find("gzip_http_version") {
        None => Version::Http11,
        Some(directive) => match directive.args[0].text.as_str() {
            "1.0" => Version::Http10,
            "1.1" => Version::Http11,
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    let (mut disabled, mut msie6) = (Vec::new(), false);
    for arg in scope.all("gzip_disable").iter().flat_map(|d| &d.args) {
        match arg.text.as_str() {
            "msie6" => msie6 = true,
            "degradation" => return Err(arg.error("\"degradation\" is not supported")),
            text => disabled.push(pattern::regex(text, true).map_err(|why| arg.error(why))?),
        }
    }
    Ok(GzipPolicy {
        http_version,
        proxied: proxied(scope)?,
        disabled,
        msie6,
    })
}

fn proxied(scope: &Scope<'_>) -> Result<Proxied, ConfigError> {
    let mut proxied = Proxied::default();
    for arg in scope.all("gzip_proxied").iter().flat_map(|d| &d.args) {
        let word = match arg.text.as_str() {
            "off" => &mut proxied.off,
            "expired" => &mut proxied.expired,
            "no-cache" => &mut proxied.no_cache,
            "no-store" => &mut proxied.no_store,
            "private" => &mut proxied.private,
            "no_last_modified" => &mut proxied.no_last_modified,
            "no_etag" => &mut proxied.no_etag,
            "auth" => &mut proxied.auth,
            "any" => &mut proxied.any,
            other => return Err(arg.error(format!("invalid value \"{other}\""))),
        };
        *word = true;
    }
    proxied.off |= proxied == Proxied::default();
    Ok(proxied)
}
