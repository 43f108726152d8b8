//! `cargo lab bench chat`: one room of 200 beside the chat servers of others, in one run and in turn. What a delivery
//! costs the server, how many there are in a second, how late they are at a pace that all can keep, and what members
//! cost who say nothing.
mod crowd;
mod dialect;
mod frames;
mod idle;
mod member;
mod peers;
mod room;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{process_cost, release};
use crate::place::Place;
use crate::server_process::ServerProcess;

use peers::{Installed, Kind};
use room::{Pace, Room};
use table::{Sample, Turns};

pub use crowd::{CrowdOptions, run as crowd};

/// Deliveries per second when latency is measured.
const PACED_DELIVERIES: u32 = 4000;
const WARM_UP: Duration = Duration::from_millis(500);

/// Who, how many, how long and how often.
#[derive(Debug, Args)]
pub struct ChatOptions {
    /// The servers that ours is measured beside [default: all]
    #[arg(value_enum, value_name = "SERVER")]
    beside: Vec<Kind>,
    /// How often each has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// How long a turn lasts, at full speed and again at 4,000 deliveries a second
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Members of the room
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=1000))]
    members: u16,
    /// Members who say nothing, in rooms of ten; 0 leaves this part out
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(0..=15_000))]
    idle: u32,
    /// Fail if ours needs more than this part of Bun's CPU time per delivery
    #[arg(long, value_name = "RATIO")]
    at_most: Option<f64>,
    /// Use the release build as it is
    #[arg(long)]
    no_build: bool,
}

impl ChatOptions {
    /// Ours first: the others are held against it.
    fn contestants(&self) -> Vec<Kind> {
        let wanted = |kind: &Kind| {
            self.beside.is_empty() || *kind == Kind::Ours || self.beside.contains(kind)
        };
        peers::ALL.into_iter().filter(wanted).collect()
    }
}

/// Runs the comparison and prints the table.
pub fn run(place: &Place, options: &ChatOptions) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    let installed = Installed::prepare(place, &binaries)?;
    let logs = tempfile::tempdir()?;
    idle::raise_limit(options.idle as usize)?;
    println!(
        "one room of {}, 64-byte messages, {} rounds of {} s each, in turn",
        options.members, options.rounds, options.seconds
    );
    let mut turns = Vec::new();
    for kind in options.contestants() {
        match in_own_thread(|| one_turn(&installed, kind, logs.path(), options, WARM_UP)) {
            Ok(_) => turns.push(Turns::new(kind)),
            Err(error) => println!("without {}: {error:#}", kind.title()),
        }
    }
    ensure!(
        turns.first().is_some_and(|first| first.kind == Kind::Ours),
        "ours does not take part"
    );
    for round in 0..options.rounds as usize {
        // Each starts a round in its turn: nobody is always first after the pause.
        for step in 0..turns.len() {
            let index = (round + step) % turns.len();
            let kind = turns[index].kind;
            let length = Duration::from_secs(options.seconds.into());
            let sample = in_own_thread(|| one_turn(&installed, kind, logs.path(), options, length));
            turns[index]
                .samples
                .push(sample.with_context(|| kind.title())?);
        }
    }
    for turn in turns.iter_mut().filter(|_| options.idle > 0) {
        let server = installed.start(turn.kind, logs.path())?;
        let members = options.idle as usize;
        let dialect = turn.kind.dialect();
        let memory =
            in_own_thread(|| runtime()?.block_on(idle::bytes_each(&server, dialect, members)));
        turn.idle = Some(memory.with_context(|| turn.kind.title())?);
    }
    table::print(&turns);
    Ok(table::verdict(&turns, options.at_most))
}

/// A fresh server, a full room: as fast as it goes, then at a pace.
fn one_turn(
    installed: &Installed,
    kind: Kind,
    logs: &Path,
    options: &ChatOptions,
    length: Duration,
) -> Result<Sample> {
    let server = installed.start(kind, logs)?;
    runtime()?.block_on(async {
        let mut room = Room::fill(server.port, kind.dialect(), options.members).await?;
        room.talk(Pace::Flood, WARM_UP).await?;
        let (flood, cpu) = with_cpu(&server, &mut room, Pace::Flood, length).await?;
        let step = Duration::from_secs(1) * u32::from(options.members) / PACED_DELIVERIES;
        let (paced, _) = with_cpu(&server, &mut room, Pace::Every(step), length).await?;
        Sample::of(&flood, cpu, &paced)
    })
}

async fn with_cpu(
    server: &ServerProcess,
    room: &mut Room,
    pace: Pace,
    length: Duration,
) -> Result<(room::Heard, f64)> {
    let before = process_cost::cpu_seconds(server.pid())?;
    let heard = room.talk(pace, length).await?;
    Ok((heard, process_cost::cpu_seconds(server.pid())? - before))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().context("runtime")
}

/// The load client has one thread of its own, and nothing else on it.
fn in_own_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
