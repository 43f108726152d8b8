//! `cargo lab bench webhook`: durable ingest of a signed event with a viewer of the page attached, beside our own build
//! with one commit per event, and beside hookspool, in one run and in turn.
mod events;
mod servers;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

use super::report::median;
use super::{Options, process_cost, release};
use crate::binaries::Binaries;
use crate::place::Place;

use events::{Event, Turn};
use servers::Server;

/// Group commit must be worth so much...
const TIMES_ONE_COMMIT: f64 = 4.0;
/// ... and we are so much faster than hookspool.
const TIMES_HOOKSPOOL: f64 = 10.0;

/// One turn and its CPU time per event.
type Sample = (Turn, f64);

/// Runs the comparison and prints the table.
pub async fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    compare(place, &binaries, options).await
}

async fn compare(place: &Place, binaries: &Binaries, options: &Options) -> Result<ExitCode> {
    let folder = tempfile::tempdir_in(place.root.join("target"))?; // a disk, not a tmpfs
    let mut racing = vec![
        Server::ours(binaries, folder.path(), false).await?,
        Server::ours(binaries, folder.path(), true).await?,
    ];
    match Server::hookspool(place, folder.path()) {
        Ok(server) => racing.push(server),
        Err(error) => println!("without hookspool: {error:#}"),
    }
    let event = Event::signed(binaries)?;
    println!(
        "a signed event of {} bytes, {} connections, a live viewer, {} rounds of {} s each, in turn",
        event.size(),
        options.connections,
        options.rounds,
        options.seconds
    );
    let viewers: Vec<JoinHandle<()>> = racing
        .iter()
        .filter_map(|server| server.live.clone())
        .map(|live| tokio::spawn(watch(live)))
        .collect();
    let mut samples: Vec<Vec<Sample>> = racing.iter().map(|_| Vec::new()).collect();
    for server in &racing {
        turn(server, &event, options, 1).await?;
    }
    for round in 0..options.rounds as usize {
        for step in 0..racing.len() {
            let index = (round + step) % racing.len();
            samples[index].push(turn(&racing[index], &event, options, options.seconds).await?);
        }
    }
    for viewer in viewers {
        viewer.abort();
    }
    Ok(verdict(&racing, &samples))
}

async fn turn(server: &Server, event: &Event, options: &Options, seconds: u32) -> Result<Sample> {
    let before = process_cost::cpu_seconds(server.pid())?;
    let lasts = Duration::from_secs(seconds.into());
    let turn = event.storm(&server.hook, options.connections, lasts).await;
    let turn = turn.with_context(|| server.title)?;
    let cpu = process_cost::cpu_seconds(server.pid())? - before;
    Ok((turn, cpu * 1e6 / turn.stored as f64))
}

/// What a page that is open reads, to the end.
async fn watch(live: String) {
    let Ok(client) = reqwest::Client::builder().no_proxy().build() else {
        return;
    };
    if let Ok(mut stream) = client.get(live).send().await {
        while let Ok(Some(_)) = stream.chunk().await {}
    }
}

fn verdict(racing: &[Server], samples: &[Vec<Sample>]) -> ExitCode {
    println!(
        "{:18} {:>9} {:>8} {:>13} {:>12}",
        "", "events/s", "p99 ms", "CPU us/event", "ours : this"
    );
    let failed = |server: &[Sample]| server.iter().map(|sample| sample.0.failed).sum::<usize>();
    let goals = [None, Some(TIMES_ONE_COMMIT), Some(TIMES_HOOKSPOOL)];
    let mut met = failed(&samples[0]) == 0;
    for (index, server) in racing.iter().enumerate() {
        let own = &samples[index];
        let rounds = samples[0].iter().zip(own);
        let ratio = median(rounds.map(|(ours, this)| ours.0.per_second / this.0.per_second));
        println!(
            "{:18} {:>9.0} {:>8.1} {:>13.0} {:>12.2}",
            server.title,
            median(own.iter().map(|sample| sample.0.per_second)),
            median(own.iter().map(|sample| sample.0.p99_ms)),
            median(own.iter().map(|sample| sample.1)),
            ratio
        );
        if failed(own) > 0 {
            println!("{:18} failed: {}", "", failed(own));
        }
        if let Some(goal) = goals[index] {
            let reached = ratio >= goal;
            met &= reached;
            let word = if reached { "met" } else { "MISSED" };
            println!("{:18} goal: at least {goal} times: {word}", "");
        }
    }
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
