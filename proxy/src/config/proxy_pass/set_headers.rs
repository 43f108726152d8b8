//! Lists of header names: what is set for the peer, what of its answer stays here.

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;
use crate::http1::Known;

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

pub(super) type SetHeaders = (Vec<(HeaderName, Template)>, Option<Template>);

pub(super) fn set_headers(scope: &Scope<'_>, loader: &Loader) -> Result<SetHeaders, ConfigError> {
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

pub(super) fn names(scope: &Scope<'_>, directive: &'static str) -> Vec<HeaderName> {
    let args = scope.all(directive).into_iter().flat_map(|d| &d.args);
    args.map(|arg| HeaderName::new(&arg.text)).collect()
}

/// Headers of the answer that stay here, unless `proxy_pass_header` lets them through.
pub(super) fn hidden(scope: &Scope<'_>) -> Vec<HeaderName> {
    let mut passed = names(scope, "proxy_pass_header");
    // An answer keeps its own date however old it is (RFC 9111 section 5.1 counts on it).
    if scope
        .find("proxy_cache_rfc")
        .is_some_and(|d| d.args.iter().any(|arg| arg.text == "on"))
    {
        passed.push(HeaderName::new("Date"));
    }
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
