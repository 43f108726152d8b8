//! `valid_referers` (ngx_http_referer_module): takes the `Referer` of a request, decides whether the page that linked
//! here is one of ours. A client may write there what it likes: this keeps honest browsers from deep links, no more.

use std::collections::HashMap;

use super::loader::Loader;
use super::pattern::Pattern;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError};

/// nginx looks at no longer host.
const LONGEST_HOST: usize = 256;
/// And takes what is shorter than this for no address.
const SHORTEST: usize = "http://i.ru".len();

#[derive(Debug, Default)]
pub(crate) struct Referers {
    none: bool,
    blocked: bool,
    /// Hosts, with wildcards as `server_name` has them, and how the path has to begin.
    hosts: HashMap<Vec<u8>, Box<[u8]>>,
    host_patterns: Vec<Pattern>,
    /// Of everything after the scheme.
    patterns: Vec<Pattern>,
}

pub(super) fn referers(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Box<Referers>>, ConfigError> {
    let directives = scope.all("valid_referers");
    if directives.is_empty() {
        return Ok(None);
    }
    let mut known = Referers::default();
    for arg in directives.iter().flat_map(|directive| &directive.args) {
        match arg.text.as_str() {
            "none" => known.none = true,
            "blocked" => known.blocked = true,
            "server_names" => known.server_names(scope, loader)?,
            text => match text.strip_prefix('~') {
                Some(pattern) => known.patterns.push(loader.pattern(arg, pattern, true)?),
                None => known.host(arg)?,
            },
        }
    }
    Ok(Some(Box::new(known)))
}

impl Referers {
    fn server_names(&mut self, scope: &Scope<'_>, loader: &Loader) -> Result<(), ConfigError> {
        for name in scope
            .everywhere("server_name")
            .into_iter()
            .flat_map(|d| &d.args)
        {
            match name.text.strip_prefix('~') {
                Some(pattern) => self
                    .host_patterns
                    .push(loader.pattern(name, pattern, true)?),
                None => self.host(name)?,
            }
        }
        Ok(())
    }

    fn host(&mut self, arg: &Arg) -> Result<(), ConfigError> {
        if arg.text.starts_with("http://") {
            return Err(arg.error(format!("invalid server name or wildcard \"{}\"", arg.text)));
        }
        let (host, path) = arg
            .text
            .split_at(arg.text.find('/').unwrap_or(arg.text.len()));
        let host = host.to_ascii_lowercase();
        if let Some(bare) = host.strip_prefix('.') {
            self.hosts
                .insert(format!("*.{bare}").into_bytes(), path.as_bytes().into());
        }
        let host = host.trim_start_matches('.');
        self.hosts.insert(host.into(), path.as_bytes().into());
        Ok(())
    }

    /// Whether the request came from where it may.
    pub(crate) fn hold(&self, referer: Option<&[u8]>) -> bool {
        let Some(referer) = referer else {
            return self.none;
        };
        let long_enough = referer.len() >= SHORTEST;
        let Some(rest) = after_scheme(referer).filter(|_| long_enough) else {
            return self.blocked;
        };
        let host = &rest[..rest
            .iter()
            .position(|b| b"/:".contains(b))
            .unwrap_or(rest.len())];
        if host.len() > LONGEST_HOST {
            return false;
        }
        let lower = host.to_ascii_lowercase();
        let path = &rest[rest.iter().position(|&b| b == b'/').unwrap_or(rest.len())..];
        let exact = self.hosts.get(&lower);
        let listed = exact
            .or_else(|| super::server::wildcards(&lower).find_map(|name| self.hosts.get(&name)));
        listed.is_some_and(|start| path.starts_with(start))
            || self
                .host_patterns
                .iter()
                .any(|pattern| pattern.regex.is_match(&lower))
            || self
                .patterns
                .iter()
                .any(|pattern| pattern.regex.is_match(rest))
    }
}

fn after_scheme(referer: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find_map(|scheme| {
            let (start, rest) = referer.split_at_checked(scheme.len())?;
            (start.eq_ignore_ascii_case(scheme) && !rest.is_empty()).then_some(rest)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_referer_is_known_by_host_and_start_of_path() {
        let mut known = Referers {
            blocked: true,
            ..Referers::default()
        };
        for (host, path) in [
            ("www.example.org", ""),
            ("*.example.com", "/shop"),
            ("example.*", ""),
        ] {
            known.hosts.insert(host.into(), path.as_bytes().into());
        }
        for (referer, holds) in [
            ("http://www.example.org", true),
            ("HTTPS://WWW.example.org:8443/x", true),
            ("http://www.example.org.evil.test/", false),
            ("http://a.b.example.com/shop/1", true),
            ("http://a.example.com/other", false),
            ("http://example.test/", true),
            ("masked by a firewall", true),
            ("", true),
        ] {
            assert_eq!(known.hold(Some(referer.as_bytes())), holds, "{referer}");
        }
        assert!(!known.hold(None));
    }
}
