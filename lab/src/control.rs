//! What the other commands do to a running lab: marks in `.lab/` that say what is wanted, and signals.
use std::fs;
use std::process::Command;
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

/// Lets the proxy check its configuration, then read it again.
pub fn reload(place: &Place) -> Result<()> {
    let (running, service) = known(place, "proxy")?;
    let pid = place
        .pid(service.name)
        .context("the proxy does not run; `cargo lab start proxy`")?;
    if !check_configuration(place, &running)? {
        bail!("the configuration has a fault (see above); the proxy keeps the old one");
    }
    place::signal(pid, Signal::SIGHUP)
}

/// `proxy -t` with the arguments the lab's proxy was started with.
pub fn check_configuration(place: &Place, running: &Running) -> Result<bool> {
    let service = Service::find("proxy")?;
    let mut check = Command::new(Binaries::beside_this_executable()?.path(service.binary));
    check
        .args(service.start(place, &running.ports).args)
        .arg("-t");
    Ok(check
        .status()
        .context("the proxy's program does not start")?
        .success())
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
