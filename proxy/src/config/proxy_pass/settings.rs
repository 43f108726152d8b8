//! The `proxy_…` settings of a location.

use std::time::Duration;

use super::Target;
use super::caching::{self, CacheSettings};
use super::cookies::{self, CookieRule};
use super::redirects::{self, RedirectRule};
use super::set_headers::{self, HeaderName};
use crate::config::allow_upstream::AllowUpstream;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::{ConfigError, Directive};
use crate::config::template::Template;
use crate::config::values;
use crate::http1::Version;

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
    pub(crate) allow: AllowUpstream,
    /// An answer is passed on if none is empty or `0` (`proxy_allow_response`, ours).
    pub(crate) allow_response: Vec<Template>,
    pub(crate) pass_trailers: bool,
    /// Ranges of answers whose peer knows none.
    pub(crate) force_ranges: bool,
    pub(crate) cache: Option<Box<CacheSettings>>,
}

/// When a request goes to another peer (`proxy_next_upstream`).
#[derive(Clone, Debug, Default)]
pub(crate) struct NextUpstream {
    pub(crate) error: bool,
    pub(crate) timeout: bool,
    pub(crate) invalid_header: bool,
    pub(crate) denied: bool,
    pub(crate) non_idempotent: bool,
    pub(crate) statuses: Vec<u16>,
}

pub(super) fn settings(
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
    let authority = match target {
        Target::Variable { url, .. } => Some(url),
        Target::Fixed { .. } => None,
    };
    let ignored = set_headers::names(scope, "proxy_ignore_headers");
    let (set_headers, host) = set_headers::set_headers(scope, loader)?;
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
        redirects: redirects::redirects(scope, target, prefix, loader)?,
        cookie_domain: cookies::rules(scope, "proxy_cookie_domain", loader)?,
        cookie_path: cookies::rules(scope, "proxy_cookie_path", loader)?,
        cookie_flags: cookies::flags(scope, loader)?,
        hidden: set_headers::hidden(scope),
        cache: caching::caching(scope, &ignored, loader)?,
        ignored,
        limit_rate: template("proxy_limit_rate")?,
        bind: values::bind(scope, "proxy_bind")?
            .map(|arg| loader.template(arg))
            .transpose()?,
        allow: AllowUpstream::parse(scope, "proxy_allow_upstream", authority, loader)?,
        allow_response: scope
            .find("proxy_allow_response")
            .into_iter()
            .flat_map(|d| &d.args)
            .map(|arg| loader.template(arg))
            .collect::<Result<_, _>>()?,
        pass_trailers: scope.flag("proxy_pass_trailers", false)?,
        force_ranges: scope.flag("proxy_force_ranges", false)?,
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
    match scope.find("proxy_next_upstream") {
        Some(directive) => cases(directive),
        None => Ok(NextUpstream {
            error: true,
            timeout: true,
            ..NextUpstream::default()
        }),
    }
}

/// The cases that a directive lists.
pub(super) fn cases(directive: &Directive) -> Result<NextUpstream, ConfigError> {
    let mut next = NextUpstream::default();
    for arg in &directive.args {
        match arg.text.as_str() {
            "error" => next.error = true,
            "timeout" => next.timeout = true,
            "invalid_header" => next.invalid_header = true,
            "denied" => next.denied = true,
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
