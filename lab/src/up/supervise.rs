//! The life of one service's process: start it, hand its lines on, start it again a second after it crashed, leave
//! it down while its `.down` mark stands, and end it politely when the lab stops.
use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::binaries::Binaries;
use crate::place::{self, Place};
use crate::ports::Ports;
use crate::services::Service;
use crate::up::Output;

const AFTER_CRASH: Duration = Duration::from_secs(1);
const LOOK_AT_MARK: Duration = Duration::from_millis(50);
/// Requests in flight may finish; then patience ends.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// What every supervisor of one lab shares.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) place: Place,
    pub(super) binaries: Binaries,
    pub(super) ports: Ports,
    /// Becomes true once.
    pub(super) stopping: watch::Receiver<bool>,
}

pub(super) async fn keep_running(lab: Arc<Lab>, service: &'static Service, output: Output) {
    let mut stopping = lab.stopping.clone();
    let mark = lab.place.down_mark(service.name);
    while !*stopping.borrow() {
        if mark.exists() {
            let _ = tokio::time::timeout(LOOK_AT_MARK, stopping.changed()).await;
            continue;
        }
        let child = match spawn(&lab, service, &output) {
            Ok(child) => child,
            Err(error) => {
                output.say(&format!("does not start: {error:#}"));
                let _ = tokio::time::timeout(AFTER_CRASH, stopping.changed()).await;
                continue;
            }
        };
        let ended = run(child, service, &mut stopping).await;
        let _ = fs::remove_file(lab.place.pid_file(service.name));
        if *stopping.borrow() {
            output.say(&ended);
        } else if mark.exists() {
            output.say(&format!(
                "{ended}; stays down until `cargo lab start {}`",
                service.name
            ));
        } else {
            output.say(&format!("{ended}; starting it again in 1 s"));
            let _ = tokio::time::timeout(AFTER_CRASH, stopping.changed()).await;
        }
    }
}

fn spawn(lab: &Lab, service: &Service, output: &Output) -> Result<Child> {
    let start = service.start(&lab.place, &lab.ports);
    let program = lab.binaries.path(service.binary);
    let mut child = Command::new(&program)
        .args(start.args)
        .envs(start.env)
        .current_dir(&lab.place.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C reaches a whole process group; ours alone decides the order of stopping.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| program.display().to_string())?;
    let pid = child.id().context("it ended at once")?;
    fs::write(lab.place.pid_file(service.name), pid.to_string())?;
    output.follow(child.stdout.take().context("stdout is piped")?);
    output.follow(child.stderr.take().context("stderr is piped")?);
    Ok(child)
}

/// Until the process ends by itself or the lab stops; says how it ended.
async fn run(mut child: Child, service: &Service, stopping: &mut watch::Receiver<bool>) -> String {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    tokio::select! {
        status = child.wait() => return describe(status),
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    if let Some(pid) = pid {
        let _ = place::signal(pid, service.stop_signal());
    }
    match tokio::time::timeout(STOP_DEADLINE, child.wait()).await {
        Ok(_) => "stopped".to_owned(),
        Err(_) => {
            let _ = child.kill().await;
            format!("did not stop within {STOP_DEADLINE:?}: killed")
        }
    }
}

fn describe(status: std::io::Result<std::process::ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Err(error) => format!("lost ({error})"),
        Ok(status) => match status.signal().map(Signal::try_from) {
            Some(Ok(signal)) => format!("ended by {signal}"),
            _ => format!("ended with {status}"),
        },
    }
}
