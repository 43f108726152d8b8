//! The steps of the module's flow, each with what it must show.
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Stage;
use crate::health;

const PATIENCE: Duration = Duration::from_secs(40);
const LOAD: [&str; 3] = ["run", "--rm", "load-tester"];

pub(super) async fn servers_answer_in_turn(stage: &Stage) -> Result<()> {
    let client = health::client();
    for id in [1, 2, 3, 1, 2, 3] {
        let answer =
            health::text(&client, &format!("http://127.0.0.1:{}/", stage.ports.http)).await?;
        ensure!(
            answer == format!("Hello from Server {id}!"),
            "Server {id} was to answer, but: {answer}"
        );
    }
    Ok(())
}

/// The module's client: 1000 requests at once. Its first line, and the counts in it.
fn load(stage: &Stage) -> Result<(String, Vec<u32>)> {
    let printed = stage.compose.ok(&LOAD)?;
    let line = printed
        .lines()
        .next()
        .context("the load tester prints nothing")?
        .trim()
        .to_owned();
    let inside = line.trim_start_matches('{').trim_end_matches('}');
    let counts: Option<Vec<_>> = inside
        .split(", ")
        .map(|pair| pair.split_once(": ")?.1.parse().ok())
        .collect();
    let mut counts = counts.with_context(|| format!("no map of counts: {line}"))?;
    counts.sort_unstable();
    ensure!(
        counts.iter().sum::<u32>() == 1000,
        "not all were answered: {line}"
    );
    Ok((line, counts))
}

pub(super) fn load_is_shared_equally(stage: &Stage) -> Result<String> {
    let (line, counts) = load(stage)?;
    ensure!(counts == [333, 333, 334], "{line}");
    Ok(line)
}

fn reload(stage: &Stage) -> Result<()> {
    stage
        .compose
        .ok(&["exec", "-T", "proxy", "proxy", "-s", "reload"])
        .map(drop)
}

/// A reload is a signal: the first load may still meet the old configuration.
fn load_until(stage: &Stage, fits: impl Fn(&[u32]) -> bool) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (line, counts) = load(stage)?;
        if fits(&counts) {
            return Ok(line);
        }
        ensure!(Instant::now() < deadline, "{line}");
    }
}

pub(super) fn least_conn_after_a_reload(stage: &Stage) -> Result<String> {
    stage.file.write_with("# least_conn;", "least_conn;")?;
    reload(stage)?;
    load_until(stage, |counts| counts.len() == 3)
}

pub(super) fn ip_hash_after_a_restart(stage: &Stage) -> Result<String> {
    stage.file.write_with("# ip_hash;", "ip_hash;")?;
    stage.compose.ok(&["restart", "proxy"])?;
    stage.compose.ok(&["up", "-d", "--wait"])?;
    load_until(stage, |counts| counts == [1000])
}

pub(super) fn original_configuration(stage: &Stage) -> Result<()> {
    stage.file.restore()?;
    reload(stage)?;
    load_until(stage, |counts| counts == [333, 333, 334]).map(drop)
}

/// A load in the background, already being answered when this returns.
async fn load_in_background(stage: &Stage, seconds: &str) -> Result<Child> {
    let before = requests(stage).await?;
    let args = [&LOAD[..], &["-d", seconds, "-c", "32", "--json"]].concat();
    let child = stage.compose.spawn(&args)?;
    until(stage, "the load arrives", |status| {
        status["requests"].as_u64() > Some(before + 500)
    })
    .await?;
    Ok(child)
}

async fn requests(stage: &Stage) -> Result<u64> {
    let status = health::json(&health::client(), &health::status_url(&stage.ports)).await?;
    status["requests"]
        .as_u64()
        .context("the status API counts no requests")
}

/// All requests of the load were answered with 200; how many.
pub(super) fn nothing_lost(load: Child) -> Result<u64> {
    let output = load.wait_with_output()?;
    let report: Value =
        serde_json::from_slice(&output.stdout).context("the load tester's report")?;
    let requests = report["requests"].as_u64().context("requests")?;
    let good = report["statuses"]["200"].as_u64();
    ensure!(
        good == Some(requests),
        "{} of {requests}: {} {}",
        good.unwrap_or(0),
        report["statuses"],
        report["errors"]
    );
    Ok(requests)
}

pub(super) async fn a_killed_backend_costs_nothing(stage: &Stage) -> Result<String> {
    let load = load_in_background(stage, "8s").await?;
    stage.compose.ok(&["kill", "backend2"])?;
    let status = until(stage, "backend2 is out", |status| {
        peer(status)["state"] != "up"
    })
    .await?;
    nothing_lost(load)?;
    let peer = peer(&status);
    let why = peer["why"]
        .as_str()
        .filter(|why| !why.is_empty())
        .context("nobody says why")?;
    Ok(format!(
        "{} ({why})",
        peer["state"].as_str().unwrap_or_default()
    ))
}

pub(super) async fn the_backend_returns(stage: &Stage) -> Result<()> {
    stage.compose.ok(&["start", "backend2"])?;
    let client = health::client();
    let deadline = Instant::now() + PATIENCE;
    loop {
        // It is tried again by a request, when its time is over.
        health::text(&client, &format!("http://127.0.0.1:{}/", stage.ports.http)).await?;
        let status = health::json(&client, &health::status_url(&stage.ports)).await?;
        if peer(&status)["state"] == "up" {
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "backend2 stays out: {}",
            peer(&status)
        );
    }
    load_is_shared_equally(stage).map(drop)
}

pub(super) async fn reloads_cost_nothing(stage: &Stage) -> Result<u64> {
    let mut load = load_in_background(stage, "20s").await?;
    // One `exec` for all: starting one takes longer than a reload.
    let reloads = "for i in $(seq 50); do proxy -s reload || exit 1; sleep 0.1; done";
    stage
        .compose
        .ok(&["exec", "-T", "proxy", "sh", "-c", reloads])?;
    ensure!(
        load.try_wait()?.is_none(),
        "the load ended before the reloads"
    );
    nothing_lost(load)
}

fn peer(status: &Value) -> &Value {
    let upstreams = status["upstreams"].as_array().into_iter().flatten();
    let mut peers =
        upstreams.flat_map(|upstream| upstream["peers"].as_array().into_iter().flatten());
    peers
        .find(|peer| {
            peer["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("backend2"))
        })
        .unwrap_or(&Value::Null)
}

async fn until(stage: &Stage, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let client = health::client();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = health::json(&client, &health::status_url(&stage.ports)).await?;
        if fits(&status) {
            return Ok(status);
        }
        if Instant::now() > deadline {
            bail!("not within {PATIENCE:?}: {what}\n{status:#}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
