//! `log_format`, `access_log` and `error_log`: what is written, where, and when.

use std::sync::Arc;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use crate::log::LogFile;

/// The format every nginx knows.
pub(super) const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    Default,
    Json,
    None,
}

#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) line: Template,
    pub(crate) escape: Escape,
}

#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    pub(crate) file: Arc<LogFile>,
    pub(crate) format: Arc<Format>,
    pub(crate) condition: Option<Template>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

impl Level {
    const NAMES: [(&'static str, Self); 8] = [
        ("emerg", Self::Emerg),
        ("alert", Self::Alert),
        ("crit", Self::Crit),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("notice", Self::Notice),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|&(_, level)| level)
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The error logs that hold in a block; each message goes to all of high enough level.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorLog {
    pub(crate) targets: Vec<(Arc<LogFile>, Level)>,
}

pub(super) fn formats(http: &Scope<'_>, loader: &mut Loader) -> Result<(), ConfigError> {
    for directive in http.here("log_format") {
        let (name, mut rest) = directive
            .args
            .split_first()
            .ok_or_else(|| directive.error("no name"))?;
        let mut escape = Escape::Default;
        if let Some((first, others)) = rest.split_first()
            && let Some(kind) = first.text.strip_prefix("escape=")
        {
            escape = match kind {
                "default" => Escape::Default,
                "json" => Escape::Json,
                "none" => Escape::None,
                _ => return Err(first.error(format!("unknown log format escaping \"{kind}\""))),
            };
            rest = others;
        }
        let text: String = rest.iter().map(|part| part.text.as_str()).collect();
        let line = loader.template_text(name, &text)?;
        let format = Arc::new(Format { line, escape });
        if loader.formats.insert(name.text.clone(), format).is_some() {
            return Err(name.error(format!("duplicate \"log_format\" name \"{}\"", name.text)));
        }
    }
    Ok(())
}

pub(super) fn access_logs(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Vec<AccessLog>, ConfigError> {
    let directives = scope.all("access_log");
    if directives.is_empty() {
        return Ok(loader.default_access_log.clone());
    }
    if directives
        .iter()
        .any(|d| d.args.first().is_some_and(|arg| arg.text == "off"))
    {
        return Ok(Vec::new());
    }
    directives
        .into_iter()
        .map(|directive| access_log(directive, loader))
        .collect()
}

fn access_log(directive: &Directive, loader: &Loader) -> Result<AccessLog, ConfigError> {
    let (path, rest) = directive
        .args
        .split_first()
        .ok_or_else(|| directive.error("no path"))?;
    if path.text.contains('$') || path.text.starts_with("syslog:") {
        return Err(
            path.error("a log path with variables, or syslog, is not implemented by this proxy")
        );
    }
    let mut format = "combined";
    let mut condition = None;
    for (index, arg) in rest.iter().enumerate() {
        match arg.text.split_once('=') {
            Some(("if", text)) => condition = Some(loader.template_text(arg, text)?),
            // Lines wait until the worker is idle or a batch is full; nginx's sizes and times
            // would make them come later, never sooner.
            Some(("buffer" | "flush", _)) => {}
            Some(("gzip", _)) => {
                return Err(arg.error("\"gzip\" logs are not implemented by this proxy"));
            }
            _ if index == 0 => format = &arg.text,
            _ => return Err(arg.error(format!("invalid parameter \"{}\"", arg.text))),
        }
    }
    let format = loader.formats.get(format).cloned();
    let format = format.ok_or_else(|| {
        directive.error(format!(
            "unknown log format \"{}\"",
            rest.first().map_or("", |a| &a.text)
        ))
    })?;
    Ok(AccessLog {
        file: loader.log_file(directive, &path.text)?,
        format,
        condition,
    })
}

pub(super) fn error_log(scope: &Scope<'_>, loader: &Loader) -> Result<ErrorLog, ConfigError> {
    let directives = scope.all("error_log");
    if directives.is_empty() {
        return Ok(loader.default_error_log.clone());
    }
    let mut targets = Vec::new();
    for directive in directives {
        let (path, rest) = directive
            .args
            .split_first()
            .ok_or_else(|| directive.error("no path"))?;
        let level = match rest.first() {
            None => Level::Error,
            Some(arg) => Level::parse(&arg.text)
                .ok_or_else(|| arg.error(format!("invalid log level \"{}\"", arg.text)))?,
        };
        for other in ["syslog:", "memory:"] {
            if path.text.starts_with(other) {
                return Err(path.error(format!(
                    "\"{other}\" logs are not implemented by this proxy"
                )));
            }
        }
        targets.push((loader.log_file(directive, &path.text)?, level));
    }
    Ok(ErrorLog { targets })
}
