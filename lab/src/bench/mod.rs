//! `cargo lab bench`: our proxy beside nginx, HAProxy and plain TCP relaying, with the same backends, in one run and
//! in turn, so that a machine that slows down slows all of them. `cargo lab bench idle`: what a connection costs
//! that does nothing.
pub mod chat;
mod contestants;
pub mod flood;
pub mod graphql;
mod idle;
mod load;
mod process_cost;
mod report;
pub mod soap;
pub mod tls;
pub mod webhook;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::binaries::Binaries;
use crate::place::Place;

use contestants::{Contestant, Kind};
use report::Sample;

pub use idle::{IdleOptions, run as idle};

/// How long and how often.
#[derive(Debug, Args)]
pub struct Options {
    /// How often each has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long a turn lasts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Fail if ours needs more than this part of nginx's CPU time per request
    #[arg(long, value_name = "RATIO")]
    at_most: Option<f64>,
    /// Use the release build as it is
    #[arg(long)]
    no_build: bool,
}

/// The comparison under load.
pub fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    let folder = tempfile::tempdir()?;
    let backend = contestants::fast_backend(folder.path())?;
    let mut racing = Vec::new();
    for kind in [Kind::Ours, Kind::Nginx, Kind::Haproxy, Kind::Relay] {
        match Contestant::start(kind, folder.path(), &binaries, &backend.ports) {
            Ok(contestant) => racing.push(contestant),
            // Ours and nginx are what the comparison is about; the others are welcome guests.
            Err(error) if matches!(kind, Kind::Haproxy | Kind::Relay) => {
                println!("without {}: {error:#}", kind.title());
            }
            Err(error) => return Err(error),
        }
    }
    let load = load::Load::choose(&binaries, options);
    println!(
        "{}, {} connections, {} rounds of {} s each, in turn",
        load.title(),
        options.connections,
        options.rounds,
        options.seconds
    );
    let mut samples: Vec<Vec<Sample>> = racing.iter().map(|_| Vec::new()).collect();
    for contestant in &racing {
        load.offer(contestant.port(), 1)?;
    }
    for round in 0..options.rounds as usize {
        // Each starts a round in its turn: nobody is always first after the pause.
        for step in 0..racing.len() {
            let index = (round + step) % racing.len();
            let offer = |port| load.offer(port, options.seconds);
            samples[index].push(measure(&racing[index], offer)?);
            print!(".");
            let _ = std::io::Write::flush(&mut std::io::stdout());
        }
        truncate_logs(folder.path());
    }
    println!();
    let titles: Vec<_> = racing
        .iter()
        .map(|contestant| contestant.kind.title())
        .collect();
    report::print(&titles, &samples);
    Ok(report::verdict(&samples, options.at_most))
}

fn measure(
    contestant: &Contestant,
    offer: impl FnOnce(u16) -> Result<load::Offered>,
) -> Result<Sample> {
    let before = process_cost::cpu_seconds(contestant.pid())?;
    let offered = offer(contestant.port())?;
    let cpu = process_cost::cpu_seconds(contestant.pid())? - before;
    if offered.failed > 0 {
        bail!(
            "{} failed {} of {} requests",
            contestant.kind.title(),
            offered.failed,
            offered.requests
        );
    }
    Ok(Sample {
        per_second: offered.per_second,
        p50_ms: offered.p50_ms,
        p99_ms: offered.p99_ms,
        cpu_us: cpu * 1e6 / offered.requests as f64,
        peak_kb: process_cost::peak_memory_kb(contestant.pid())?,
    })
}

/// What students run is built quickly; what we compare is built well.
fn release(place: &Place, no_build: bool) -> Result<Binaries> {
    if !cfg!(target_os = "linux") {
        bail!("the bench reads /proc, so it runs on Linux only");
    }
    let binaries = Binaries::beside_this_executable()?.of_profile("release");
    if !no_build {
        binaries.build(&place.root)?;
    }
    Ok(binaries)
}

/// Access logs grow by some hundred megabytes a round; every program here appends, so cutting them is safe.
fn truncate_logs(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "log" || extension == "stdout")
        {
            let _ = fs::OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(entry.path());
        }
    }
}
