//! The configuration: `syntax` reads nginx's language into a tree, the files beside this one give
//! each directive its meaning. What leaves here is typed and checked; no later stage meets a
//! string that it has to interpret.

mod access;
mod allow_upstream;
mod auth;
mod cache_zones;
mod classes;
mod core;
mod filters;
mod geo;
mod headers;
mod health_check;
mod http;
mod limits;
mod listen;
mod loader;
mod location;
mod logs;
mod map;
mod methods;
mod pattern;
mod proxy_pass;
mod real_ip;
mod referers;
mod resolver;
mod rewrite;
mod scope;
mod secure_link;
mod server;
mod servers;
mod split_clients;
mod sticky;
pub(crate) mod syntax;
mod syslog;
mod template;
mod tls;
mod trace;
mod tunnel_pass;
mod upstream;
mod values;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub(crate) use self::core::Core;
pub(crate) use access::{AccessRule, Network};
pub(crate) use allow_upstream::AllowUpstream;
pub(crate) use auth::{Auth, AuthRequest, Basic};
pub(crate) use classes::{Class, Worth};
pub(crate) use filters::{GzipPolicy, GzipStatic, IfModifiedSince, Proxied, Recoding, Ssi};
pub(crate) use headers::{AddHeader, Expires, ExpiresWhen};
pub(crate) use limits::{Limits, RequestLimit};
pub(crate) use listen::{Listen, ListenAddress};
pub(crate) use loader::{LoadOptions, build, load};
pub(crate) use location::{
    Autoindex, AutoindexFormat, Handler, Location, Locations, Mirrors, TryFile,
};
pub(crate) use logs::{AccessLog, ErrorLog, Escape, Level, LogTarget};
pub(crate) use pattern::{Pattern, regex};
pub(crate) use proxy_pass::{
    CacheSettings, CookieMatch, CookieRule, Ignored, ProxyPass, ProxySettings, RedirectRule,
    Scheme, Target, ZoneName, any_holds, host_and_port, split_url,
};
pub(crate) use real_ip::{RealIp, RealIpHeader, Trusted};
pub(crate) use resolver::Names;
pub(crate) use rewrite::{Assign, Condition, FileTest, Flag, Step};
pub(crate) use server::Server;
pub(crate) use sticky::{Binding, Cookie as StickyCookie, Lifetime, Sticky};
pub(crate) use tunnel_pass::{TunnelPass, TunnelTarget};
pub(crate) use upstream::UpstreamBlock;

use crate::cache::Zone;
use crate::check::Check;
use crate::upstream::resolve::HostMap;
pub(crate) use syntax::{ConfigError, Place, SourceFile};
pub(crate) use template::Template;
pub(crate) use trace::TraceSettings;
pub(crate) use values::parse_size;

/// One generation of the configuration: a reload builds a new one whole, and requests in flight
/// keep the old one alive.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) core: Core,
    pub(crate) listens: Vec<Listen>,
    /// What `map`, `geo` and `split_clients` define.
    pub(crate) classes: Vec<Class>,
    /// The `upstream {}` blocks first, then one for each `proxy_pass` to a plain address.
    pub(crate) upstreams: Vec<Arc<UpstreamBlock>>,
    /// What `proxy_cache_path` defines.
    pub(crate) caches: Vec<Arc<Zone>>,
    /// `health_check` lines.
    pub(crate) checks: Vec<Arc<Check>>,
    /// Where finished spans go.
    pub(crate) exporter: Option<Arc<crate::trace::Exporter>>,
    pub(crate) user_variables: usize,
    /// The variables by name, for pages that ask for one.
    pub(crate) names: crate::variables::Names,
    /// Whether a `$sent_http_…` or `$sent_trailer_…` stands anywhere.
    pub(crate) keeps_sent_head: bool,
    /// What was read, for `-T`.
    pub(crate) files: Vec<Arc<syntax::SourceFile>>,
    pub(crate) hosts: Arc<HostMap>,
    /// 1 at the start, one more with each reload.
    pub(crate) generation: u64,
    /// Cancelled when a newer generation has taken over, or the proxy is to stop.
    pub(crate) retired: CancellationToken,
}

impl Drop for Config {
    /// Its last request is done; said in nginx's words for the end of a worker process.
    fn drop(&mut self) {
        if self.generation > 0 {
            let text = format!(
                "generation {} of the configuration exited with code 0",
                self.generation
            );
            crate::log::message(&self.core.error_log, Level::Notice, &text);
        }
    }
}

impl Config {
    /// The servers behind the address that a connection came in by.
    pub(crate) fn listen_for(&self, local: &ListenAddress) -> Option<&Listen> {
        let exact = self.listens.iter().find(|listen| listen.address == *local);
        exact.or_else(|| {
            self.listens
                .iter()
                .find(|listen| listen.address.covers(local))
        })
    }

    pub(crate) fn upstream(&self, name: &str, port: u16) -> Option<&Arc<UpstreamBlock>> {
        self.upstreams
            .iter()
            .find(|block| block.is_named(name, port))
    }
}
