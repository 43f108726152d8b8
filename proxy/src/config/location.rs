//! `location {}`: the settings that hold in it, and the tree in which a path finds its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::access::{self, AccessRule};
use super::headers::{self, AddHeader, Expires};
use super::loader::Loader;
use super::logs::{self, AccessLog, ErrorLog};
use super::pattern::Pattern;
use super::proxy_pass::{self, ProxyPass};
use super::rewrite::{self, Step};
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::values;

/// Everything that holds for requests of one location (or of a server outside of any).
#[derive(Debug)]
pub(crate) struct Location {
    /// The prefix that `alias` and a `proxy_pass` with a path replace; empty for expressions.
    pub(crate) prefix: Box<[u8]>,
    pub(crate) exact: bool,
    pub(crate) is_pattern: bool,
    pub(crate) program: Vec<Step>,
    pub(crate) locations: Locations,
    pub(crate) handler: Handler,
    pub(crate) internal: bool,
    pub(crate) access: Vec<AccessRule>,
    pub(crate) limit_except: Option<LimitExcept>,
    pub(crate) try_files: Option<(Vec<TryFile>, TryFile)>,
    pub(crate) files: Files,
    pub(crate) error_pages: Vec<ErrorPage>,
    pub(crate) add_headers: Vec<AddHeader>,
    pub(crate) add_trailers: Vec<AddHeader>,
    pub(crate) expires: Option<Expires>,
    pub(crate) client: ClientSettings,
    pub(crate) redirects: Redirects,
    pub(crate) access_logs: Vec<AccessLog>,
    pub(crate) error_log: ErrorLog,
    pub(crate) log_not_found: bool,
}

#[derive(Debug, Default)]
pub(crate) enum Handler {
    #[default]
    Static,
    Proxy(Arc<ProxyPass>),
}

#[derive(Debug)]
pub(crate) struct LimitExcept {
    pub(crate) methods: Vec<String>,
    pub(crate) rules: Vec<AccessRule>,
}

#[derive(Debug)]
pub(crate) enum TryFile {
    Path(Template),
    Directory(Template),
    Status(u16),
    Named(String),
}

/// Where files are, and what they are called (`root`, `alias`, `index`, `types`).
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) root: Template,
    pub(crate) alias: bool,
    pub(crate) index: Vec<Template>,
    pub(crate) types: Arc<HashMap<String, String>>,
    pub(crate) default_type: Template,
    pub(crate) etag: bool,
}

#[derive(Debug)]
pub(crate) struct ErrorPage {
    pub(crate) statuses: Vec<u16>,
    pub(crate) target: Template,
    /// `=`: the status of the page's own answer; `=200`: this one.
    pub(crate) overwrite: Option<Option<u16>>,
}

/// What holds towards the client.
#[derive(Debug)]
pub(crate) struct ClientSettings {
    /// 0 is no limit.
    pub(crate) max_body_size: u64,
    pub(crate) body_buffer_size: usize,
    pub(crate) body_in_file_only: bool,
    pub(crate) body_timeout: Duration,
    pub(crate) send_timeout: Duration,
    /// Zero is no keep-alive.
    pub(crate) keepalive_timeout: Duration,
    pub(crate) keepalive_header: Option<Duration>,
    pub(crate) keepalive_requests: u64,
    pub(crate) keepalive_time: Duration,
    pub(crate) keepalive_disable: Vec<String>,
    pub(crate) lingering_time: Duration,
    pub(crate) lingering_timeout: Duration,
    pub(crate) lingering_close: bool,
    pub(crate) chunked: bool,
    pub(crate) server_tokens: bool,
    pub(crate) limit_rate: Option<Template>,
    pub(crate) limit_rate_after: u64,
}

/// How a redirect's address is completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redirects {
    pub(crate) absolute: bool,
    pub(crate) server_name: bool,
    pub(crate) port: bool,
}

/// The locations of a server or of an outer location.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    pub(crate) exact: HashMap<Vec<u8>, Arc<Location>>,
    /// Longest first; with whether expressions are skipped after it (`^~`).
    pub(crate) prefixes: Vec<(Arc<Location>, bool)>,
    pub(crate) patterns: Vec<(Pattern, Arc<Location>)>,
    pub(crate) named: HashMap<String, Arc<Location>>,
}

