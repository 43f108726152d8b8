//! `proxy_pass` and the `proxy_…` directives around it (ngx_http_proxy_module, 1.31): where a
//! location's requests go, what is said there, how long we wait, and what is changed on the way
//! back.

use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::pattern::{Matcher, Pattern};
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::upstream::UpstreamBlock;
use super::values;
use crate::http1::{Known, Version};

#[derive(Debug)]
pub(crate) struct ProxyPass {
    pub(crate) target: Target,
    pub(crate) settings: ProxySettings,
}

#[derive(Debug)]
pub(crate) enum Target {
    Fixed {
        upstream: Arc<UpstreamBlock>,
        /// `$proxy_host`, `$proxy_port`.
        host: Arc<str>,
        port: Arc<str>,
        /// The path that replaces the location's prefix; without one the request's own is sent.
        path: Option<Box<[u8]>>,
    },
    /// A URL with variables, resolved for each request.
    Variable(Template),
}

#[derive(Debug)]
pub(crate) struct ProxySettings {
    pub(crate) http_version: Version,
    pub(crate) set_headers: Vec<(HeaderName, Template)>,
    /// The value of a `proxy_set_header Host`; it is written first.
    pub(crate) host: Option<Template>,
    pub(crate) set_body: Option<Template>,
    pub(crate) method: Option<Template>,
    pub(crate) pass_request_headers: bool,
    pub(crate) pass_request_body: bool,
    pub(crate) request_buffering: bool,
    pub(crate) buffering: bool,
    /// The response head must fit.
    pub(crate) buffer_size: usize,
    /// Bytes of a response held in memory for a slow client.
    pub(crate) buffers: usize,
    pub(crate) max_temp_file_size: u64,
    pub(crate) connect_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) next_upstream: NextUpstream,
    pub(crate) next_upstream_tries: usize,
    pub(crate) next_upstream_timeout: Duration,
    pub(crate) intercept_errors: bool,
    pub(crate) ignore_client_abort: bool,
    pub(crate) redirects: Vec<RedirectRule>,
    pub(crate) cookie_domain: Vec<CookieRule>,
    pub(crate) cookie_path: Vec<CookieRule>,
    pub(crate) cookie_flags: Vec<(Template, Vec<String>)>,
    pub(crate) hidden: Vec<HeaderName>,
    pub(crate) ignored: Vec<HeaderName>,
    pub(crate) limit_rate: Option<Template>,
    pub(crate) bind: Option<Template>,
    pub(crate) pass_trailers: bool,
}

/// A header name as written, and what it is to us.
#[derive(Clone, Debug)]
pub(crate) struct HeaderName {
    pub(crate) text: Box<[u8]>,
    pub(crate) known: Known,
}

impl HeaderName {
    fn new(text: &str) -> Self {
        Self {
            text: text.as_bytes().into(),
            known: Known::of(text.as_bytes()),
        }
    }

    pub(crate) fn is(&self, name: &[u8], known: Known) -> bool {
        self.known == known && (known != Known::Other || self.text.eq_ignore_ascii_case(name))
    }
}

/// When a request goes to another peer (`proxy_next_upstream`).
#[derive(Clone, Debug, Default)]
pub(crate) struct NextUpstream {
    pub(crate) error: bool,
    pub(crate) timeout: bool,
    pub(crate) invalid_header: bool,
    pub(crate) non_idempotent: bool,
    pub(crate) statuses: Vec<u16>,
}

#[derive(Debug)]
pub(crate) enum RedirectRule {
    Text {
        from: Template,
        to: Template,
    },
    Pattern {
        from: Pattern,
        to: Template,
    },
    /// `default` of a `proxy_pass` with variables: known only when the request is.
    Default,
}

#[derive(Debug)]
pub(crate) struct CookieRule {
    pub(crate) from: CookieMatch,
    pub(crate) to: Template,
}

#[derive(Debug)]
pub(crate) enum CookieMatch {
    Text(Template),
    Pattern(Pattern),
}

pub(super) fn parse(
    directive: &Directive,
    scope: &Scope<'_>,
    prefix: &[u8],
    location: &str,
    loader: &Loader,
) -> Result<ProxyPass, ConfigError> {
    let url = values::only(directive)?;
    let target = if url.text.contains('$') {
        Target::Variable(loader.template(url)?)
    } else {
        fixed_target(url, location, loader)?
    };
    let settings = settings(scope, &target, prefix, loader)?;
    Ok(ProxyPass { target, settings })
}

