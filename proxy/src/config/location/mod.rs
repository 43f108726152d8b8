//! `location {}`: the settings that hold in it, and the tree in which a path finds its own.

mod client;
mod error_page;
mod files;
mod mirror;
mod tree;

use std::sync::Arc;

pub(crate) use client::ClientSettings;
pub(crate) use error_page::ErrorPage;
pub(crate) use files::{Autoindex, AutoindexFormat, Files, TryFile};
pub(crate) use mirror::Mirrors;
pub(crate) use tree::Locations;

use super::access::{self, AccessRule};
use super::auth::{self, Auth};
use super::filters::{self, Conditions, Filters};
use super::headers::{self, AddHeader, Expires};
use super::health_check;
use super::limits::{self, Limits};
use super::loader::Loader;
use super::logs::{self, AccessLog, ErrorLog};
use super::proxy_pass::{self, ProxyPass};
use super::real_ip::{self, RealIp};
use super::referers::{self, Referers};
use super::rewrite::{self, Step};
use super::scope::Scope;
use super::secure_link::{self, SecureLink};
use super::syntax::{ConfigError, Place};
use super::trace::{self, TraceSettings};
use super::tunnel_pass::{self, TunnelPass};

/// Everything that holds for requests of one location (or of a server outside of any).
#[derive(Debug)]
pub(crate) struct Location {
    /// The prefix that `alias` and a `proxy_pass` with a path replace; empty for expressions.
    pub(crate) prefix: Box<[u8]>,
    pub(crate) exact: bool,
    pub(crate) is_pattern: bool,
    /// Where it stands, for the dashboard.
    pub(crate) place: Option<Place>,
    pub(crate) program: Vec<Step>,
    pub(crate) locations: Locations,
    pub(crate) handler: Handler,
    pub(crate) internal: bool,
    pub(crate) real_ip: Option<Arc<RealIp>>,
    pub(crate) limits: Option<Box<Limits>>,
    pub(crate) access: Vec<AccessRule>,
    pub(crate) auth: Option<Box<Auth>>,
    pub(crate) referers: Option<Box<Referers>>,
    pub(crate) secure_link: Option<Box<SecureLink>>,
    pub(crate) limit_except: Option<LimitExcept>,
    pub(crate) try_files: Option<(Vec<TryFile>, TryFile)>,
    pub(crate) files: Files,
    pub(crate) conditions: Conditions,
    /// Boxed and optional: few locations change bodies.
    pub(crate) filters: Option<Box<Filters>>,
    pub(crate) error_pages: Vec<ErrorPage>,
    pub(crate) add_headers: Vec<AddHeader>,
    pub(crate) add_trailers: Vec<AddHeader>,
    pub(crate) expires: Option<Expires>,
    pub(crate) client: ClientSettings,
    pub(crate) redirects: Redirects,
    pub(crate) access_logs: Vec<AccessLog>,
    pub(crate) error_log: ErrorLog,
    pub(crate) log_not_found: bool,
    pub(crate) trace: Option<Box<TraceSettings>>,
    pub(crate) log_subrequest: bool,
    pub(crate) mirrors: Option<Box<Mirrors>>,
    /// `slice`: bytes of each.
    pub(crate) slice: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) enum Handler {
    #[default]
    Static,
    Proxy(Arc<ProxyPass>),
    Tunnel(Arc<TunnelPass>),
    /// `stub_status`
    StubStatus,
}

#[derive(Debug)]
pub(crate) struct LimitExcept {
    pub(crate) methods: Vec<String>,
    pub(crate) rules: Vec<AccessRule>,
    pub(crate) auth: Option<Box<Auth>>,
    pub(crate) pass: Option<Arc<ProxyPass>>,
}

/// How a redirect's address is completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redirects {
    pub(crate) absolute: bool,
    pub(crate) server_name: bool,
    pub(crate) port: bool,
}

impl Location {
    /// Whether a password is asked for as a proxy asks, of this method.
    pub(crate) fn asks_as_proxy(&self, method: &[u8]) -> bool {
        let auth = match self.exception(method) {
            Some(limit) => limit.auth.as_ref(),
            None => self.auth.as_ref(),
        };
        let basic = auth.and_then(|auth| auth.basic.as_ref());
        method == b"CONNECT" || basic.is_some_and(|basic| basic.as_proxy)
    }

    /// For people who debug.
    pub(crate) fn describe(&self) -> String {
        let kind = if self.is_pattern {
            " of an expression"
        } else {
            ""
        };
        format!(
            "using location{kind} \"{}\"",
            String::from_utf8_lossy(&self.prefix)
        )
    }