impl Location {
    pub(super) fn of_server(scope: &Scope<'_>, loader: &Loader) -> Result<Self, ConfigError> {
        Self::build(scope, loader, "", Box::default())
    }

    pub(super) fn of_if(scope: &Scope<'_>, loader: &Loader) -> Result<Self, ConfigError> {
        let (name, prefix) = loader.enclosing.borrow().clone();
        // A `proxy_pass` of the `if` itself has no path; an inherited one may.
        loader.in_if.set(scope.here("proxy_pass").next().is_some());
        let location = Self::build(scope, loader, &name, prefix);
        loader.in_if.set(false);
        let mut location = location?;
        location.program = Vec::new();
        Ok(location)
    }

    fn build(
        scope: &Scope<'_>,
        loader: &Loader,
        name: &str,
        prefix: Box<[u8]>,
    ) -> Result<Self, ConfigError> {
        let outer = loader.enclosing.replace((name.to_owned(), prefix.clone()));
        let handler = match scope.own("proxy_pass") {
            Some(directive) => {
                let pass = proxy_pass::parse(directive, scope, &prefix, name, loader)?;
                Handler::Proxy(Arc::new(pass))
            }
            None => Handler::Static,
        };
        let location = Self {
            program: rewrite::program(scope, loader)?,
            exact: name.starts_with('='),
            is_pattern: name.starts_with('~'),
            locations: locations(scope, name, loader)?,
            handler,
            internal: scope.own("internal").is_some(),
            access: access::rules(scope)?,
            limit_except: limit_except(scope)?,
            try_files: try_files(scope, loader)?,
            files: files(scope, loader)?,
            error_pages: error_pages(scope, loader)?,
            add_headers: headers::added(scope, "add_header", loader)?,
            add_trailers: headers::added(scope, "add_trailer", loader)?,
            expires: headers::expires(scope, loader)?,
            client: client(scope, loader)?,
            redirects: Redirects {
                absolute: scope.flag("absolute_redirect", true)?,
                server_name: scope.flag("server_name_in_redirect", false)?,
                port: scope.flag("port_in_redirect", true)?,
            },
            access_logs: logs::access_logs(scope, loader)?,
            error_log: logs::error_log(scope, loader)?,
            log_not_found: scope.flag("log_not_found", true)?,
            prefix,
        };
        loader.enclosing.replace(outer);
        Ok(location)
    }
}

fn locations(scope: &Scope<'_>, outer: &str, loader: &Loader) -> Result<Locations, ConfigError> {
    let mut tree = Locations::default();
    let mut seen = HashSet::new();
    for directive in scope.here("location") {
        let (modifier, path) = modifier(directive)?;
        let plain_outer = outer.trim_start_matches("^~").trim_start();
        let nested_ok = modifier.starts_with('~') || path.text.starts_with(plain_outer);
        if outer.starts_with(['=', '@']) || (!outer.is_empty() && path.text.starts_with('@')) {
            return Err(directive.error(format!(
                "location \"{}\" cannot be inside the {} location \"{}\"",
                path.text,
                if outer.starts_with('=') {
                    "exact"
                } else {
                    "named"
                },
                outer.trim_start_matches(['=', ' ']),
            )));
        }
        if !outer.is_empty() && !outer.starts_with('~') && !nested_ok {
            let text = &path.text;
            return Err(directive.error(format!(
                "location \"{text}\" is outside location \"{outer}\""
            )));
        }
        if !modifier.starts_with('~') && !seen.insert((modifier == "=", path.text.clone())) {
            return Err(directive.error(format!("duplicate location \"{}\"", path.text)));
        }
        let inner = scope.inside(directive);
        let name = if modifier.is_empty() {
            path.text.clone()
        } else {
            format!("{modifier} {}", path.text)
        };
        let prefix = if modifier.starts_with('~') {
            ""
        } else {
            path.text.as_str()
        };
        let location = Location::build(&inner, loader, &name, prefix.as_bytes().into())?;
        tree.insert(modifier, &path, Arc::new(location), loader)?;
    }
    tree.prefixes
        .sort_by_key(|(location, _)| std::cmp::Reverse(location.prefix.len()));
    Ok(tree)
}

