//! The chat servers of the comparison: how each is installed, started and spoken to.
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use super::dialect::Dialect;
use crate::binaries::Binaries;
use crate::clients;
use crate::place::Place;
use crate::private_lab::copy_folder;
use crate::server_process::{ServerProcess, free_port};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    #[value(skip)]
    Ours,
    /// Ours again, spoken to over Socket.IO
    OursSocketIo,
    Ws,
    SocketIo,
    FlaskThreading,
    FlaskGevent,
    /// uWebSockets inside
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
        copy_folder(&place.root.join("websocket-chat/bench"), &folder)?;
        if let Err(error) = clients::install(&folder) {
            println!("some of the others can't be installed: {error:#}");
        }
        Ok(Self {
            folder,
            ours: binaries.path("websocket-chat"),
        })
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
        command
            .current_dir(&self.folder)
            .env("PORT", port.to_string());
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
        let mut command = Command::new(if inside.exists() {
            inside
        } else {
            program.into()
        });
        command.arg(file);
        command
    }

    fn flask(&self, mode: &str) -> Command {
        let mut command = self.script(".venv/bin/python", "flask_chat.py");
        command.env("MODE", mode);
        command
    }
}
