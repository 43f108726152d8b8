//! The main and `events` contexts: processes, files, limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::access::Network;
use super::loader::Loader;
use super::logs::{self, ErrorLog};
use super::real_ip;
use super::scope::Scope;
use super::syntax::ConfigError;
use super::values;

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) daemon: bool,
    pub(crate) workers: usize,
    /// Client connections of one worker. nginx's default of 512 turns clients away long before
    /// the machine is busy; ours is what the descriptors allow.
    pub(crate) worker_connections: usize,
    pub(crate) open_files: Option<u64>,
    /// How long old connections may go on after a reload or QUIT; `None` is as long as they like.
    pub(crate) shutdown_timeout: Option<Duration>,
    pub(crate) pid: PathBuf,
    /// `pid` stands in the configuration, so failing to write it is an error.
    pub(crate) pid_explicit: bool,
    pub(crate) error_log: ErrorLog,
    debug_connections: Vec<Network>,
    pub(crate) user: Option<(String, Option<String>)>,
}

impl Core {
    /// Whether `debug_connection` names this client.
    pub(crate) fn debugs(&self, client: Option<SocketAddr>) -> bool {
        let client = client.map(|client| client.ip());
        self.debug_connections
            .iter()
            .any(|network| network.contains(client))
    }
}

const DEFAULT_CONNECTIONS: usize = 65_536;

pub(super) fn parse(scope: &Scope<'_>, loader: &Loader) -> Result<Core, ConfigError> {
    let workers = match scope.find("worker_processes") {
        None => 1,
        Some(d) if values::only(d)?.text == "auto" => {
            std::thread::available_parallelism().map_or(1, usize::from)
        }
        Some(d) => values::number(d)?.clamp(1, 1024),
    };
    let events = scope.find("events");
    let events =
        events.ok_or_else(|| ConfigError::new("no \"events\" section in configuration"))?;
    let events = scope.inside(events);
    let user = scope.find("user").map(|d| {
        let arg = |at: usize| d.args.get(at).map(|arg| arg.text.clone());
        (arg(0).unwrap_or_default(), arg(1))
    });
    let pid = scope.find("pid").map(values::only).transpose()?;
    let mut debug_connections = Vec::new();
    for directive in events.here("debug_connection") {
        debug_connections.extend(real_ip::networks(directive)?);
    }
    Ok(Core {
        daemon: scope.flag("daemon", true)?,
        workers,
        worker_connections: events.number("worker_connections", DEFAULT_CONNECTIONS)?,
        open_files: scope
            .find("worker_rlimit_nofile")
            .map(|d| values::number(d).map(|n| n as u64))
            .transpose()?,
        shutdown_timeout: scope
            .find("worker_shutdown_timeout")
            .map(values::time)
            .transpose()?,
        pid: pid.map_or_else(
            || std::env::temp_dir().join("proxy.pid"),
            |arg| loader.path(&arg.text),
        ),
        pid_explicit: pid.is_some(),
        error_log: logs::error_log(scope, loader)?,
        debug_connections,
        user,
    })
}