    /// What `limit_except` says of a method that it does not list.
    pub(crate) fn exception(&self, method: &[u8]) -> Option<&LimitExcept> {
        let listed = |limit: &&LimitExcept| {
            let mut methods = limit.methods.iter();
            methods.any(|listed| listed.as_bytes() == method)
        };
        self.limit_except.as_ref().filter(|limit| !listed(limit))
    }

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
        let handler = handler(scope, loader, name, &prefix)?;
        for directive in scope.here("health_check") {
            let pass = match &handler {
                Handler::Proxy(pass) => Some(pass),
                _ => None,
            };
            let check = health_check::parse(directive, pass, &loader.matches.borrow())?;
            loader.checks.borrow_mut().push(check);
        }
        let location = Self {
            program: rewrite::program(scope, loader)?,
            exact: name.starts_with('='),
            is_pattern: name.starts_with('~'),
            place: scope.place(),
            locations: tree::locations(scope, name, loader)?,
            handler,
            internal: scope.own("internal").is_some(),
            real_ip: real_ip::real_ip(scope)?,
            limits: limits::limits(scope, loader)?,
            access: access::rules(scope)?,
            auth: auth::auth(scope, loader)?,
            referers: referers::referers(scope, loader)?,
            secure_link: secure_link::secure_link(scope, loader)?,
            limit_except: limit_except(scope, loader, name, &prefix)?,
            try_files: files::try_files(scope, loader)?,
            files: files::files(scope, loader)?,
            conditions: filters::conditions(scope)?,
            filters: filters::filters(scope, loader)?,
            error_pages: error_page::error_pages(scope, loader)?,
            add_headers: headers::added(scope, "add_header", loader)?,
            add_trailers: headers::added(scope, "add_trailer", loader)?,
            expires: headers::expires(scope, loader)?,
            client: client::client(scope, loader)?,
            redirects: Redirects {
                absolute: scope.flag("absolute_redirect", true)?,
                server_name: scope.flag("server_name_in_redirect", false)?,
                port: scope.flag("port_in_redirect", true)?,
            },
            access_logs: logs::access_logs(scope, loader)?,
            error_log: logs::error_log(scope, loader)?,
            log_not_found: scope.flag("log_not_found", true)?,
            trace: trace::settings(scope, loader)?,
            log_subrequest: scope.flag("log_subrequest", false)?,
            mirrors: mirror::mirrors(scope)?,
            slice: Some(scope.size("slice", 0)?).filter(|&size| size > 0),
            prefix,
        };
        loader.enclosing.replace(outer);
        Ok(location)
    }
}

/// What a block says itself goes before what it inherits (an `if` from its location).
fn handler(
    scope: &Scope<'_>,
    loader: &Loader,
    name: &str,
    prefix: &[u8],
) -> Result<Handler, ConfigError> {
    let proxy_here = scope.here("proxy_pass").next();
    let tunnel_here = scope.here("tunnel_pass").next();
    if let (Some(_), Some(tunnel)) = (proxy_here, tunnel_here) {
        return Err(tunnel
            .error("\"tunnel_pass\" and \"proxy_pass\" can't stand in one block")
            .with_help("put the tunnel into \"if ($request_method = CONNECT) { ... }\""));
    }
    let tunnel = tunnel_here.or_else(|| scope.own("tunnel_pass").filter(|_| proxy_here.is_none()));
    if let Some(directive) = tunnel {
        let pass = tunnel_pass::parse(directive, scope, loader)?;
        return Ok(Handler::Tunnel(Arc::new(pass)));
    }
    match scope.own("proxy_pass") {
        Some(directive) => {
            let pass = proxy_pass::parse(directive, scope, prefix, name, loader)?;
            Ok(Handler::Proxy(Arc::new(pass)))
        }
        None if scope.own("stub_status").is_some() => Ok(Handler::StubStatus),
        None => Ok(Handler::Static),
    }
}

fn limit_except(
    scope: &Scope<'_>,
    loader: &Loader,
    name: &str,
    prefix: &[u8],
) -> Result<Option<LimitExcept>, ConfigError> {
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
    let inside = scope.inside(directive);
    let own_pass = inside.here("proxy_pass").next();
    let outer = loader.in_if.replace(true);
    let pass = own_pass.map(|pass| proxy_pass::parse(pass, &inside, prefix, name, loader));
    loader.in_if.set(outer);
    Ok(Some(LimitExcept {
        methods,
        rules: access::rules(&inside)?,
        auth: auth::auth(&inside, loader)?,
        pass: pass.transpose()?.map(Arc::new),
    }))
}
