//! `server {}` and how a request finds its own (ngx_http_core_module, `server_name`): exact
//! name, longest `*.suffix`, longest `prefix.*`, first matching expression, default server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::location::Location;
use super::pattern::Pattern;
use crate::http1::request::HeadRules;
use crate::http2::Http2;
use crate::tls::ServerTls;

#[derive(Debug)]
pub(crate) struct Server {
    /// `$server_name`: the first name.
    pub(crate) name: String,
    /// The settings and rewrites of the server itself, and the tree of its locations.
    pub(crate) root: Arc<Location>,
    pub(crate) head_rules: HeadRules,
    pub(crate) header_timeout: Duration,
    pub(crate) merge_slashes: bool,
    /// Its certificates and what goes with them.
    pub(crate) tls: Option<ServerTls>,
    pub(crate) http2: Http2,
    /// A `tunnel_pass` stands somewhere in it.
    pub(crate) allows_connect: bool,
}

/// The servers of one address.
#[derive(Debug, Default)]
pub(crate) struct VirtualServers {
    pub(super) all: Vec<Arc<Server>>,
    pub(super) default: usize,
    /// Plain names, `*.example.com` and `www.example.*`, lower case.
    pub(super) names: HashMap<Vec<u8>, usize>,
    /// Whether a star is among them; most configurations have none, and need not look for one.
    pub(super) has_wildcards: bool,
    pub(super) patterns: Vec<(Pattern, usize)>,
}

impl VirtualServers {
    pub(crate) fn default_server(&self) -> &Arc<Server> {
        &self.all[self.default]
    }

    // ANCHOR: find_server
    /// The server for a host (lower case, no port), with the expression that matched it, if one did.
    pub(crate) fn find(&self, host: &[u8]) -> (&Arc<Server>, Option<&Pattern>) {
        if let Some(&index) = self.names.get(host) {
            return (&self.all[index], None);
        }
        // The map is asked for `*.example.com` before `*.com`: longest first.
        if self.has_wildcards
            && let Some(index) = wildcards(host).find_map(|name| self.names.get(&name))
        {
            return (&self.all[*index], None);
        }
        for (pattern, index) in &self.patterns {
            if pattern.regex.is_match(host) {
                return (&self.all[*index], Some(pattern));
            }
        }
        (self.default_server(), None)
    }
    // ANCHOR_END: find_server
}

/// The wildcard names that cover a host: `*.b.c`, `*.c` for `a.b.c`, then `a.b.*`, `a.*`.
pub(super) fn wildcards(host: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let dots: Vec<usize> = host
        .iter()
        .enumerate()
        .filter(|&(_, &b)| b == b'.')
        .map(|(at, _)| at)
        .collect();
    let suffixes = dots
        .clone()
        .into_iter()
        .map(|at| [b"*", &host[at..]].concat());
    let prefixes = dots
        .into_iter()
        .rev()
        .map(|at| [&host[..=at], b"*"].concat());
    suffixes.chain(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_tried_longest_first_and_suffixes_before_prefixes() {
        let names: Vec<_> = wildcards(b"a.b.c")
            .map(|n| String::from_utf8(n).unwrap())
            .collect();
        assert_eq!(names, ["*.b.c", "*.c", "a.b.*", "a.*"]);
    }
}
