//! Who takes part: our server, and two that are built or installed below `target/` and learn the countries from ours.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::COUNTRY_INFO;
use crate::binaries::Binaries;
use crate::place::Place;
use crate::server_process::{ServerProcess, free_port};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    /// What the comparison is about: C, a parser generated from the contract.
    Gsoap,
    NpmSoap,
}

impl Kind {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Gsoap => "gSOAP",
            Self::NpmSoap => "npm soap",
        }
    }
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) kind: Kind,
    process: ServerProcess,
}

impl Peer {
    pub(super) fn ours(binaries: &Binaries, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(binaries.path("soap-demo"));
        command.args(["--bind", &format!("127.0.0.1:{port}")]);
        Self::start(Kind::Ours, command, port, folder)
    }

    pub(super) fn other(kind: Kind, place: &Place, folder: &Path, ours: u16) -> Result<Self> {
        let sources = place.root.join("soap-demo");
        let port = free_port()?;
        let ours = format!("http://127.0.0.1:{ours}");
        let command = match kind {
            Kind::Ours => unreachable!("ours is not built here"),
            Kind::Gsoap => {
                let mut command = Command::new(gsoap(place, &sources)?);
                command.args([port.to_string(), format!("{ours}{COUNTRY_INFO}")]);
                command
            }
            Kind::NpmSoap => {
                let mut command = Command::new("node");
                command.arg(npm_soap(place, &sources)?);
                command.args([port.to_string(), ours]);
                command.arg(sources.join("wsdl"));
                command
            }
        };
        Self::start(kind, command, port, folder)
    }

    fn start(kind: Kind, command: Command, port: u16, folder: &Path) -> Result<Self> {
        Ok(Self {
            kind,
            process: ServerProcess::start(command, port, folder, kind.title())?,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.process.port
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid()
    }
}

/// Generated and compiled anew each time: it takes two seconds and is never stale.
fn gsoap(place: &Place, sources: &Path) -> Result<PathBuf> {
    let folder = place.root.join("target/soap-bench/gsoap");
    fs::create_dir_all(&folder)?;
    must(
        Command::new(sources.join("bench/build_gsoap")).arg(&folder),
        "Debian has it as gsoap, libgsoap-dev and gcc",
    )?;
    Ok(folder.join("gsoap_server"))
}

fn npm_soap(place: &Place, sources: &Path) -> Result<PathBuf> {
    let folder = place.root.join("target/soap-bench/npm");
    fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json", "npm_soap_server.js"] {
        fs::copy(sources.join("bench").join(name), folder.join(name))
            .with_context(|| format!("soap-demo/bench/{name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    must(npm.current_dir(&folder), "it comes with Node.js")?;
    Ok(folder.join("npm_soap_server.js"))
}

fn must(command: &mut Command, hint: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} does not start ({hint})"))?;
    ensure!(
        output.status.success(),
        "{program}: {} ({hint})",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
