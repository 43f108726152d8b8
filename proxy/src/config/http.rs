//! `http {}`: takes its servers together by address and name.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::listen::{Listen, ListenAddress, ListenLine};
use super::loader::Loader;
use super::location::Location;
use super::pattern::Pattern;
use super::scope::Scope;
use super::server::{Server, VirtualServers};
use super::syntax::{Arg, ConfigError, Directive};
use super::{cache_zones, health_check, limits, logs, tls, trace, upstream};
use crate::http1::request::HeadRules;
use crate::http2::Http2;

pub(super) fn parse(
    root: &Scope<'_>,
    directive: &Directive,
    loader: &mut Loader,
) -> Result<Vec<Listen>, ConfigError> {
    let scope = root.inside(directive);
    logs::formats(&scope, loader)?;
    let caches = cache_zones::zones(&scope, loader)?;
    *loader.caches.borrow_mut() = caches;
    *loader.zones.borrow_mut() = limits::ZoneTable::parse(&scope, loader)?;
    *loader.matches.borrow_mut() = health_check::matches(&scope)?;
    *loader.exporter.borrow_mut() = trace::exporter(&scope)?;
    for block in scope.here("upstream") {
        let parsed = upstream::parse(block, &scope, loader)?;
        let mut known = loader.upstreams.borrow_mut();
        if known
            .iter()
            .any(|other| other.upstream.name() == parsed.upstream.name())
        {
            return Err(block.error(format!("duplicate upstream \"{}\"", parsed.upstream.name())));
        }
        known.push(Arc::new(parsed));
    }
    let mut addresses = Addresses::default();
    for block in scope.here("server") {
        addresses.add(block, &scope, loader)?;
    }
    let listens = addresses.into_listens();
    match listens
        .iter()
        .find(|listen| listen.ssl && listen.servers.default_server().tls.is_none())
    {
        Some(listen) => Err(ConfigError::new(format!(
            "no \"ssl_certificate\" is defined for the default server of \"listen {} ssl\"",
            listen.address
        ))),
        None => Ok(listens),
    }
}

/// The addresses seen so far, in order.
#[derive(Default)]
struct Addresses {
    listens: BTreeMap<ListenAddress, (Listen, Option<usize>)>,
}

impl Addresses {
    fn add(
        &mut self,
        block: &Directive,
        http: &Scope<'_>,
        loader: &Loader,
    ) -> Result<(), ConfigError> {
        let scope = http.inside(block);
        let names = server_names(&scope)?;
        let server = Arc::new(server(&scope, &names, loader)?);
        let mut lines = Vec::new();
        for directive in scope.here("listen") {
            lines.push((directive, ListenLine::parse(directive)?));
        }
        if lines.is_empty() {
            // nginx's rule for a server without `listen`: port 80 for root, else 8000.
            let port = if nix::unistd::geteuid().is_root() {
                80
            } else {
                8000
            };
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            let addresses = vec![ListenAddress::Tcp(any)];
            let line = ListenLine {
                addresses,
                default_server: false,
                backlog: None,
                ssl: false,
                transparent: false,
                proxy_protocol: false,
            };
            lines.push((block, line));
        }
        for (directive, line) in lines {
            for address in &line.addresses {
                let address = remap(address, loader);
                self.add_address(directive, &line, &address, &server, &names, loader)?;
            }
        }
        Ok(())
    }

    fn add_address(
        &mut self,
        directive: &Directive,
        line: &ListenLine,
        address: &ListenAddress,
        server: &Arc<Server>,
        names: &[Arg],
        loader: &Loader,
    ) -> Result<(), ConfigError> {
        let (listen, default) = self.listens.entry(address.clone()).or_insert_with(|| {
            let servers = VirtualServers::default();
            (
                Listen {
                    address: address.clone(),
                    // nginx says 511: of a thousand clients at once some would knock in vain, and again a second later.
                    backlog: 4096,
                    ssl: false,
                    transparent: false,
                    proxy_protocol: false,
                    servers,
                },
                None,
            )
        });
        if listen
            .servers
            .all
            .iter()
            .any(|other| Arc::ptr_eq(other, server))
        {
            return Err(directive.error(format!("a duplicate listen {address}")));
        }
        listen.backlog = line.backlog.unwrap_or(listen.backlog);
        listen.ssl |= line.ssl;
        listen.transparent |= line.transparent;
        listen.proxy_protocol |= line.proxy_protocol;
        let index = listen.servers.all.len();
        listen.servers.all.push(Arc::clone(server));
        if line.default_server && default.replace(index).is_some() {
            return Err(directive.error(format!("a duplicate default server for {address}")));
        }
        for name in names {
            add_name(&mut listen.servers, name, index, loader)?;
        }
        Ok(())
    }

