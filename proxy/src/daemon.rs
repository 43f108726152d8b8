//! Running in the background (`daemon on`), the pid file, and `-s`.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{self, Signal as Unix};
use nix::unistd::Pid;

use crate::cli::Signal;
use crate::config::{self, Core, LoadOptions};

/// Set for the process that goes on in the background.
const BACKGROUND: &str = "PROXY_IN_BACKGROUND";
const START: Duration = Duration::from_secs(10);
/// How long `-s reload` waits for the new configuration to be in use.
const RELOAD: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    #[error("{0}")]
    Config(#[from] config::ConfigError),
    #[error("open() \"{path}\" failed ({source}); is the proxy running?")]
    NoPid { path: String, source: io::Error },
    #[error("invalid pid number in \"{0}\"")]
    BadPid(String),
    #[error("kill({0}) failed ({1}); is the proxy running?")]
    Kill(i32, nix::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the background process ended ({0}); its error log says why")]
    Ended(std::process::ExitStatus),
    #[error("the background process did not write its pid file in time")]
    Slow,
}

pub(crate) fn is_background() -> bool {
    std::env::var_os(BACKGROUND).is_some()
}

/// Starts the same command again, apart from this terminal, and waits until it serves.
pub(crate) fn start(pid_file: &Path) -> Result<(), DaemonError> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(BACKGROUND, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()?;
    let deadline = Instant::now() + START;
    let pid = child.id().to_string();
    while Instant::now() < deadline {
        if std::fs::read_to_string(pid_file).is_ok_and(|text| text.trim() == pid) {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(DaemonError::Ended(status));
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    Err(DaemonError::Slow)
}

/// `-s`: tells the running proxy, by its pid file.
pub(crate) fn send(options: &LoadOptions, signal: Signal) -> Result<(), DaemonError> {
    let config = config::load(options)?;
    let path = config.core.pid.display().to_string();
    let text = std::fs::read_to_string(&config.core.pid).map_err(|source| DaemonError::NoPid {
        path: path.clone(),
        source,
    })?;
    let pid: i32 = text.trim().parse().map_err(|_| DaemonError::BadPid(path))?;
    let before = marked(&config.core);
    let unix = match signal {
        Signal::Stop => Unix::SIGTERM,
        Signal::Quit => Unix::SIGQUIT,
        Signal::Reload => Unix::SIGHUP,
        Signal::Reopen => Unix::SIGUSR1,
    };
    signal::kill(Pid::from_raw(pid), unix).map_err(|why| DaemonError::Kill(pid, why))?;
    if matches!(signal, Signal::Reload) {
        await_reload(&config.core, before);
    }
    Ok(())
}

/// The running proxy has taken its new configuration over. Its pid file's time says so, for whoever
/// sent the signal and waits; where the file may not be touched, nobody is told.
pub(crate) fn mark_reload(core: &Core) {
    if let Ok(file) = std::fs::File::options().write(true).open(&core.pid) {
        let _ = file.set_modified(SystemTime::now());
    }
}

fn marked(core: &Core) -> Option<SystemTime> {
    std::fs::metadata(&core.pid)
        .and_then(|data| data.modified())
        .ok()
}

/// So that the next request after `-s reload` meets the new configuration (nginx returns at once). A
/// reload that takes longer, or that fails, is the error log's to tell.
fn await_reload(core: &Core, before: Option<SystemTime>) {
    let deadline = Instant::now() + RELOAD;
    while marked(core) == before && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Writes the pid file. Where nobody asked for one, failing to is no reason not to serve.
pub(crate) fn write_pid(core: &Core) -> io::Result<()> {
    let written = std::fs::write(&core.pid, format!("{}\n", std::process::id()));
    if core.pid_explicit { written } else { Ok(()) }
}

pub(crate) fn remove_pid(core: &Core) {
    let mine = std::fs::read_to_string(&core.pid)
        .is_ok_and(|text| text.trim() == std::process::id().to_string());
    if mine {
        let _ = std::fs::remove_file(&core.pid);
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("getpwnam(\"{0}\") failed: there is no such user; change the \"user\" directive")]
    NoUser(String),
    #[error("getgrnam(\"{0}\") failed: there is no such group; change the \"user\" directive")]
    NoGroup(String),
    #[error("becoming the user of the \"user\" directive failed ({0})")]
    Refused(#[from] nix::Error),
}

/// Gives up root once the addresses are bound and the logs open (`user`). A later reload can't
/// bind a port below 1024 any more; it says so and changes nothing.
pub(crate) fn become_user(core: &Core) -> Result<(), UserError> {
    use nix::unistd::{Group, User, geteuid, setgid, setuid};
    let Some((name, group)) = core.user.as_ref().filter(|_| geteuid().is_root()) else {
        return Ok(());
    };
    let user = User::from_name(name)?.ok_or_else(|| UserError::NoUser(name.clone()))?;
    let gid = match group {
        Some(group) => {
            Group::from_name(group)?
                .ok_or_else(|| UserError::NoGroup(group.clone()))?
                .gid
        }
        None => user.gid,
    };
    setgid(gid)?;
    setuid(user.uid)?;
    Ok(())
}
