//! `proxy_pass` and the `proxy_…` directives around it (ngx_http_proxy_module, 1.31): where a
//! location's requests go, what is said there, how long we wait, and what is changed on the way
//! back.

mod caching;
mod cookies;
mod redirects;
mod set_headers;
mod settings;
mod target;
mod tls;

pub(crate) use caching::{CacheSettings, Ignored, ZoneName, any_holds};
pub(crate) use cookies::{CookieMatch, CookieRule};
pub(crate) use redirects::RedirectRule;
pub(crate) use settings::ProxySettings;
pub(crate) use target::{Scheme, Target, host_and_port, split_url};
use tls::PeerTls;

use super::loader::Loader;
use super::resolver::Names;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::values;

#[derive(Debug)]
pub(crate) struct ProxyPass {
    pub(crate) target: Target,
    pub(crate) settings: ProxySettings,
    /// Where the peers may be asked by https.
    pub(crate) tls: Option<PeerTls>,
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
        Target::Variable {
            url: loader.template(url)?,
            names: Names::find_or_system(scope, loader)?,
        }
    } else {
        target::fixed(url, location, loader)?
    };
    let settings = settings::settings(scope, &target, prefix, loader)?;
    let secure = match &target {
        Target::Fixed { scheme, .. } => *scheme == Scheme::Https,
        // The scheme may be in a variable, too.
        Target::Variable { .. } => !url.text.starts_with("http:"),
    };
    let tls = secure.then(|| tls::parse(scope, loader)).transpose()?;
    Ok(ProxyPass {
        target,
        settings,
        tls,
    })
}
