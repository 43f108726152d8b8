//! Crowds of members, to see what they do to a running chat: `soak` holds thousands in rooms of ten, some of them cut
//! off every second, and checks that nobody misses a message; `slow` fills one room with large messages while some
//! members don't read.

#![expect(clippy::print_stdout, reason = "a tool for the command line")]

mod member;
mod slow;
mod soak;

use clap::{Parser, Subcommand};

/// Puts a crowd into a running chat.
#[derive(Parser)]
struct Arguments {
    /// Where the chat listens, or the proxy before it
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8003")]
    address: String,
    /// The chat's process, to see its memory
    #[arg(long)]
    pid: u32,
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
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        address,
        pid,
        crowd,
    } = Arguments::parse();
    match crowd {
        Crowd::Soak {
            members,
            seconds,
            churn,
            rate,
        } => soak::run(&address, pid, members, seconds, churn, rate).await,
        Crowd::Slow { stalled, seconds } => slow::run(&address, pid, stalled, seconds).await,
    }
}

/// The resident memory of a process in KiB, as Linux tells it.
fn memory(pid: u32) -> anyhow::Result<i64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.unwrap_or("0").parse()?)
}
