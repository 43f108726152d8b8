//! `cargo lab test docker`: the module's flow through `docker compose`, as a student types it, with assertions; then
//! what the lab must survive, the webhook clients that others wrote, and every command of the book. Whatever happens, it ends with `docker compose down`
//! and the student's nginx.conf as it was.
mod compose;
mod steps;
mod swarm;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::binaries::Binaries;
use crate::place::Place;
use crate::ports::Ports;
use crate::{clients, paint};

use compose::{Compose, ConfigurationFile};

pub use swarm::run as swarm;

/// The lab under test and how to reach it.
#[derive(Debug)]
struct Stage {
    compose: Compose,
    file: ConfigurationFile,
    ports: Ports,
}

/// Runs all of it; `with_book` adds every command of the book.
pub async fn run(place: &Place, with_book: bool) -> Result<ExitCode> {
    let compose = Compose::new(&place.root);
    ensure!(
        compose.running()?.is_empty(),
        "the compose lab is up already; `docker compose down` first"
    );
    let stage = Stage {
        file: ConfigurationFile::remember(place.root.join("proxy/conf/nginx.conf"))?,
        ports: Ports::of_compose()?,
        compose,
    };
    let outcome = play(&stage, place, with_book).await;
    if outcome.is_err() {
        println!("{}", stage.compose.tried(&["logs", "--tail", "30"]));
    }
    stage.file.restore()?;
    stage.compose.ok(&["down"])?;
    outcome?;
    let left = stage.compose.running()?;
    ensure!(left.is_empty(), "docker compose down left {left}");
    println!(
        "{} docker compose down leaves nothing behind",
        paint::green("✓")
    );
    Ok(ExitCode::SUCCESS)
}

async fn play(stage: &Stage, place: &Place, with_book: bool) -> Result<()> {
    stage.compose.shown(&["up", "-d", "--build", "--wait"])?;
    done("docker compose up -d --build --wait: every service is healthy");
    steps::servers_answer_in_turn(stage).await?;
    done("curl localhost: Server 1, 2, 3 in turn");
    let line = steps::load_is_shared_equally(stage)?;
    done(&format!("the load tester prints {line}"));
    let line = steps::least_conn_after_a_reload(stage)?;
    done(&format!("least_conn; and -s reload: {line}"));
    let line = steps::ip_hash_after_a_restart(stage)?;
    done(&format!("ip_hash; and a restart of the container: {line}"));
    steps::original_configuration(stage)?;
    let why = steps::a_killed_backend_costs_nothing(stage).await?;
    done(&format!(
        "docker compose kill backend2 under load: not one request lost; status: {why}"
    ));
    steps::the_backend_returns(stage).await?;
    done("docker compose start backend2: it is back, and the status API says so");
    let requests = steps::reloads_cost_nothing(stage).await?;
    done(&format!(
        "50 reloads inside the container under load: {requests} requests, not one lost"
    ));
    webhook_clients(stage, place)?;
    if with_book {
        book(stage.compose.root(), "docker")?;
        done("every command of the book prints what the book says");
    }
    Ok(())
}

/// whcli, smee-client and the others come from npm, and their targets are servers on this machine.
fn webhook_clients(stage: &Stage, place: &Place) -> Result<()> {
    let npm = std::process::Command::new("npm").arg("--version").output();
    if !npm.is_ok_and(|asked| asked.status.success()) {
        println!("SKIPPED: the webhook clients that others wrote; there is no npm here");
        return Ok(());
    }
    let binaries = Binaries::beside_this_executable()?;
    binaries.build(&place.root)?;
    clients::run_in_compose(place, &binaries, "webhook", &stage.ports)?;
    done("whcli, smee-client, both snippets and our forwarder work against the compose lab");
    Ok(())
}

/// The same runner as without Docker; with it, it brings up a fresh lab for each chapter.
fn book(root: &Path, stage: &str) -> Result<()> {
    let status =
        std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "test",
                // All packages' features, as the tests were compiled before.
                "--workspace",
                "--test",
                "book",
                "--",
                "--nocapture",
            ])
            .env("LAB_BOOK", stage)
            .current_dir(root)
            .status()
            .context("cargo does not start")?;
    if !status.success() {
        bail!("the book is wrong (see above)");
    }
    Ok(())
}

fn done(what: &str) {
    println!("{} {what}", paint::green("✓"));
}
