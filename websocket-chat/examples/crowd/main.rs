//! Crowds of members, to see what they do to a running chat: `soak` holds thousands in rooms of ten, some of them cut
//! off every second, and checks that nobody misses a message; `slow` fills one room with large messages while some
//! members don't read.

#![expect(clippy::print_stdout, reason = "a tool for the command line")]

mod member;
mod slow;
mod soak;

use std::str::FromStr;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Puts a crowd into a running chat.
#[derive(Parser)]
struct Arguments {
    /// Where the chat listens, or the proxies before it: the members are divided among them
    #[arg(
        long,
        value_name = "ADDR:PORT,...",
        value_delimiter = ',',
        default_value = "127.0.0.1:8003"
    )]
    address: Vec<String>,
    /// Processes whose memory is shown; the chat's first
    #[arg(long, value_name = "NAME=PID", required = true)]
    watch: Vec<Watched>,
    #[command(subcommand)]
    crowd: Crowd,
}

#[derive(Subcommand)]
enum Crowd {
    /// Thousands in rooms of ten, with churn
    Soak {
        #[arg(long, default_value_t = 10_000)]
        members: usize,
        #[arg(long, default_value_t = 300)]
        seconds: u64,
        /// How many are cut off and come back each second
        #[arg(long, default_value_t = 20)]
        churn: usize,
        /// How many messages all of them send in a second
        #[arg(long, default_value_t = 500)]
        rate: u64,
    },
    /// A hundred members, 16 KiB messages at 200 a second, some members that don't read
    Slow {
        #[arg(long, default_value_t = 5)]
        stalled: usize,
        /// How long each round lasts: longer than the server waits before it closes one that doesn't read
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(7..))]
        seconds: u64,
        /// How many rounds there are with them, and as many without
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        pairs: u32,
    },
}

/// A process whose memory is shown.
#[derive(Clone, Debug)]
struct Watched {
    name: String,
    pid: u32,
}

impl FromStr for Watched {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, pid) = text.split_once('=').context("NAME=PID")?;
        let (name, pid) = (name.to_owned(), pid.parse()?);
        Ok(Self { name, pid })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        address,
        watch,
        crowd,
    } = Arguments::parse();
    match crowd {
        Crowd::Soak {
            members,
            seconds,
            churn,
            rate,
        } => soak::run(&address, &watch, members, seconds, churn, rate).await,
        Crowd::Slow {
            stalled,
            seconds,
            pairs,
        } => slow::run(&address[0], watch[0].pid, stalled, seconds, pairs).await,
    }
}

/// The resident memory of a process in KiB, as Linux tells it.
fn memory(pid: u32) -> anyhow::Result<i64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.unwrap_or("0").parse()?)
}