/// The parts of `http://authority/path`, or an error in nginx's words.
pub(crate) fn split_url(url: &str) -> Result<(&str, Option<&str>), String> {
    let Some(rest) = strip_scheme(url, "http://") else {
        if strip_scheme(url, "https://").is_some() {
            return Err("https to upstreams is not implemented by this proxy".to_owned());
        }
        return Err("invalid URL prefix".to_owned());
    };
    // The path of a socket ends at a colon: http://unix:/run/a.sock:/path.
    if let Some(socket) = rest.strip_prefix("unix:") {
        return Ok(match socket.split_once(':') {
            Some((path, "")) => (&rest[..5 + path.len()], None),
            Some((path, uri)) => (&rest[..5 + path.len()], Some(uri)),
            None => (rest, None),
        });
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() {
        return Err("no host in upstream".to_owned());
    }
    Ok((authority, (!path.is_empty()).then_some(path)))
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// `$proxy_host` and `$proxy_port` of an authority: the port is left out of the host if it is 80.
pub(crate) fn host_and_port(authority: &str) -> (Arc<str>, Arc<str>) {
    if authority.starts_with("unix:") {
        return ("localhost".into(), "".into());
    }
    let after_ipv6 = authority.find(']').unwrap_or(0);
    match authority[after_ipv6..].rsplit_once(':') {
        Some((_, "80")) => (authority[..authority.len() - 3].into(), "80".into()),
        Some((_, port)) => (authority.into(), port.into()),
        None => (authority.into(), "80".into()),
    }
}

fn fixed_target(url: &Arg, location: &str, loader: &Loader) -> Result<Target, ConfigError> {
    let (authority, path) = split_url(&url.text).map_err(|why| url.error(why))?;
    if path.is_some() && (location.starts_with(['~', '@']) || loader.in_if.get()) {
        return Err(url.error(
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or \
             inside named location, or inside \"if\" statement, or inside \"limit_except\" block",
        ));
    }
    let (host, port) = host_and_port(authority);
    let path = path.map(|path| match path.strip_prefix('?') {
        Some(_) => format!("/{path}").into_bytes().into(),
        None => path.as_bytes().into(),
    });
    Ok(Target::Fixed {
        upstream: loader.upstream(url, authority)?,
        host,
        port,
        path,
    })
}

fn settings(
    scope: &Scope<'_>,
    target: &Target,
    prefix: &[u8],
    loader: &Loader,
) -> Result<ProxySettings, ConfigError> {
    let minute = Duration::from_secs(60);
    let buffer_size = scope.bytes("proxy_buffer_size", 8 * 1024)?;
    let template = |name| {
        scope
            .find(name)
            .map(|d| loader.template(values::only(d)?))
            .transpose()
    };
    let (set_headers, host) = set_headers(scope, loader)?;
    Ok(ProxySettings {
        http_version: http_version(scope)?,
        set_headers,
        host,
        set_body: template("proxy_set_body")?,
        method: template("proxy_method")?,
        pass_request_headers: scope.flag("proxy_pass_request_headers", true)?,
        pass_request_body: scope.flag("proxy_pass_request_body", true)?,
        request_buffering: scope.flag("proxy_request_buffering", true)?,
        buffering: scope.flag("proxy_buffering", true)?,
        buffer_size,
        buffers: buffers(scope, buffer_size)?,
        max_temp_file_size: scope.size("proxy_max_temp_file_size", 1 << 30)?,
        connect_timeout: scope.time("proxy_connect_timeout", minute)?,
        send_timeout: scope.time("proxy_send_timeout", minute)?,
        read_timeout: scope.time("proxy_read_timeout", minute)?,
        next_upstream: next_upstream(scope)?,
        next_upstream_tries: scope.number("proxy_next_upstream_tries", 0)?,
        next_upstream_timeout: scope.time("proxy_next_upstream_timeout", Duration::ZERO)?,
        intercept_errors: scope.flag("proxy_intercept_errors", false)?,
        ignore_client_abort: scope.flag("proxy_ignore_client_abort", false)?,
        redirects: redirects(scope, target, prefix, loader)?,
        cookie_domain: cookie_rules(scope, "proxy_cookie_domain", loader)?,
        cookie_path: cookie_rules(scope, "proxy_cookie_path", loader)?,
        cookie_flags: cookie_flags(scope, loader)?,
        hidden: hidden(scope),
        ignored: names(scope, "proxy_ignore_headers"),
        limit_rate: template("proxy_limit_rate")?,
        bind: scope
            .find("proxy_bind")
            .filter(|d| d.args.first().is_none_or(|arg| arg.text != "off"))
            .map(|d| loader.template(values::only(d)?))
            .transpose()?,
        pass_trailers: scope.flag("proxy_pass_trailers", false)?,
    })
}

fn http_version(scope: &Scope<'_>) -> Result<Version, ConfigError> {
    match scope.find("proxy_http_version") {
        None => Ok(Version::Http11),
        Some(d) => match values::only(d)?.text.as_str() {
            "1.0" => Ok(Version::Http10),
            "1.1" => Ok(Version::Http11),
            "2" => Err(d.error("HTTP/2 to upstreams is not implemented by this proxy")),
            other => Err(d.error(format!("invalid value \"{other}\""))),
        },
    }
}

type SetHeaders = (Vec<(HeaderName, Template)>, Option<Template>);

fn set_headers(scope: &Scope<'_>, loader: &Loader) -> Result<SetHeaders, ConfigError> {
    let (mut headers, mut host) = (Vec::new(), None);
    for directive in scope.all("proxy_set_header") {
        let [name, value] = directive.args.as_slice() else {
            return Err(
                directive.error("invalid number of arguments in \"proxy_set_header\" directive")
            );
        };
        let value = loader.template(value)?;
        let name = HeaderName::new(&name.text);
        if name.known == Known::Host {
            host = Some(value);
        } else {
            headers.push((name, value));
        }
    }
    Ok((headers, host))
}

fn buffers(scope: &Scope<'_>, buffer_size: usize) -> Result<usize, ConfigError> {
    let Some(directive) = scope.find("proxy_buffers") else {
        return Ok(8 * 8 * 1024);
    };
    let count: Option<usize> = directive.args.first().and_then(|arg| arg.text.parse().ok());
    let size = directive
        .args
        .get(1)
        .and_then(|arg| values::parse_size(&arg.text));
    let (Some(count), Some(size)) = (count, size.and_then(|s| usize::try_from(s).ok())) else {
        return Err(directive.error("invalid value"));
    };
    if count < 2 {
        return Err(directive.error("there must be at least 2 \"proxy_buffers\""));
    }
    Ok(count.saturating_mul(size).max(buffer_size))
}

fn next_upstream(scope: &Scope<'_>) -> Result<NextUpstream, ConfigError> {
    let mut next = NextUpstream {
        error: true,
        timeout: true,
        ..NextUpstream::default()
    };
    let Some(directive) = scope.find("proxy_next_upstream") else {
        return Ok(next);
    };
    next = NextUpstream::default();
    for arg in &directive.args {
        match arg.text.as_str() {
            "error" => next.error = true,
            "timeout" => next.timeout = true,
            "invalid_header" => next.invalid_header = true,
            "non_idempotent" => next.non_idempotent = true,
            "off" => next = NextUpstream::default(),
            "updating" => {}
            text => {
                let status = text
                    .strip_prefix("http_")
                    .and_then(|code| code.parse().ok());
                let known = [500, 502, 503, 504, 403, 404, 429];
                let status = status.filter(|status| known.contains(status));
                next.statuses
                    .push(status.ok_or_else(|| arg.error(format!("invalid value \"{text}\"")))?);
            }
        }
    }
    Ok(next)
}

fn names(scope: &Scope<'_>, directive: &'static str) -> Vec<HeaderName> {
    let args = scope.all(directive).into_iter().flat_map(|d| &d.args);
    args.map(|arg| HeaderName::new(&arg.text)).collect()
}

/// Headers of the answer that stay here, unless `proxy_pass_header` lets them through.
fn hidden(scope: &Scope<'_>) -> Vec<HeaderName> {
    let passed = names(scope, "proxy_pass_header");
    let defaults = [
        "Date",
        "Server",
        "X-Pad",
        "X-Accel-Expires",
        "X-Accel-Redirect",
        "X-Accel-Limit-Rate",
        "X-Accel-Buffering",
        "X-Accel-Charset",
    ];
    let mut hidden: Vec<_> = defaults.into_iter().map(HeaderName::new).collect();
    hidden.retain(|name| !passed.iter().any(|p| p.is(&name.text, name.known)));
    hidden.extend(names(scope, "proxy_hide_header"));
    hidden
}

fn redirects(
    scope: &Scope<'_>,
    target: &Target,
    prefix: &[u8],
    loader: &Loader,
) -> Result<Vec<RedirectRule>, ConfigError> {
    let directives = scope.all("proxy_redirect");
    if directives.is_empty() {
        return Ok(default_redirect(target, prefix).into_iter().collect());
    }
    let mut rules = Vec::new();
    for directive in directives {
        match directive.args.as_slice() {
            [word] if word.text == "off" => return Ok(Vec::new()),
            [word] if word.text == "default" => {
                if matches!(target, Target::Variable(_)) {
                    return Err(word.error("\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables"));
                }
                rules.extend(default_redirect(target, prefix));
            }
            [from, to] => {
                let to = loader.template(to)?;
                rules.push(match from.text.strip_prefix('~') {
                    Some(rest) => {
                        let text = rest.strip_prefix('*').unwrap_or(rest);
                        let from = loader.pattern(from, text, rest.starts_with('*'))?;
                        RedirectRule::Pattern { from, to }
                    }
                    None => RedirectRule::Text {
                        from: loader.template(from)?,
                        to,
                    },
                });
            }
            _ => return Err(directive.error("invalid parameter")),
        }
    }
    Ok(rules)
}

/// `proxy_pass http://a/b/;` in `location /c/` turns `Location: http://a/b/x` into `/c/x`.
fn default_redirect(target: &Target, prefix: &[u8]) -> Option<RedirectRule> {
    match target {
        Target::Variable(_) => Some(RedirectRule::Default),
        Target::Fixed { upstream, path, .. } => {
            let mut from = format!("http://{}", upstream.upstream.name()).into_bytes();
            from.extend_from_slice(path.as_deref().unwrap_or(b"/"));
            let to = if path.is_some() { prefix } else { b"/" };
            Some(RedirectRule::Text {
                from: Template::literal(&from),
                to: Template::literal(to),
            })
        }
    }
}

fn cookie_rules(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<CookieRule>, ConfigError> {
    let mut rules = Vec::new();
    for directive in scope.all(name) {
        match directive.args.as_slice() {
            [word] if word.text == "off" => return Ok(Vec::new()),
            [from, to] => {
                let from = match from.text.strip_prefix('~') {
                    Some(rest) => {
                        // Domains have no case; paths do, unless `~*` says otherwise.
                        let ignore_case = rest.starts_with('*') || name == "proxy_cookie_domain";
                        let text = rest.strip_prefix('*').unwrap_or(rest);
                        CookieMatch::Pattern(loader.pattern(from, text, ignore_case)?)
                    }
                    None => CookieMatch::Text(loader.template_text(
                        from,
                        if name == "proxy_cookie_domain" {
                            from.text.trim_start_matches('.')
                        } else {
                            &from.text
                        },
                    )?),
                };
                let to = if name == "proxy_cookie_domain" && matches!(from, CookieMatch::Text(_)) {
                    loader.template_text(to, to.text.trim_start_matches('.'))?
                } else {
                    loader.template(to)?
                };
                rules.push(CookieRule { from, to });
            }
            _ => return Err(directive.error("invalid parameter")),
        }
    }
    Ok(rules)
}

fn cookie_flags(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Vec<(Template, Vec<String>)>, ConfigError> {
    let mut rules = Vec::new();
    for directive in scope.all("proxy_cookie_flags") {
        let Some((name, flags)) = directive.args.split_first() else {
            continue;
        };
        if name.text == "off" {
            return Ok(Vec::new());
        }
        if matches!(Matcher::parse(name, &loader.names)?, Matcher::Pattern(_)) {
            return Err(name
                .error("expressions in \"proxy_cookie_flags\" are not implemented by this proxy"));
        }
        let flags = flags
            .iter()
            .map(|flag| flag.text.to_ascii_lowercase())
            .collect();
        rules.push((loader.template(name)?, flags));
    }
    Ok(rules)
}