/// `location [= | ~ | ~* | ^~] path`, the modifier also without a space.
fn modifier(directive: &Directive) -> Result<(&'static str, Arg), ConfigError> {
    const MODIFIERS: [&str; 4] = ["=", "~*", "~", "^~"];
    match directive.args.as_slice() {
        [path] => {
            let found = MODIFIERS
                .iter()
                .find(|m| !path.quoted && path.text.starts_with(**m));
            let modifier = found.copied().unwrap_or("");
            let text = path.text[modifier.len()..].to_owned();
            Ok((
                modifier,
                Arg {
                    text,
                    ..path.clone()
                },
            ))
        }
        [word, path] => {
            let found = MODIFIERS.iter().find(|m| **m == word.text);
            let invalid = || word.error(format!("invalid location modifier \"{}\"", word.text));
            Ok((found.copied().ok_or_else(invalid)?, path.clone()))
        }
        _ => Err(directive.error("invalid number of arguments in \"location\" directive")),
    }
}

impl Locations {
    fn insert(
        &mut self,
        modifier: &str,
        path: &Arg,
        location: Arc<Location>,
        loader: &Loader,
    ) -> Result<(), ConfigError> {
        match modifier {
            "=" => {
                self.exact.insert(path.text.clone().into_bytes(), location);
            }
            "~" | "~*" => {
                let pattern = loader.pattern(path, &path.text, modifier == "~*")?;
                self.patterns.push((pattern, location));
            }
            _ if path.text.starts_with('@') => {
                self.named.insert(path.text.clone(), location);
            }
            _ => self.prefixes.push((location, modifier == "^~")),
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty()
    }
}

fn limit_except(scope: &Scope<'_>) -> Result<Option<LimitExcept>, ConfigError> {
    let Some(directive) = scope.here("limit_except").next() else {
        return Ok(None);
    };
    let mut methods: Vec<String> = directive
        .args
        .iter()
        .map(|arg| arg.text.to_ascii_uppercase())
        .collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    Ok(Some(LimitExcept {
        methods,
        rules: access::rules(&scope.inside(directive))?,
    }))
}

fn try_files(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<(Vec<TryFile>, TryFile)>, ConfigError> {
    let Some(directive) = scope.own("try_files") else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for arg in &directive.args {
        files.push(match arg.text.strip_prefix('=') {
            Some(code) => {
                let code = code.parse().ok().filter(|&code| code <= 999);
                TryFile::Status(
                    code.ok_or_else(|| arg.error(format!("invalid code \"{}\"", arg.text)))?,
                )
            }
            None if arg.text.starts_with('@') => TryFile::Named(arg.text.clone()),
            None => match arg.text.strip_suffix('/').filter(|rest| !rest.is_empty()) {
                Some(rest) => TryFile::Directory(loader.template_text(arg, rest)?),
                None => TryFile::Path(loader.template(arg)?),
            },
        });
    }
    // The last is where to go when no file is there, so a slash at its end is part of it.
    let last = directive
        .args
        .last()
        .ok_or_else(|| directive.error("no files"))?;
    let fallback = match files.pop() {
        Some(TryFile::Directory(_)) | None => TryFile::Path(loader.template(last)?),
        Some(fallback) => fallback,
    };
    Ok(Some((files, fallback)))
}

fn files(scope: &Scope<'_>, loader: &Loader) -> Result<Files, ConfigError> {
    let place = scope
        .nearest(|d| d.name == "root" || d.name == "alias")
        .into_iter()
        .next();
    let (root, alias) = match place {
        Some(directive) => {
            let arg = values::only(directive)?;
            let path = loader.path(&arg.text);
            let text = if arg.text.starts_with('$') {
                arg.text.clone()
            } else {
                path.to_string_lossy().into_owned()
            };
            (loader.template_text(arg, &text)?, directive.name == "alias")
        }
        None => (
            Template::literal(loader.prefix().join("html").as_os_str().as_encoded_bytes()),
            false,
        ),
    };
    let index = scope
        .find("index")
        .map(|d| d.args.iter().map(|arg| loader.template(arg)).collect());
    let index = index
        .transpose()?
        .unwrap_or_else(|| vec![Template::literal(b"index.html")]);
    let default_type = scope
        .find("default_type")
        .map(|d| loader.template(values::only(d)?));
    Ok(Files {
        root,
        alias,
        index,
        types: types(scope),
        default_type: default_type
            .transpose()?
            .unwrap_or_else(|| Template::literal(b"text/plain")),
        etag: scope.flag("etag", true)?,
    })
}

fn types(scope: &Scope<'_>) -> Arc<HashMap<String, String>> {
    let blocks = scope.all("types");
    if blocks.is_empty() {
        let defaults = [
            ("html", "text/html"),
            ("gif", "image/gif"),
            ("jpg", "image/jpeg"),
        ];
        let owned = defaults.map(|(extension, kind)| (extension.to_owned(), kind.to_owned()));
        return Arc::new(owned.into());
    }
    let lines = blocks
        .into_iter()
        .flat_map(|d| d.block.as_deref().unwrap_or_default());
    let pairs = lines.flat_map(|line| {
        line.args
            .iter()
            .map(|arg| (arg.text.to_ascii_lowercase(), line.name.clone()))
    });
    Arc::new(pairs.collect())
}

fn error_pages(scope: &Scope<'_>, loader: &Loader) -> Result<Vec<ErrorPage>, ConfigError> {
    scope
        .all("error_page")
        .into_iter()
        .map(|d| error_page(d, loader))
        .collect()
}

fn error_page(directive: &Directive, loader: &Loader) -> Result<ErrorPage, ConfigError> {
    let (target, rest) = directive
        .args
        .split_last()
        .ok_or_else(|| directive.error("no page"))?;
    let (mut statuses, mut overwrite) = (Vec::new(), None);
    for arg in rest {
        match arg.text.strip_prefix('=') {
            Some("") => overwrite = Some(None),
            Some(code) => {
                let code = code
                    .parse()
                    .map_err(|_| arg.error(format!("invalid value \"{}\"", arg.text)))?;
                overwrite = Some(Some(code));
            }
            None => {
                let code = arg
                    .text
                    .parse()
                    .ok()
                    .filter(|code| (300..=599).contains(code));
                statuses.push(code.ok_or_else(|| {
                    arg.error(format!(
                        "value \"{}\" must be between 300 and 599",
                        arg.text
                    ))
                })?);
            }
        }
    }
    Ok(ErrorPage {
        statuses,
        target: loader.template(target)?,
        overwrite,
    })
}

fn client(scope: &Scope<'_>, loader: &Loader) -> Result<ClientSettings, ConfigError> {
    let seconds = Duration::from_secs;
    let keepalive = scope.find("keepalive_timeout");
    let time_arg = |at: usize| -> Result<Option<Duration>, ConfigError> {
        let Some(arg) = keepalive.and_then(|d| d.args.get(at)) else {
            return Ok(None);
        };
        let time = values::parse_time(&arg.text);
        time.map(Some)
            .ok_or_else(|| arg.error("\"keepalive_timeout\" directive invalid value"))
    };
    let disable = scope.find("keepalive_disable");
    let disable = disable.map(|d| d.args.iter().map(|arg| arg.text.clone()).collect());
    let limit_rate = scope
        .find("limit_rate")
        .map(|d| loader.template(values::only(d)?));
    let in_file = scope
        .find("client_body_in_file_only")
        .and_then(|d| d.args.first());
    let lingering = scope.find("lingering_close").and_then(|d| d.args.first());
    Ok(ClientSettings {
        max_body_size: scope.size("client_max_body_size", 1 << 20)?,
        body_buffer_size: scope.bytes("client_body_buffer_size", 16 * 1024)?,
        body_in_file_only: in_file.is_some_and(|arg| arg.text != "off"),
        body_timeout: scope.time("client_body_timeout", seconds(60))?,
        send_timeout: scope.time("send_timeout", seconds(60))?,
        keepalive_timeout: time_arg(0)?.unwrap_or(seconds(75)),
        keepalive_header: time_arg(1)?,
        keepalive_requests: scope.number("keepalive_requests", 1000)? as u64,
        keepalive_time: scope.time("keepalive_time", seconds(3600))?,
        keepalive_disable: disable.unwrap_or_else(|| vec!["msie6".to_owned()]),
        lingering_time: scope.time("lingering_time", seconds(30))?,
        lingering_timeout: scope.time("lingering_timeout", seconds(5))?,
        lingering_close: lingering.is_none_or(|arg| arg.text != "off"),
        chunked: scope.flag("chunked_transfer_encoding", true)?,
        server_tokens: scope
            .find("server_tokens")
            .is_none_or(|d| d.args[0].text != "off"),
        limit_rate: limit_rate.transpose()?,
        limit_rate_after: scope.size("limit_rate_after", 0)?,
    })
}
