//! The comparison's tables: CPU time per request as medians over the rounds, the ratio taken round by round, and our
//! goals.
use std::io::{Write, stdout};

use anyhow::Result;

use super::peers::Peer;
use crate::bench::process_cost::peak_memory_kb;
use crate::bench::report::{Sample, median};
use crate::paint;

const MEMORY_AT_MOST_MB: f64 = 40.0;

pub(super) fn head(title: &str, racing: &[Peer]) {
    println!("\n{}", paint::bold(title));
    print!("{:14}", "CPU us/request");
    for peer in racing {
        print!(" {:>11}", peer.title);
    }
    println!("  ours : theirs   requests/s, ours");
}

/// Prints one question's line; says whether ours costs at most `at_most` of theirs, else no more than theirs.
pub(super) fn row(title: &str, samples: &[Vec<Sample>], at_most: Option<f64>) -> bool {
    print!("{title:14}");
    for own in samples {
        print!(" {:>11.1}", median(own.iter().map(|sample| sample.cpu_us)));
    }
    let per_second = median(samples[0].iter().map(|sample| sample.per_second));
    let Some(theirs) = samples.get(1) else {
        println!("  {:>13}   {per_second:>16.0}", "-");
        return false;
    };
    let pairs = samples[0].iter().zip(theirs);
    let ratio = median(pairs.map(|(ours, theirs)| ours.cpu_us / theirs.cpu_us));
    let met = ratio <= at_most.unwrap_or(1.0);
    println!("  {ratio:>13.2}   {per_second:>16.0} {}", mark(met));
    // The next line takes a while.
    let _ = stdout().flush();
    met
}

/// The most memory each ever had; says whether ours kept to its goal.
pub(super) fn memory(racing: &[Peer]) -> Result<bool> {
    println!();
    print!("{:14}", "peak MB");
    let mut ours = 0.0;
    for (index, peer) in racing.iter().enumerate() {
        let megabytes = peak_memory_kb(peer.pid())? as f64 / 1024.0;
        if index == 0 {
            ours = megabytes;
        }
        print!(" {megabytes:>11.1}");
    }
    let met = ours <= MEMORY_AT_MOST_MB;
    println!("  at most {MEMORY_AT_MOST_MB} asked {}", mark(met));
    Ok(met)
}

fn mark(met: bool) -> String {
    if met {
        paint::green("✓")
    } else {
        paint::red("✗")
    }
}
