//! Who receives: ours, ours with one commit for each event, and hookspool from PyPI, which commits before it answers,
//! too. hookspool has its defaults but for the threads, of which each connection gets one; its dispatcher doesn't run.
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::binaries::Binaries;
use crate::health;
use crate::place::Place;
use crate::server_process::{ServerProcess, free_port};

use super::events::SECRET;

/// One receiver and where it wants its events.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) title: &'static str,
    pub(super) hook: String,
    /// A stream that a viewer of the page reads, where there is such a page.
    pub(super) live: Option<String>,
    process: ServerProcess,
}

impl Server {
    pub(super) fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Ours, with a token that keeps what a busy inbox would.
    pub(super) async fn ours(
        binaries: &Binaries,
        folder: &Path,
        commit_each: bool,
    ) -> Result<Self> {
        let title = if commit_each {
            "one commit each"
        } else {
            "webhook-receiver"
        };
        let port = free_port()?;
        let mut command = Command::new(binaries.path("webhook-receiver"));
        command.arg("--bind").arg(format!("127.0.0.1:{port}"));
        command.arg("--data").arg(folder.join(format!("{port}.db")));
        if commit_each {
            command.arg("--commit-each");
        }
        let process = ServerProcess::start(command, port, folder, &format!("ours-{port}"))?;
        let base = format!("http://127.0.0.1:{port}");
        let wish = serde_json::json!({ "secret": SECRET, "request_limit": 10_000 });
        let made = health::client()
            .post(format!("{base}/token"))
            .json(&wish)
            .send()
            .await?;
        let token: Value = made.error_for_status()?.json().await?;
        let token = token["uuid"].as_str().context("a token has a uuid")?;
        let (hook, live) = (
            format!("{base}/{token}"),
            format!("{base}/token/{token}/stream"),
        );
        Ok(Self {
            title,
            hook,
            live: Some(live),
            process,
        })
    }

    pub(super) fn hookspool(place: &Place, folder: &Path) -> Result<Self> {
        let python = installed(place)?;
        let port = free_port()?;
        let home = folder.join("hookspool");
        fs::create_dir_all(&home)?;
        let secret = home.join("secret");
        fs::write(&secret, SECRET)?;
        let secret = secret.display();
        let config = format!(
            "[limits]\nmin_free_bytes = 1\n\n[intake]\nlisten = \"127.0.0.1:{port}\"\nthreads = 64\n\n[destinations.nowhere]\ntype = \"http\"\n\
             url = \"http://127.0.0.1:9/\"\nallow_insecure = true\nsecret = {{ file = \"{secret}\" }}\n\n\
             [bobbins.bench]\nbobbin = \"github.repo\"\nsecrets.secret = {{ file = \"{secret}\" }}\n\
             outputs = {{ \"*\" = \"nowhere\" }}\n"
        );
        fs::write(home.join("config.toml"), config)?;
        let hookspool = |verb: &str| {
            let mut command = Command::new(&python);
            command
                .args(["-m", "hookspool", verb])
                .env("HOOKSPOOL_HOME", &home);
            command
        };
        must(&mut hookspool("migrate"))?;
        let process = ServerProcess::start(hookspool("intake"), port, folder, "hookspool")?;
        let hook = format!("http://127.0.0.1:{port}/hooks/bench");
        Ok(Self {
            title: "hookspool",
            hook,
            live: None,
            process,
        })
    }
}

/// The Python in which webhook-receiver/bench/requirements.txt is installed.
fn installed(place: &Place) -> Result<std::path::PathBuf> {
    let venv = place.root.join("target/bench/webhook");
    let python = venv.join("bin/python3");
    let wanted = place.root.join("webhook-receiver/bench/requirements.txt");
    if !venv.join("bin/hookspool").exists() {
        must(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "-r"])
                .arg(wanted),
        )?;
    }
    Ok(python)
}

fn must(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}
