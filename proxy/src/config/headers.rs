//! `add_header`, `add_trailer` and `expires` (ngx_http_headers_module).

use std::time::Duration;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use super::values;

#[derive(Debug)]
pub(crate) struct AddHeader {
    pub(crate) name: Box<[u8]>,
    pub(crate) value: Template,
    /// Whatever the status; else only on the successful and redirecting ones.
    pub(crate) always: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExpiresWhen {
    Off,
    Epoch,
    Max,
    After(Duration),
    /// Before now: not cacheable.
    Ago(Duration),
    /// `modified +time`: counted from Last-Modified.
    Modified(Duration),
    ModifiedAgo(Duration),
    /// `@15h30m`: at this time of the day.
    Daily(Duration),
}

#[derive(Debug)]
pub(crate) enum Expires {
    When(ExpiresWhen),
    Variable { value: Template, modified: bool },
}

/// `add_header_inherit on` (the default) takes the outer list only when there is none here;
/// `merge` puts it before the own list, `off` drops it.
pub(super) fn added(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<AddHeader>, ConfigError> {
    let inherit = if name == "add_header" {
        "add_header_inherit"
    } else {
        "add_trailer_inherit"
    };
    let mode = scope
        .find(inherit)
        .and_then(|d| d.args.first())
        .map(|arg| arg.text.as_str());
    let directives: Vec<&Directive> = match mode {
        Some("merge") => scope.everywhere(name),
        Some("off") => scope.here(name).collect(),
        _ => scope.all(name),
    };
    directives
        .into_iter()
        .map(|directive| add_header(directive, loader))
        .collect()
}

fn add_header(directive: &Directive, loader: &Loader) -> Result<AddHeader, ConfigError> {
    let [name, value, rest @ ..] = directive.args.as_slice() else {
        return Err(directive.error(format!(
            "invalid number of arguments in \"{}\" directive",
            directive.name
        )));
    };
    let always = match rest {
        [] => false,
        [word] if word.text == "always" => true,
        [word, ..] => return Err(word.error(format!("invalid parameter \"{}\"", word.text))),
    };
    Ok(AddHeader {
        name: name.text.as_bytes().into(),
        value: loader.template(value)?,
        always,
    })
}

pub(super) fn expires(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Expires>, ConfigError> {
    let Some(directive) = scope.find("expires") else {
        return Ok(None);
    };
    let (modified, value) = match directive.args.as_slice() {
        [value] => (false, value),
        [word, value] if word.text == "modified" => (true, value),
        _ => return Err(directive.error("invalid value")),
    };
    if value.text.contains('$') {
        return Ok(Some(Expires::Variable {
            value: loader.template(value)?,
            modified,
        }));
    }
    let when = ExpiresWhen::parse(&value.text, modified)
        .ok_or_else(|| directive.error("invalid value"))?;
    Ok(Some(Expires::When(when)))
}

impl ExpiresWhen {
    pub(crate) fn parse(text: &str, modified: bool) -> Option<Self> {
        match text {
            "off" if !modified => return Some(Self::Off),
            "epoch" if !modified => return Some(Self::Epoch),
            "max" if !modified => return Some(Self::Max),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            let time = values::parse_time(time).filter(|t| t.as_secs() <= 86_400)?;
            return (!modified).then_some(Self::Daily(time));
        }
        let (past, time) = match text.strip_prefix('-') {
            Some(time) => (true, time),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let time = values::parse_time(time)?;
        Some(match (modified, past) {
            (false, false) => Self::After(time),
            (false, true) => Self::Ago(time),
            (true, false) => Self::Modified(time),
            (true, true) => Self::ModifiedAgo(time),
        })
    }
}