    fn into_listens(self) -> Vec<Listen> {
        let with_default = |(mut listen, default): (Listen, Option<usize>)| {
            listen.servers.default = default.unwrap_or(0);
            listen
        };
        self.listens.into_values().map(with_default).collect()
    }
}

/// `--map-listen` moves a port, and nothing else about the address.
fn remap(address: &ListenAddress, loader: &Loader) -> ListenAddress {
    match address {
        ListenAddress::Tcp(tcp) => {
            let moved = loader.options.map_listen.get(&tcp.port());
            ListenAddress::Tcp(*moved.unwrap_or(tcp))
        }
        ListenAddress::Unix(_) => address.clone(),
    }
}

fn server_names(scope: &Scope<'_>) -> Result<Vec<Arg>, ConfigError> {
    Ok(scope
        .here("server_name")
        .flat_map(|directive| directive.args.iter().cloned())
        .collect())
}

/// A name that another server of the address has already is warned about and ignored, as in nginx.
fn add_name(
    servers: &mut VirtualServers,
    arg: &Arg,
    index: usize,
    loader: &Loader,
) -> Result<(), ConfigError> {
    if let Some(text) = arg.text.strip_prefix('~') {
        // Host names have no case, and `$host` is lower case.
        let pattern: Pattern = loader.pattern(arg, text, true)?;
        servers.patterns.push((pattern, index));
        return Ok(());
    }
    let name = arg.text.to_ascii_lowercase();
    let names = match name.strip_prefix('.') {
        Some(bare) => vec![bare.to_owned(), format!("*.{bare}")],
        None => vec![name],
    };
    for name in names {
        let inner = name.strip_prefix("*.").unwrap_or(&name);
        let inner = inner.strip_suffix(".*").unwrap_or(inner);
        if inner.contains('*') {
            return Err(arg.error(format!("invalid server name or wildcard \"{}\"", arg.text)));
        }
        if name == "*" {
            continue;
        }
        servers.has_wildcards |= name.contains('*');
        servers.names.entry(name.into_bytes()).or_insert(index);
    }
    Ok(())
}

fn server(scope: &Scope<'_>, names: &[Arg], loader: &Loader) -> Result<Server, ConfigError> {
    let first = names.first().map_or("", |arg| arg.text.as_str());
    let name = if first.starts_with('~') {
        first
    } else {
        first.trim_start_matches('.')
    };
    let (count, line) = match scope.find("large_client_header_buffers") {
        None => (4, 8 * 1024),
        Some(d) => {
            let count: Option<usize> = d.args[0].text.parse().ok().filter(|&n| n > 0);
            let size = d
                .args
                .get(1)
                .and_then(|arg| super::values::parse_size(&arg.text));
            let (Some(count), Some(size)) = (count, size) else {
                return Err(d.error("invalid value"));
            };
            (
                count.min(64),
                usize::try_from(size).unwrap_or(8 * 1024).min(1 << 20),
            )
        }
    };
    let first_buffer = scope.bytes("client_header_buffer_size", 1024)?.min(1 << 20);
    let head_rules = HeadRules {
        max_line: line.max(first_buffer),
        max_head: count * line,
        max_headers: scope.number("max_headers", 1000)?,
        ignore_invalid_headers: scope.flag("ignore_invalid_headers", true)?,
        underscores_in_headers: scope.flag("underscores_in_headers", false)?,
    };
    Ok(Server {
        name: name.to_owned(),
        root: Arc::new(Location::of_server(scope, loader)?),
        head_rules,
        header_timeout: scope.time("client_header_timeout", Duration::from_secs(60))?,
        merge_slashes: scope.flag("merge_slashes", true)?,
        tls: tls::parse(scope, loader)?,
        allows_connect: scope.contains("tunnel_pass"),
        http2: Http2 {
            on: tls::wants_http2(scope)?,
            streams: u32::try_from(scope.number("http2_max_concurrent_streams", 128)?)
                .unwrap_or(u32::MAX),
        },
    })
}
