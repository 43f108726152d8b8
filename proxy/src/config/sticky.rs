//! `sticky` (ngx_http_upstream_sticky_module): how requests of one client find the same peer again.

use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::upstream::Sessions;

#[derive(Debug)]
pub(crate) struct Sticky {
    /// The first that is not empty says which peer, or which session.
    pub(crate) lookup: Vec<Template>,
    pub(crate) binding: Binding,
}

/// What tells clients apart.
#[derive(Debug)]
pub(crate) enum Binding {
    /// A cookie that we set.
    Cookie(Cookie),
    /// The backends have told the client.
    Route,
    /// A session that a backend begins, and that we remember.
    Learn(Learn),
}

#[derive(Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) expires: Option<Lifetime>,
    pub(crate) domain: Option<Template>,
    pub(crate) path: Option<String>,
    pub(crate) samesite: Option<Template>,
    pub(crate) secure: bool,
    pub(crate) httponly: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Lifetime {
    Max,
    After(Duration),
}

#[derive(Debug)]
pub(crate) struct Learn {
    pub(crate) create: Vec<Template>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) timeout: Duration,
    /// Learn from the head of an answer, not first from its end.
    pub(crate) header: bool,
}

pub(super) fn parse(directive: &Directive, loader: &Loader) -> Result<Sticky, ConfigError> {
    let (method, args) = directive
        .args
        .split_first()
        .ok_or_else(|| directive.error("invalid number of arguments in \"sticky\" directive"))?;
    match method.text.as_str() {
        "cookie" => cookie(directive, args, loader),
        "route" => Ok(Sticky {
            lookup: variables(args.iter().map(|arg| (arg, arg.text.as_str())), loader)?,
            binding: Binding::Route,
        }),
        "learn" => learn(directive, args, loader),
        other => Err(method.error(format!("unknown sticky method \"{other}\""))),
    }
}

fn invalid(arg: &Arg) -> ConfigError {
    arg.error(format!("invalid parameter \"{}\"", arg.text))
}

fn cookie(directive: &Directive, args: &[Arg], loader: &Loader) -> Result<Sticky, ConfigError> {
    let (name, args) = args
        .split_first()
        .ok_or_else(|| directive.error("\"sticky cookie\" needs the name of a cookie"))?;
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b);
    if name.text.is_empty() || !name.text.bytes().all(is_plain) {
        return Err(name.error(format!("invalid cookie name \"{}\"", name.text)));
    }
    let mut cookie = Cookie {
        name: name.text.clone(),
        expires: None,
        domain: None,
        path: None,
        samesite: None,
        secure: false,
        httponly: false,
    };
    for arg in args {
        match arg.text.split_once('=') {
            Some(("expires", "max")) => cookie.expires = Some(Lifetime::Max),
            Some(("expires", time)) => {
                let time = values::parse_time(time).ok_or_else(|| invalid(arg))?;
                cookie.expires = Some(Lifetime::After(time));
            }
            Some(("domain", text)) => cookie.domain = Some(loader.template_text(arg, text)?),
            Some(("path", path)) => cookie.path = Some(attribute(arg, path)?),
            Some(("samesite", text)) => {
                if !text.contains('$') && !["strict", "lax", "none"].contains(&text) {
                    return Err(invalid(arg));
                }
                cookie.samesite = Some(loader.template_text(arg, text)?);
            }
            None if arg.text == "secure" => cookie.secure = true,
            None if arg.text == "httponly" => cookie.httponly = true,
            _ => return Err(invalid(arg)),
        }
    }
    Ok(Sticky {
        lookup: vec![Template::cookie(&cookie.name)],
        binding: Binding::Cookie(cookie),
    })
}

/// What ends an attribute of a cookie can't stand in one.
fn attribute(arg: &Arg, text: &str) -> Result<String, ConfigError> {
    if text.bytes().any(|b| b == b';' || b.is_ascii_control()) {
        return Err(invalid(arg));
    }
    Ok(text.to_owned())
}

fn learn(directive: &Directive, args: &[Arg], loader: &Loader) -> Result<Sticky, ConfigError> {
    let (mut create, mut lookup, mut zone) = (Vec::new(), Vec::new(), None);
    let (mut timeout, mut header) = (Duration::from_secs(600), false);
    for arg in args {
        match arg.text.split_once('=') {
            Some(("create", text)) => create.push((arg, text)),
            Some(("lookup", text)) => lookup.push((arg, text)),
            Some(("zone", text)) => {
                let (name, size) = text.split_once(':').ok_or_else(|| invalid(arg))?;
                let size = values::parse_size(size).ok_or_else(|| invalid(arg))?;
                if size < crate::limit::SMALLEST {
                    return Err(arg.error(format!("zone \"{text}\" is too small")));
                }
                zone = Some(loader.options.sessions_of_peers.zone(name, size));
            }
            Some(("timeout", time)) => {
                timeout = values::parse_time(time).ok_or_else(|| invalid(arg))?;
            }
            None if arg.text == "header" => header = true,
            None if arg.text == "sync" => {
                let message = "the \"sync\" parameter is not implemented by this proxy";
                return Err(arg.error(message));
            }
            _ => return Err(invalid(arg)),
        }
    }
    let missing =
        |what: &str| directive.error(format!("\"{what}\" must be defined for sticky learn"));
    if create.is_empty() || lookup.is_empty() {
        return Err(missing(if create.is_empty() {
            "create"
        } else {
            "lookup"
        }));
    }
    Ok(Sticky {
        lookup: variables(lookup.into_iter(), loader)?,
        binding: Binding::Learn(Learn {
            create: variables(create.into_iter(), loader)?,
            sessions: zone.ok_or_else(|| missing("zone"))?,
            timeout,
            header,
        }),
    })
}

/// Each has to be one variable.
fn variables<'a>(
    args: impl Iterator<Item = (&'a Arg, &'a str)>,
    loader: &Loader,
) -> Result<Vec<Template>, ConfigError> {
    args.map(|(arg, text)| {
        let is_one = text.starts_with('$') && !text[1..].contains('$') && text.len() > 1;
        if !is_one {
            return Err(arg.error(format!("invalid variable name \"{text}\"")));
        }
        loader.template_text(arg, text)
    })
    .collect()
}
