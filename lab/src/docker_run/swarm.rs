//! `cargo lab test swarm`: chapter 10 on a swarm of one machine. Takes the images that compose built, decides whether an
//! update, a lost task and another number of tasks cost a request, and leaves the machine as it was: in no swarm.
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{done, steps};
use crate::binaries::Binaries;
use crate::place::Place;

const STACK: &str = "lab8-swarm";
const TARGET: &str = "http://127.0.0.1:8089/";
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs all of it; the machine must be in no swarm, since the test leaves the one that it made.
pub fn run(place: &Place) -> Result<ExitCode> {
    let state = docker(&["info", "--format", "{{.Swarm.LocalNodeState}}"])?;
    ensure!(
        state.trim() == "inactive",
        "this machine is in a swarm (state {}); the test makes and leaves one of its own, so it won't touch it",
        state.trim()
    );
    docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"])?;
    let outcome = play(place);
    if outcome.is_err() {
        let tasks = ["stack", "ps", "--no-trunc", STACK];
        println!("{}", docker(&tasks).unwrap_or_else(|why| why.to_string()));
    }
    let removed = remove();
    docker(&["swarm", "leave", "--force"])?;
    removed?;
    outcome?;
    super::book(&place.root, "swarm")?;
    done("every command of chapter 10 prints what the book says");
    Ok(ExitCode::SUCCESS)
}

fn play(place: &Place) -> Result<()> {
    let binaries = Binaries::beside_this_executable()?;
    binaries.build(&place.root)?;
    let tester = binaries.path("load-tester");
    deploy(&place.root)?;
    until_running(&[("backends", 3), ("chat", 2), ("webhooks", 2), ("proxy", 1)])?;
    let deadline = Instant::now() + PATIENCE;
    while !all_three_answer(&tester)? {
        ensure!(Instant::now() < deadline, "not all three backends answer");
    }
    done("docker stack deploy: three backends answer");
    let before = tasks("backends")?;
    let load = offer(&tester, "90s")?;
    docker(&["service", "update", "--force", "--quiet", &name("backends")])?;
    let after = tasks("backends")?;
    ensure!(
        before.iter().all(|task| !after.contains(task)),
        "not every task was replaced: {before:?}, {after:?}"
    );
    let requests = finish(load)?;
    done(&format!(
        "docker service update: every backend replaced, {requests} requests, not one lost"
    ));
    let load = offer(&tester, "40s")?;
    docker(&[
        "service",
        "scale",
        "--detach=false",
        &format!("{}=5", name("backends")),
    ])?;
    docker(&[
        "service",
        "scale",
        "--detach=false",
        &format!("{}=2", name("backends")),
    ])?;
    docker(&["kill", &one_of("backends", 2)?])?;
    let requests = finish(load)?;
    until_running(&[("backends", 2)])?;
    done(&format!(
        "from 3 backends to 5, to 2, one of them killed and replaced: {requests} requests, not one lost"
    ));
    Ok(())
}

fn deploy(root: &Path) -> Result<()> {
    let file = root.join("compose.swarm.yaml");
    let file = file.to_str().context("a path that is no text")?;
    docker(&[
        "stack",
        "deploy",
        "--resolve-image",
        "never",
        "-c",
        file,
        STACK,
    ])
    .map(drop)
}

/// Takes the stack away, and waits until it is: who leaves before leaves networks behind, and the next stack can't be made.
fn remove() -> Result<()> {
    docker(&["stack", "rm", STACK])?;
    let label = format!("label=com.docker.stack.namespace={STACK}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let containers = docker(&["ps", "--all", "--quiet", "--filter", &label])?;
        let networks = docker(&["network", "ls", "--quiet", "--filter", &label])?;
        if containers.is_empty() && networks.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "docker stack rm does not end");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// The load runs on until it is asked to end, so that it covers whatever takes how long.
fn offer(tester: &Path, at_most: &str) -> Result<Child> {
    let mut load = Command::new(tester);
    load.args([TARGET, "-d", at_most, "-c", "16", "--json"]);
    load.stdout(Stdio::piped()).spawn().context("load-tester")
}

/// Ends the load early, as Ctrl-C does, and counts.
fn finish(load: Child) -> Result<u64> {
    crate::place::signal(load.id().cast_signed(), nix::sys::signal::Signal::SIGINT)?;
    steps::nothing_lost(load)
}

fn all_three_answer(tester: &Path) -> Result<bool> {
    let output = Command::new(tester)
        .args([TARGET, "-n", "30", "--json"])
        .output()?;
    let report: Value = serde_json::from_slice(&output.stdout).context("the load tester")?;
    Ok(report["servers"]
        .as_array()
        .is_some_and(|who| who.len() == 3))
}

fn until_running(wanted: &[(&str, usize)]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for (service, count) in wanted {
        while tasks(service)?.len() != *count {
            ensure!(
                Instant::now() < deadline,
                "{service} has not {count} tasks that run"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    Ok(())
}

/// Those that run.
fn tasks(service: &str) -> Result<Vec<String>> {
    let format = "{{.ID}} {{.CurrentState}}";
    let all = docker(&[
        "service",
        "ps",
        "--filter",
        "desired-state=running",
        "--format",
        format,
        &name(service),
    ])?;
    let running = all.lines().filter(|line| line.contains(" Running "));
    let ids = running.filter_map(|line| line.split(' ').next());
    Ok(ids.map(str::to_owned).collect())
}

/// A container of a service, once those that were sent away are gone.
fn one_of(service: &str, count: usize) -> Result<String> {
    let label = format!("label=com.docker.swarm.service.name={}", name(service));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let all = docker(&["ps", "--quiet", "--filter", &label])?;
        if all.lines().count() == count {
            let first = all.lines().next().context("no container")?;
            return Ok(first.to_owned());
        }
        ensure!(
            Instant::now() < deadline,
            "{service} has other than {count} containers:\n{all}"
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn name(service: &str) -> String {
    format!("{STACK}_{service}")
}

fn docker(args: &[&str]) -> Result<String> {
    let output = Command::new("docker")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("no docker here; see `cargo lab doctor`")?;
    ensure!(
        output.status.success(),
        "docker {}: {}\n{}",
        args.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
