//! `cargo lab bench flood`: ordinary clients work at one location while another, limited one is flooded and two
//! thousand slow clients hold on to what they opened. Prints what each got, and a verdict on the ordinary ones.
mod proxy;
mod slow;
mod table;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use load_tester::{Progress, Report};
use tokio::task::JoinHandle;

use crate::bench::idle::room_for;
use crate::binaries::Binaries;
use crate::place::Place;
use proxy::{Flooded, Watch};

/// How much of everything.
#[derive(Debug, Args)]
pub struct FloodOptions {
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=600))]
    seconds: u32,
    /// Requests a second at the limited location
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Clients that send a request so slowly that it never ends
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    slow: u32,
    /// Use the programs as they are
    #[arg(long)]
    no_build: bool,
}

/// Ordinary clients, half of which open a connection for each request, and what all of them ask for in a second.
const ORDINARY: usize = 50;
const ORDINARY_RATE: f64 = 500.0;
/// Connections of the flood: enough that none of them is what limits it.
const FLOODING: usize = 200;

/// Everything that a run found.
#[derive(Debug)]
struct Found {
    kept: Report,
    fresh: Report,
    flood: Report,
    slow: slow::Slow,
    watch: Watch,
}

/// Runs all three at once and judges.
pub async fn run(place: &Place, options: &FloodOptions) -> Result<ExitCode> {
    let binaries = Binaries::beside_this_executable()?;
    if !options.no_build {
        binaries.build(&place.root)?;
    }
    room_for(options.slow as usize + 2000)?;
    let folder = tempfile::tempdir()?;
    let flooded = Flooded::start(&binaries, folder.path())?;
    let time = Duration::from_secs(options.seconds.into());
    println!(
        "{ORDINARY} ordinary clients, {} requests/s at a limited location, {} slow clients, {} s",
        options.rate, options.slow, options.seconds
    );
    let watch = flooded.watch();
    let slow = slow::hold(flooded.address(), options.slow as usize, time);
    let half = ORDINARY / 2;
    let kept = offer(&flooded, "/", time, half, ORDINARY_RATE / 2.0, true)?;
    let fresh = offer(&flooded, "/", time, half, ORDINARY_RATE / 2.0, false)?;
    let rate = f64::from(options.rate);
    let flood = offer(&flooded, "/limited", time, FLOODING, rate, true)?;
    let found = Found {
        slow: slow.await??,
        kept: kept.await??,
        fresh: fresh.await??,
        flood: flood.await??,
        watch: watch.finish().await?,
    };
    table::print(&found);
    Ok(table::verdict(&found, options.slow as usize))
}

/// Offers load from a thread of its own.
fn offer(
    flooded: &Flooded,
    path: &str,
    time: Duration,
    connections: usize,
    rate: f64,
    keepalive: bool,
) -> Result<JoinHandle<Result<Report>>> {
    let address: SocketAddr = flooded.address();
    let target = format!("http://{address}{path}");
    let options = load_tester::Options {
        requests: None,
        duration: Some(time),
        connections,
        rate: Some(rate),
        keepalive,
        ..load_tester::Options::new(target.parse().context("our own address")?)
    };
    Ok(tokio::task::spawn_blocking(move || {
        Ok(load_tester::run(&options, &Progress::default())?)
    }))
}
