//! `cargo lab up`: build, start every service, wait until each is well, print the table of URLs, and stop all of
//! it on Ctrl-C. One [`supervise`] task owns each process; this one owns the tasks.
mod output;
mod preflight;
mod supervise;
mod table;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::binaries::Binaries;
use crate::health;
use crate::paint;
use crate::place::{Place, Running};
use crate::ports::Ports;
use crate::services::Service;

pub(crate) use output::Output;

/// A debug build on a busy machine is slow to start; a healthy one takes a tenth of a second.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// What to start, and how.
#[derive(Debug)]
pub struct Options {
    pub ports: Ports,
    /// Empty: every service.
    pub only: Vec<String>,
    /// Trust the binaries that lie there.
    pub no_build: bool,
    /// Stop when standard input ends, so that a lab never outlives the test that started it.
    pub until_input_ends: bool,
}

/// Runs the lab until a signal.
pub async fn up(place: Place, options: Options) -> Result<ExitCode> {
    let started = Instant::now();
    let services = preflight::chosen(&options.only)?;
    if let Some(running) = place.running() {
        bail!(
            "the lab is already up (launcher's pid {}); see `cargo lab status`",
            running.pid
        );
    }
    let binaries = Binaries::beside_this_executable()?;
    if !options.no_build {
        println!("building the lab's programs ...");
        binaries.build(&place.root)?;
        crate::graphiql::fetch(&place.root);
    }
    preflight::sweep(&place)?;
    preflight::ports_are_free(&services, &options.ports)?;
    if services.iter().any(|service| service.name == "docs") {
        crate::book::build(&place.root, &crate::book::served_folder(&place))?;
    }
    let running = Running {
        pid: std::process::id().cast_signed(),
        ports: options.ports.clone(),
        services: services
            .iter()
            .map(|service| service.name.to_owned())
            .collect(),
        conf: place.conf.clone(),
    };
    place.announce(&running)?;

    let (stop, stopping) = watch::channel(false);
    let lab = Arc::new(supervise::Lab {
        place,
        binaries,
        ports: options.ports,
        stopping,
    });
    let mut tasks = JoinSet::new();
    for (index, service) in services.iter().enumerate() {
        let output = Output::open(&lab.place, service.name, index)?;
        tasks.spawn(supervise::keep_running(Arc::clone(&lab), service, output));
    }
    let outcome = tokio::select! {
        well = all_well(&lab, &services) => match well {
            Ok(()) => {
                table::print(&lab.ports, &services, started.elapsed());
                stop_requested(options.until_input_ends).await
            }
            Err(error) => Err(error),
        },
        asked = stop_requested(options.until_input_ends) => asked,
    };
    output::tell(&paint::bold("stopping the lab ..."));
    let _ = stop.send(true);
    tokio::select! {
        () = async { while tasks.join_next().await.is_some() {} } => {}
        _ = stop_requested(false) => output::tell("asked twice: killing what is left"),
    }
    tasks.shutdown().await;
    preflight::sweep(&lab.place)?;
    output::tell("the lab is down");
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn all_well(lab: &supervise::Lab, services: &[&'static Service]) -> Result<()> {
    let client = health::client();
    let deadline = Instant::now() + START_PATIENCE;
    for service in services {
        while let Some(ailment) = health::ailment(&client, service, &lab.ports).await {
            if Instant::now() > deadline {
                let log = lab.place.log(service.name);
                bail!(
                    "{} is not well after {START_PATIENCE:?}: {ailment}; see {}",
                    service.name,
                    log.display()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Ctrl-C, `down`, a closed terminal, or the end of standard input.
async fn stop_requested(until_input_ends: bool) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = input_ended(), if until_input_ends => {}
    }
    Ok(())
}

/// A thread of its own reads, because nothing can end a read of a terminal: the process ends without it.
async fn input_ended() {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}
