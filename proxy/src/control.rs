//! The process: takes a loaded configuration, binds its sockets, starts the workers, then does
//! what signals say (HUP reload, QUIT finish, TERM stop, USR1 reopen logs) until the end.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::accept::listener::Listeners;
use crate::admin::{self, Counters, Load, Port, Sources, View, Writers};
use crate::cache;
use crate::check;
use crate::config::{self, Config, Level, Listen, ListenAddress, LoadOptions};
use crate::daemon;
use crate::log::{self, LogFile};
use crate::upstream::{Upstream, resolve};
use crate::worker::{self, Command};

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Bind(#[from] crate::accept::listener::BindError),
    #[error("{0}")]
    Admin(#[from] service::BindError),
    #[error("{0}")]
    User(#[from] daemon::UserError),
    #[error("{what} failed ({source})")]
    Io {
        what: &'static str,
        source: io::Error,
    },
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::Io { what, source }
}

/// The configuration that serves now; the admin pages read it.
type Current = Arc<Mutex<(Arc<Config>, SystemTime)>>;

struct Control {
    options: LoadOptions,
    listeners: Listeners,
    current: Current,
    workers: Vec<(mpsc::Sender<Command>, JoinHandle<()>)>,
    background: tokio::task::JoinHandle<()>,
}

/// Runs the proxy until a signal ends it.
pub(crate) fn run(
    config: Config,
    options: LoadOptions,
    admin: Option<(&str, Writers)>,
) -> Result<(), StartError> {
    raise_file_limit(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(io_error("starting the control runtime"))?;
    let result = runtime.block_on(serve(config, options, admin));
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn serve(
    mut config: Config,
    options: LoadOptions,
    admin: Option<(&str, Writers)>,
) -> Result<(), StartError> {
    config.generation = 1;
    let mut listeners = Listeners::default();
    listeners.adopt(&config.listens)?;
    daemon::become_user(&config.core)?;
    let signals = Signals::new().map_err(io_error("listening for signals"))?;
    let upstreams = upstreams(&config);
    resolve::resolve_once(&upstreams, &options.hosts).await;
    let config = Arc::new(config);
    let counters = Arc::new(Counters::new(config.core.workers));
    let current = Arc::new(Mutex::new((Arc::clone(&config), SystemTime::now())));
    let shutdown = service::Shutdown::new();
    let admin = start_admin(admin, &counters, &current, &shutdown, &options).await?;
    let workers =
        start_workers(&config, &listeners, &counters).map_err(io_error("starting the workers"))?;
    daemon::write_pid(&config.core).map_err(io_error("writing the pid file"))?;
    notice(
        &config,
        &format!("start worker processes: {}", config.core.workers),
    );
    start_exporter(&config);
    let background = tokio::spawn(background(&config, upstreams, &options));
    cache::keep(&config.caches, &config.retired);
    drop(config);
    let mut control = Control {
        options,
        listeners,
        current,
        workers,
        background,
    };
    control.obey(signals).await;
    shutdown.trigger();
    if let Some(admin) = admin {
        let _ = admin.await;
    }
    Ok(())
}

fn start_exporter(config: &Config) {
    if let Some(exporter) = &config.exporter {
        exporter.start(config.core.error_log.clone());
    }
}

fn upstreams(config: &Config) -> Vec<Arc<Upstream>> {
    config
        .upstreams
        .iter()
        .map(|block| Arc::clone(&block.upstream))
        .collect()
}

/// What goes on beside the workers as long as this configuration serves.
fn background(
    config: &Config,
    upstreams: Vec<Arc<Upstream>>,
    options: &LoadOptions,
) -> impl Future<Output = ()> + Send + use<> {
    let resolving = resolve::keep_resolving(upstreams, Arc::clone(&options.hosts));
    let checking = check::keep_checking(config.checks.clone());
    async move {
        tokio::join!(resolving, checking);
    }
}

fn notice(config: &Config, text: &str) {
    log::message(&config.core.error_log, Level::Notice, text);
}

/// As many descriptors as the system grants; `worker_rlimit_nofile` may ask for fewer.
fn raise_file_limit(config: &Config) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = config.core.open_files.unwrap_or(hard).min(hard);
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

fn start_workers(
    config: &Arc<Config>,
    listeners: &Listeners,
    counters: &Arc<Counters>,
) -> io::Result<Vec<(mpsc::Sender<Command>, JoinHandle<()>)>> {
    let mut workers = Vec::new();
    for index in 0..config.core.workers {
        let (commands, receiver) = mpsc::channel(16);
        let (config, counters) = (Arc::clone(config), Arc::clone(counters));
        let sockets = listeners.duplicate()?;
        let thread = std::thread::Builder::new().name(format!("worker-{index}"));
        let thread = thread.spawn(move || {
            if let Err(why) = worker::run(config, sockets, counters, index, receiver) {
                tracing::error!(index, %why, "a worker could not start");
            }
        })?;
        workers.push((commands, thread));
    }
    Ok(workers)
}

async fn start_admin(
    admin: Option<(&str, Writers)>,
    counters: &Arc<Counters>,
    current: &Current,
    shutdown: &service::Shutdown,
    options: &LoadOptions,
) -> Result<Option<tokio::task::JoinHandle<()>>, StartError> {
    let Some((address, writers)) = admin else {
        return Ok(None);
    };
    let listener = service::bind(address).await?;
    let (current, moved) = (Arc::clone(current), options.map_listen.clone());
    let limits = options.zones.clone();
    let sources = Sources {
        counters: Arc::clone(counters),
        view: Box::new(move || {
            let (config, loaded) = current
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let ports = config
                .listens
                .iter()
                .filter_map(|listen| port(listen, &moved));
            View {
                generation: config.generation,
                loaded,
                upstreams: upstreams(&config),
                caches: config.caches.clone(),
                limits: limits.clone(),
                ports: ports.collect(),
                files: config.files.clone(),
            }
        }),
        started: SystemTime::now(),
        writers,
        load: Load::default(),
    };
    Ok(Some(tokio::spawn(admin::run(
        listener,
        sources,
        shutdown.clone(),
    ))))
}

/// A port as it stands in the file, and as it is bound.
fn port(
    listen: &Listen,
    moved: &std::collections::BTreeMap<u16, std::net::SocketAddr>,
) -> Option<Port> {
    let ListenAddress::Tcp(address) = &listen.address else {
        return None;
    };
    let written = moved
        .iter()
        .find(|(_, to)| *to == address)
        .map(|(&port, _)| port);
    Some(Port {
        written: written.unwrap_or(address.port()),
        bound: *address,
        tls: listen.ssl,
        upstream: listen.main_upstream(),
    })
}

struct Signals {
    hangup: Signal,
    quit: Signal,
    terminate: Signal,
    interrupt: Signal,
    reopen: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reopen: signal(SignalKind::user_defined1())?,
        })
    }
}

impl Control {
    async fn obey(&mut self, mut signals: Signals) {
        loop {
            tokio::select! {
                _ = signals.hangup.recv() => self.reload().await,
                _ = signals.reopen.recv() => LogFile::reopen_all(),
                _ = signals.terminate.recv() => return self.stop(Command::Stop).await,
                _ = signals.interrupt.recv() => return self.stop(Command::Stop).await,
                _ = signals.quit.recv() => break,
            }
        }
        // Gracefully, but a second word ends the patience.
        tokio::select! {
            () = self.stop(Command::Quit) => {}
            _ = signals.terminate.recv() => {}
            _ = signals.interrupt.recv() => {}
        }
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(
            &self
                .current
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .0,
        )
    }

    /// Builds the new configuration whole, then swaps it in; if any of it fails, nothing changes.
    async fn reload(&mut self) {
        let old = self.config();
        notice(&old, "signal HUP received, reconfiguring");
        let refuse = |why: String| log::message(&old.core.error_log, Level::Emerg, &why);
        let mut config = match config::load(&self.options) {
            Ok(config) => config,
            Err(error) => return refuse(error.to_string()),
        };
        config.generation = old.generation + 1;
        if config.core.workers != old.core.workers {
            log::message(
                &config.core.error_log,
                Level::Warn,
                "a change of worker_processes needs a restart",
            );
        }
        let upstreams = upstreams(&config);
        for block in &config.upstreams {
            if let Some(before) = old.upstreams.iter().find(|old| old.is_same_as(block)) {
                block.upstream.adopt(&before.upstream);
            }
        }
        resolve::resolve_once(&upstreams, &self.options.hosts).await;
        if let Err(error) = self.listeners.adopt(&config.listens) {
            config.generation = 0;
            return refuse(error.to_string());
        }
        let config = Arc::new(config);
        start_exporter(&config);
        let mut taken_over = Vec::new();
        for (commands, _) in &self.workers {
            let (in_use, is_in_use) = oneshot::channel();
            taken_over.push(is_in_use);
            let Ok(sockets) = self.listeners.duplicate() else {
                return refuse("the listening sockets could not be duplicated".to_owned());
            };
            let _ = commands
                .send(Command::Reload {
                    config: Arc::clone(&config),
                    sockets,
                    in_use,
                })
                .await;
        }
        let serving = (config, SystemTime::now());
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = serving;
        old.retired.cancel();
        let config = self.config();
        cache::keep(&config.caches, &config.retired);
        let background = background(&config, upstreams, &self.options);
        std::mem::replace(&mut self.background, tokio::spawn(background)).abort();
        for is_in_use in taken_over {
            // An error is a worker that has ended: it serves nobody by the old one either.
            let _ = is_in_use.await;
        }
        daemon::mark_reload(&self.config().core);
    }

    async fn stop(&mut self, command: Command) {
        let config = self.config();
        let word = if matches!(command, Command::Quit) {
            "gracefully shutting down"
        } else {
            "exiting"
        };
        notice(&config, word);
        let grace = config
            .core
            .shutdown_timeout
            .filter(|_| matches!(command, Command::Quit));
        config.retired.cancel();
        let quit = matches!(command, Command::Quit);
        for (commands, _) in &self.workers {
            let _ = commands
                .send(if quit { Command::Quit } else { Command::Stop })
                .await;
        }
        // Who connects from now on is refused, instead of waiting for nobody.
        let addresses: Vec<_> = self.listeners.addresses().cloned().collect();
        self.listeners = Listeners::default();
        let ended = async {
            while self.workers.iter().any(|(_, thread)| !thread.is_finished()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match grace {
            // The workers close what is left themselves; this is for one that can't.
            Some(grace) => {
                let _ = tokio::time::timeout(grace + Duration::from_secs(1), ended).await;
            }
            None => ended.await,
        }
        self.background.abort();
        for address in &addresses {
            if let ListenAddress::Unix(path) = address {
                let _ = std::fs::remove_file(path);
            }
        }
        daemon::remove_pid(&config.core);
        notice(&config, "exit");
    }
}
