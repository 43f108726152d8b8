//! What the other commands do to a running lab: marks in `.lab/` that say what is wanted, and signals.
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::binaries::Binaries;
use crate::health;
use crate::place::{self, Place, Running};
use crate::services::Service;

const PATIENCE: Duration = Duration::from_secs(15);

/// Waits for a condition; the message says what did not happen.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        if Instant::now() > deadline {
            bail!("{what} after {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn known(place: &Place, name: &str) -> Result<(Running, &'static Service)> {
    let service = Service::find(name)?;
    let running = place.must_run()?;
    if !running.services.iter().any(|started| started == name) {
        bail!("this lab was started without {name}");
    }
    Ok((running, service))
}

/// Stops the whole lab.
pub async fn down(place: &Place) -> Result<()> {
    let Some(running) = place.running() else {
        println!("no lab runs here");
        return Ok(());
    };
    place::signal(running.pid, Signal::SIGTERM)?;
    until("the launcher still runs", async || {
        !place::alive(running.pid)
    })
    .await?;
    println!("the lab is down");
    Ok(())
}

/// Ends a process by `signal` and keeps it down.
pub async fn stop(place: &Place, name: &str, signal: Signal) -> Result<()> {
    known(place, name)?;
    fs::write(place.down_mark(name), "")?;
    if let Some(pid) = place.pid(name) {
        place::signal(pid, signal)?;
        until(&format!("{name} still runs"), async || {
            place.pid(name) != Some(pid)
        })
        .await?;
    }
    Ok(())
}

/// Lets a stopped service run again, and waits until it is well.
pub async fn start(place: &Place, name: &str) -> Result<()> {
    let (running, service) = known(place, name)?;
    let _ = fs::remove_file(place.down_mark(name));
    let client = health::client();
    until(&format!("{name} is not well"), async || {
        place.pid(name).is_some()
            && health::ailment(&client, service, &running.ports)
                .await
                .is_none()
    })
    .await
}

/// Ends it by the signal that lets it finish its work, and keeps it down.
pub async fn stop_politely(place: &Place, name: &str) -> Result<()> {
    stop(place, name, Service::find(name)?.stop_signal()).await
}

/// Politely stops it, then starts it.
pub async fn restart(place: &Place, name: &str) -> Result<()> {
    stop_politely(place, name).await?;
    start(place, name).await
}

/// Lets a proxy check its configuration and read it again; returns when the new one is in use.
pub async fn reload(place: &Place, name: &str) -> Result<()> {
    let (running, service) = known(place, name)?;
    let admin = service.admin_port(&running.ports);
    let admin = admin.with_context(|| format!("{name} has nothing to reload"))?;
    let pid = place
        .pid(name)
        .with_context(|| format!("{name} does not run; `cargo lab start {name}`"))?;
    if proxy(place, name, &["-t".into(), "-q".into()])? != ExitCode::SUCCESS {
        bail!("the configuration has a fault (see above); {name} keeps the old one");
    }
    let client = health::client();
    let url = format!("http://127.0.0.1:{admin}/api/status");
    let generation = async || {
        let status = health::json(&client, &url).await.ok()?;
        status["generation"].as_u64()
    };
    let before = generation().await;
    place::signal(pid, Signal::SIGHUP)?;
    let still = format!("{name} still has its old configuration");
    until(&still, async || generation().await > before).await
}

/// The proxy's program with the arguments that an instance of it was started with, and these.
pub fn proxy(place: &Place, name: &str, args: &[String]) -> Result<ExitCode> {
    let (running, service) = known(place, name)?;
    let mut command = Command::new(Binaries::beside_this_executable()?.path(service.binary));
    command
        .args(service.start(place, &running.ports).args)
        .args(args);
    outcome(&mut command)
}

/// The load tester, aimed at the main lab.
pub fn load(place: &Place, args: &[String]) -> Result<ExitCode> {
    let running = place.must_run()?;
    let mut command = Command::new(Binaries::beside_this_executable()?.path("load-tester"));
    command
        .env(
            "LAB_TARGET",
            format!("http://127.0.0.1:{}/", running.ports.http),
        )
        .args(args);
    outcome(&mut command)
}

fn outcome(command: &mut Command) -> Result<ExitCode> {
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("{} does not start", program.display()))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Prints what a service has said so far; with `follow` goes on until Ctrl-C.
pub fn logs(place: &Place, name: &str, follow: bool) -> Result<()> {
    Service::find(name)?;
    let mut tail = Command::new("tail");
    tail.args(if follow {
        ["-n", "200", "-F"].as_slice()
    } else {
        ["-n", "+1"].as_slice()
    });
    let status = tail
        .arg(place.log(name))
        .status()
        .context("tail does not start")?;
    if !status.success() {
        bail!("no log of {name}; has the lab run?");
    }
    Ok(())
}
