//! The chat servers of the comparison: how each is installed, started and spoken to.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::dialect::Dialect;
use crate::binaries::Binaries;
use crate::place::Place;
use crate::server_process::{ServerProcess, free_port};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    OursSocketIo,
    Ws,
    SocketIo,
    FlaskThreading,
    FlaskGevent,
    Bun,
}

pub(super) const ALL: [Kind; 7] = [
    Kind::Ours,
    Kind::OursSocketIo,
    Kind::Bun,
    Kind::Ws,
    Kind::SocketIo,
    Kind::FlaskGevent,
    Kind::FlaskThreading,
];

impl Kind {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursSocketIo => "ours, Socket.IO",
            Self::Ws => "npm ws",
            Self::SocketIo => "npm socket.io",
            Self::FlaskThreading => "Flask, threading",
            Self::FlaskGevent => "Flask, gevent",
            Self::Bun => "Bun (uWebSockets)",
        }
    }

    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Ours => Dialect::Ours,
            Self::Ws | Self::Bun => Dialect::Plain,
            Self::OursSocketIo | Self::SocketIo | Self::FlaskThreading | Self::FlaskGevent => {
                Dialect::SocketIo
            }
        }
    }
}

/// What others wrote, installed once below `target/`.
pub(super) struct Installed {
    folder: PathBuf,
    ours: PathBuf,
}

impl Installed {
    pub(super) fn prepare(place: &Place, binaries: &Binaries) -> Result<Self> {
        let folder = place.root.join("target/chat-bench");
        let sources = place.root.join("websocket-chat/bench");
        std::fs::create_dir_all(&folder).context("target/chat-bench")?;
        for entry in std::fs::read_dir(&sources).context("websocket-chat/bench")? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        let installed = Self {
            folder,
            ours: binaries.path("websocket-chat"),
        };
        for (name, done) in [("npm", installed.npm()), ("Python", installed.python())] {
            if let Err(error) = done {
                println!("without the servers from {name}: {error:#}");
            }
        }
        Ok(installed)
    }

    fn npm(&self) -> Result<()> {
        self.install("npm", &["ci", "--silent", "--no-audit", "--no-fund"])
    }

    fn python(&self) -> Result<()> {
        if !self.folder.join("venv/bin/pip").exists() {
            self.install("python3", &["-m", "venv", "venv"])?;
        }
        self.install("venv/bin/pip", &["install", "--quiet", "-r", "requirements.txt"])
    }

    fn install(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let inside = self.folder.join(program);
        let program = if inside.exists() { inside } else { program.into() };
        let status = Command::new(&program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| program.display().to_string())?;
        ensure!(status.success(), "{} {}: {status}", program.display(), arguments.join(" "));
        Ok(())
    }

    /// A fresh process, so that nobody's memory remembers the last turn.
    pub(super) fn start(&self, kind: Kind, logs: &Path) -> Result<ServerProcess> {
        let port = free_port()?;
        let mut command = match kind {
            Kind::Ours | Kind::OursSocketIo => self.ours(port),
            Kind::Ws => self.script("node", "ws.js"),
            Kind::SocketIo => self.script("node", "socketio.js"),
            Kind::Bun => self.script("node_modules/.bin/bun", "bun.js"),
            Kind::FlaskThreading => self.flask("threading"),
            Kind::FlaskGevent => self.flask("gevent"),
        };
        command.current_dir(&self.folder).env("PORT", port.to_string());
        command.env("NODE_ENV", "production");
        ServerProcess::start(command, port, logs, &kind.title().replace([' ', ','], "-"))
    }

    /// With room for the bench's crowd, and no limit on who speaks how often: the others have none.
    fn ours(&self, port: u16) -> Command {
        let mut command = Command::new(&self.ours);
        command.arg(format!("--bind=127.0.0.1:{port}"));
        command.args(["--messages-per-second=1000000", "--members=10000"]);
        command.env_remove("REDIS_URL");
        command
    }

    fn script(&self, program: &str, file: &str) -> Command {
        let inside = self.folder.join(program);
        let mut command = Command::new(if inside.exists() { inside } else { program.into() });
        command.arg(file);
        command
    }

    fn flask(&self, mode: &str) -> Command {
        let mut command = self.script("venv/bin/python", "flask_chat.py");
        command.env("MODE", mode);
        command
    }
}
