//! Who takes part: our server, and mercurius, installed below `target/` from its lock file.
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::binaries::Binaries;
use crate::clients;
use crate::place::Place;
use crate::private_lab::copy_folder;
use crate::server_process::{ServerProcess, free_port};

pub(super) const OURS: &str = "ours";

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) title: &'static str,
    process: ServerProcess,
}

impl Peer {
    pub(super) fn ours(binaries: &Binaries, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(binaries.path("graphql-demo"));
        command.args(["--bind", &format!("127.0.0.1:{port}")]);
        Self::start(OURS, command, port, folder)
    }

    /// One process, as ours: a JavaScript server has one thread, and ours runs on one.
    pub(super) fn mercurius(place: &Place, folder: &Path) -> Result<Self> {
        let sources = place.root.join("graphql-demo/bench");
        let installed = place.root.join("target/graphql-bench");
        copy_folder(&sources, &installed)?;
        clients::install(&installed)?;
        let port = free_port()?;
        let mut command = Command::new("node");
        command
            .env("PORT", port.to_string())
            .env("NODE_ENV", "production")
            .arg(installed.join("mercurius.mjs"))
            .arg(place.root.join("graphql-demo/countries.graphql"))
            .arg(place.root.join("countries/data/countries.json"));
        Self::start("mercurius", command, port, folder)
    }

    fn start(title: &'static str, command: Command, port: u16, folder: &Path) -> Result<Self> {
        Ok(Self {
            title,
            process: ServerProcess::start(command, port, folder, title)?,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.process.port
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid()
    }
}
