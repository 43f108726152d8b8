//! Where a lab lives: the workspace it runs, the configuration it serves, and `.lab/`, the folder in which the
//! commands meet. A running lab is described by files there, so any shell can read them too:
//! `lab.json` (launcher's pid and ports), `NAME.pid`, `NAME.down` (stopped by hand: stays down), `logs/NAME.log`.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::ports::Ports;

/// The folders of one lab.
#[derive(Debug, Clone)]
pub struct Place {
    /// The workspace: sources, docs, proxy/conf.
    pub root: PathBuf,
    /// `.lab/`, or a private folder.
    pub state: PathBuf,
    /// The folder with nginx.conf.
    pub conf: PathBuf,
}

/// What `up` tells the other commands (`lab.json`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    pub pid: i32,
    pub ports: Ports,
    pub services: Vec<String>,
    pub conf: PathBuf,
}

impl Place {
    /// The workspace's own lab, or a private one when `state` or `conf` say so.
    pub fn find(state: Option<PathBuf>, conf: Option<PathBuf>) -> Result<Self> {
        let root = workspace_root()?;
        let state = state.unwrap_or_else(|| root.join(".lab"));
        let conf = conf.unwrap_or_else(|| root.join("proxy/conf"));
        fs::create_dir_all(state.join("logs"))
            .with_context(|| format!("cannot write {}", state.display()))?;
        Ok(Self {
            root,
            state: state.canonicalize()?,
            conf: std::path::absolute(&conf).context("no configuration folder")?,
        })
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.state.join("logs").join(format!("{name}.log"))
    }

    /// Exists while somebody wants the service down.
    pub fn down_mark(&self, name: &str) -> PathBuf {
        self.state.join(format!("{name}.down"))
    }

    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.state.join(format!("{name}.pid"))
    }

    /// The lab that runs here, if its launcher still lives.
    pub fn running(&self) -> Option<Running> {
        let text = fs::read_to_string(self.state.join("lab.json")).ok()?;
        let running: Running = serde_json::from_str(&text).ok()?;
        alive(running.pid).then_some(running)
    }

    /// The same, or a sentence that says what to do.
    pub fn must_run(&self) -> Result<Running> {
        match self.running() {
            Some(running) => Ok(running),
            None => bail!("no lab runs here; start one with `cargo lab up`"),
        }
    }

    pub(crate) fn announce(&self, running: &Running) -> Result<()> {
        let text = serde_json::to_string_pretty(running).context("lab.json")?;
        replace(&self.state.join("lab.json"), &text)
    }

    /// The pid of a service whose process exists.
    pub fn pid(&self, name: &str) -> Option<i32> {
        let pid = fs::read_to_string(self.pid_file(name))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        alive(pid).then_some(pid)
    }
}

/// Readers never see half a file: written beside, then renamed over.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a process exists. One that we may not signal exists too.
pub fn alive(pid: i32) -> bool {
    !matches!(
        kill(Pid::from_raw(pid), None),
        Err(nix::errno::Errno::ESRCH)
    )
}

/// Whether a process still runs this program: pids are used again.
pub(crate) fn runs(pid: i32, program: &str) -> bool {
    let listed = Command::new("ps")
        .args(["-o", "comm=", "-p", &pid.to_string()])
        .output();
    listed.is_ok_and(|listed| {
        String::from_utf8_lossy(&listed.stdout)
            .trim()
            .ends_with(program)
    })
}

/// Sends a signal; a process that is already gone is what most senders want, so it is not an error.
pub(crate) fn signal(pid: i32, signal: Signal) -> Result<()> {
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot send {signal} to process {pid}")),
    }
}

/// The folder with the workspace's manifest: from here upwards, else where this program was built.
fn workspace_root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("no current folder")?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .chain(built.ancestors())
        .find(|folder| folder.join("Cargo.lock").exists() && folder.join("backends").is_dir())
        .map(Path::to_path_buf)
        .context("run this inside the lab's folder")
}
