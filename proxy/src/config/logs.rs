//! `log_format`, `access_log` and `error_log`: what is written, where, and when.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::log::{Buffering, LogFile};

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
    pub(crate) target: LogTarget,
    pub(crate) format: Arc<Format>,
    pub(crate) condition: Option<Template>,
}

/// Where a line goes.
#[derive(Clone, Debug)]
pub(crate) enum LogTarget {
    File(Arc<LogFile>),
    /// A path with variables, below `folder` unless it is absolute; opened for each line.
    Varying {
        path: Template,
        folder: PathBuf,
    },
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

impl ErrorLog {
    /// Whether a message of this level goes to any of them.
    pub(crate) fn takes(&self, level: Level) -> bool {
        self.targets.iter().any(|(_, lowest)| level <= *lowest)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let files = |log: &Self| {
            log.targets
                .iter()
                .map(|(file, _)| Arc::as_ptr(file))
                .collect::<Vec<_>>()
        };
        files(self) == files(other)
    }
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
    let mut format = "combined";
    let mut condition = None;
    let mut waits = Waits::default();
    for (index, arg) in rest.iter().enumerate() {
        match arg.text.split_once('=') {
            Some(("if", text)) => condition = Some(loader.template_text(arg, text)?),
            _ if waits.parameter(arg)? => {}
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
    let waits = waits.settle(directive)?;
    let target = if !path.text.contains('$') || path.text.starts_with("syslog:") {
        LogTarget::File(loader.log_file(path, waits)?)
    } else if waits.is_some() {
        return Err(path.error("buffered logs cannot have variables in name"));
    } else {
        LogTarget::Varying {
            path: loader.template(path)?,
            folder: loader.prefix().to_owned(),
        }
    };
    Ok(AccessLog {
        target,
        format,
        condition,
    })
}

/// `buffer=`, `flush=` and `gzip` as they stand.
#[derive(Default)]
struct Waits {
    size: Option<usize>,
    flush: Option<Duration>,
    gzip: Option<u32>,
}

impl Waits {
    /// Reads a parameter, if it is one of these.
    fn parameter(&mut self, arg: &Arg) -> Result<bool, ConfigError> {
        let (name, value) = arg.text.split_once('=').unwrap_or((&arg.text, ""));
        match name {
            "buffer" => {
                let size = values::parse_size(value).and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|&size| size > 0 && size <= 1 << 30);
                self.size = Some(
                    size.ok_or_else(|| arg.error(format!("invalid buffer size \"{value}\"")))?,
                );
            }
            "flush" => {
                let time = values::parse_time(value).filter(|time| !time.is_zero());
                self.flush =
                    Some(time.ok_or_else(|| arg.error(format!("invalid flush time \"{value}\"")))?);
            }
            "gzip" => {
                let level = if value.is_empty() { "1" } else { value };
                let level = level.parse().ok().filter(|level| (1..=9).contains(level));
                self.gzip =
                    Some(level.ok_or_else(|| {
                        arg.error(format!("invalid compression level \"{value}\""))
                    })?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn settle(self, directive: &Directive) -> Result<Option<Buffering>, ConfigError> {
        // What is compressed is gathered first, 64 KiB unless the file says otherwise.
        let size = self.size.or(self.gzip.map(|_| 64 * 1024));
        match size {
            Some(size) => Ok(Some(Buffering {
                size,
                flush: self.flush,
                gzip: self.gzip,
            })),
            None if self.flush.is_some() => Err(directive.error(format!(
                "no buffer is defined for access_log \"{}\"",
                directive.args[0].text
            ))),
            None => Ok(None),
        }
    }
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
        if path.text.starts_with("memory:") {
            return Err(path.error("\"memory:\" logs are not implemented by this proxy"));
        }
        targets.push((loader.log_file(path, None)?, level));
    }
    Ok(ErrorLog { targets })
}
