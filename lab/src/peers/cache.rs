//! `cargo lab test peers cache`: what https://cache-tests.fyi asks of a cache (npm `http-cache-tests`), of nginx and of us
//! in the same run; then the proxy is killed fifty times while it writes its cache.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::pair::{NGINX_ONLY, open_to_workers};
use crate::binaries::Binaries;
use crate::clients;
use crate::paint;
use crate::place::Place;
use crate::private_lab::copy_folder;
use crate::server_process::{ServerProcess, free_port};

/// Of the checks that RFC 9111 requires, so many at least pass with `proxy_cache_rfc on`.
const RFC_LEAST: usize = 140;
const KILLS: &str = "50";

/// What `cache.mjs` prints.
#[derive(Debug, Deserialize)]
struct Report {
    required: Count,
    optimal: Count,
    failed: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Count {
    passed: usize,
    of: usize,
}

/// A program with the rules that it is to follow.
struct Contestant<'a> {
    name: &'static str,
    program: &'a Path,
    /// Lines for `http {}` and for its location.
    http: &'static str,
    location: &'static str,
}

pub(super) fn run(place: &Place, binaries: &Binaries, verbose: bool) -> Result<ExitCode> {
    let folder = place.root.join("target/clients/cache");
    copy_folder(&place.root.join("proxy/tests/clients"), &folder)?;
    clients::install(&folder)?;
    let origin = origin(&folder)?;
    let ours = binaries.path("proxy");
    let contestants = [
        Contestant {
            name: "nginx",
            program: Path::new("nginx"),
            http: NGINX_ONLY,
            location: "",
        },
        Contestant {
            name: "proxy, nginx's rules",
            program: &ours,
            http: "",
            location: "",
        },
        Contestant {
            name: "proxy, proxy_cache_rfc on",
            program: &ours,
            http: "",
            location: "proxy_cache_rfc on;",
        },
    ];
    println!("{}", paint::bold("checks of cache-tests.fyi"));
    let mut passed = Vec::new();
    for contestant in &contestants {
        let report = contestant.ask(&folder, origin.port)?;
        let (required, optimal) = (&report.required, &report.optimal);
        println!(
            "{:26} required {:3} of {}, optimal {:2} of {}",
            contestant.name, required.passed, required.of, optimal.passed, optimal.of
        );
        for (check, why) in report.failed.iter().filter(|_| verbose) {
            println!("    {check}: {why}");
        }
        passed.push(required.passed);
    }
    let [nginx, same, rfc] = passed[..] else {
        unreachable!("there are three contestants");
    };
    ensure!(same >= nginx, "nginx passes more: {nginx}, we {same}");
    ensure!(rfc >= RFC_LEAST, "{rfc} pass, {RFC_LEAST} should");
    killed(place)?;
    Ok(ExitCode::SUCCESS)
}

/// The suite's own server, which answers as each check says.
fn origin(folder: &Path) -> Result<ServerProcess> {
    let port = free_port()?;
    let mut command = Command::new("node");
    command
        .arg("node_modules/http-cache-tests/server/server.mjs")
        .current_dir(folder)
        .env("npm_config_protocol", "http")
        .env("npm_config_port", port.to_string())
        .env("npm_config_pidfile", "origin.pid");
    ServerProcess::start(command, port, folder, "origin")
}

impl Contestant<'_> {
    fn ask(&self, suite: &Path, origin: u16) -> Result<Report> {
        let folder = tempfile::tempdir()?;
        open_to_workers(folder.path())?;
        let running = self.start(folder.path(), origin)?;
        let url = format!("http://127.0.0.1:{}", running.port);
        let output = Command::new("node")
            .args(["--no-warnings", "cache.mjs", &url])
            .current_dir(suite)
            .output()
            .context("node does not start")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {errors}", self.name);
        serde_json::from_slice(&output.stdout).with_context(|| format!("{}: {errors}", self.name))
    }

    fn start(&self, folder: &Path, origin: u16) -> Result<ServerProcess> {
        let port = free_port()?;
        let (http, location, home) = (self.http, self.location, folder.display());
        fs::write(
            folder.join("nginx.conf"),
            format!(
                "daemon off; pid {home}/pid; error_log {home}/error.log;\nworker_processes 2;\nevents {{}}\n\
                 http {{ access_log off; {http}\n\
                 proxy_cache_path {home}/cache keys_zone=checks:8m use_temp_path=off;\n\
                 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{origin};\n\
                 proxy_cache checks; proxy_cache_revalidate on; proxy_cache_use_stale error timeout; {location} }} }} }}\n"
            ),
        )?;
        fs::create_dir(folder.join("logs"))?;
        let mut command = Command::new(self.program);
        command.arg("-p").arg(folder);
        command.arg("-c").arg(folder.join("nginx.conf"));
        ServerProcess::start(command, port, folder, "cache")
    }
}

/// The proxy's own test, with more rounds than `cargo test` takes time for.
fn killed(place: &Place) -> Result<()> {
    println!("{}", paint::bold("kill -9 while the cache is written"));
    let test = "caching::killed_while_it_writes_it_serves_nothing_torn";
    // The whole workspace, whose tests are compiled already where somebody has run them.
    let output = Command::new("cargo")
        .args(["test", "--locked", "--workspace", "--test", "proxy"])
        .args(["--", "--exact", test])
        .current_dir(&place.root)
        .env("KILLS", KILLS)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    // A name that fits no test would be a success, too.
    let passed = output.status.success() && said.contains("1 passed");
    ensure!(passed, "{test}: {}\n{said}", output.status);
    println!("{KILLS} kills, no wrong body");
    Ok(())
}
