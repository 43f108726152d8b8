//! `cargo lab test peers graphql` and its like: clients that others wrote, against the real demo behind the real proxy.
//!
//! A demo's folder `tests/clients/` holds an executable `run` and, if it needs them, package.json with its lock file
//! and requirements.txt. It is copied below `target/clients/`, what it needs is installed there, a private lab is
//! started (or the compose lab is used), and `run` decides: it prints a line for each check, a count at the end, and
//! exits with 0 if all passed.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::binaries::Binaries;
use crate::paint;
use crate::place::Place;
use crate::ports::Ports;
use crate::private_lab::{PrivateLab, copy_folder};
use crate::services::Service;

/// A demo and the ports its clients are told.
#[derive(Debug)]
struct Demo {
    name: &'static str,
    service: &'static str,
    front: fn(&Ports) -> u16,
    server: usize,
}

const DEMOS: &[Demo] = &[
    Demo {
        name: "soap",
        service: "soap-demo",
        front: |ports| ports.soap,
        server: 0,
    },
    Demo {
        name: "graphql",
        service: "graphql-demo",
        front: |ports| ports.graphql,
        server: 1,
    },
    Demo {
        name: "chat",
        service: "websocket-chat",
        front: |ports| ports.chat,
        server: 2,
    },
    Demo {
        name: "webhook",
        service: "webhook-receiver",
        front: |ports| ports.webhooks,
        server: 3,
    },
    // Its clients run a forward proxy of their own.
    Demo {
        name: "forward",
        service: "proxy",
        front: |ports| ports.http,
        server: 0,
    },
];

/// The names to ask for.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DEMOS.iter().map(|demo| demo.name)
}

/// Runs the clients of the demo called `only`, or of all.
pub(crate) fn run(place: &Place, binaries: &Binaries, only: Option<&str>) -> Result<ExitCode> {
    let mut failed = Vec::new();
    for demo in DEMOS
        .iter()
        .filter(|demo| only.is_none_or(|name| name == demo.name))
    {
        println!("{}", paint::bold(&format!("clients of {}", demo.service)));
        if let Err(error) = demo.clients(place, binaries) {
            println!("{}: {error:#}", demo.service);
            failed.push(demo.name);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Runs the clients of one demo against the compose lab, which is up.
pub(crate) fn run_in_compose(
    place: &Place,
    binaries: &Binaries,
    name: &str,
    ports: &Ports,
) -> Result<()> {
    let demo = DEMOS.iter().find(|demo| demo.name == name);
    let demo = demo.with_context(|| format!("no demo {name:?}"))?;
    let inside = Service::find(demo.service)?.inside;
    demo.run(place, binaries, ports, inside)
}

impl Demo {
    fn clients(&self, place: &Place, binaries: &Binaries) -> Result<()> {
        let lab = PrivateLab::start(&binaries.path("lab"), &place.root, &["proxy", self.service])?;
        let inside = lab.ports.demo_servers[self.server];
        self.run(place, binaries, &lab.ports, inside)
    }

    /// `inside` is the port by which the demo reaches itself; without Docker others do, too.
    fn run(&self, place: &Place, binaries: &Binaries, ports: &Ports, inside: u16) -> Result<()> {
        let folder = place.root.join("target/clients").join(self.name);
        copy_folder(
            &place.root.join(self.service).join("tests/clients"),
            &folder,
        )?;
        install(&folder)?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let status = Command::new(folder.join("run"))
            .current_dir(&folder)
            .env("PATH", with_own_programs(&folder)?)
            .env("URL", url((self.front)(ports)))
            .env("DIRECT_URL", url(inside))
            .env("SMTP", format!("127.0.0.1:{}", ports.smtp))
            .env("DNS", format!("127.0.0.1:{}", ports.dns))
            .env("BINARY", binaries.path(self.service))
            .env("PROXY_BINARY", binaries.path("proxy"))
            .env("WORKSPACE", &place.root)
            .status()
            .with_context(|| format!("{}/tests/clients/run does not start", self.service))?;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

/// What the folder's lists name, from the ordinary registries; not again if the lists are the same.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let lists = ["package-lock.json", "requirements.txt"].map(|name| folder.join(name));
    let wanted: String = lists
        .iter()
        .filter_map(|list| fs::read_to_string(list).ok())
        .collect();
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if lists[0].exists() {
        must(
            Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]),
            folder,
        )?;
    }
    if lists[1].exists() {
        must(
            Command::new("python3").args(["-m", "venv", ".venv"]),
            folder,
        )?;
        let pip = folder.join(".venv/bin/pip");
        must(
            Command::new(pip).args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
                "requirements.txt",
            ]),
            folder,
        )?;
    }
    Ok(fs::write(stamp, wanted)?)
}

fn must(command: &mut Command, folder: &Path) -> Result<()> {
    let status = command
        .current_dir(folder)
        .status()
        .with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// The installed programs come first.
fn with_own_programs(folder: &Path) -> Result<std::ffi::OsString> {
    let own = [".venv/bin", "node_modules/.bin"].map(|part| folder.join(part));
    let others = env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = own.into_iter().chain(env::split_paths(&others)).collect();
    Ok(env::join_paths(paths)?)
}
