//! The flood's table and verdict.
use std::process::ExitCode;

use load_tester::Report;

use super::Found;
use crate::paint;

const P99_AT_MOST_MS: f64 = 50.0;
/// Memory is flat if the second half of the run needs no more than this beyond the second quarter.
const GROWTH_AT_MOST_KB: u64 = 4096;
/// A flood may not write more than this a second.
const LOGS_AT_MOST_KB: u64 = 256;

pub(super) fn print(found: &Found) {
    println!(
        "\n{:32} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "offered", "answered/s", "failed", "p50 ms", "p99 ms", "p99.9", "max"
    );
    row(
        "ordinary, connection kept",
        &found.kept,
        failed(&found.kept),
    );
    row(
        "ordinary, new connections",
        &found.fresh,
        failed(&found.fresh),
    );
    let flood = &found.flood;
    row("flood", flood, flood.requests - whole(flood));
    let count = |status| flood.statuses.get(&status).copied().unwrap_or(0);
    println!(
        "\nflood: {} served, {} refused with 429",
        count(200),
        count(429)
    );
    let slow = &found.slow;
    println!(
        "slow clients: {} connections, {} ended by the proxy (the longest after {:.1} s), {} overstayed, {} refused",
        slow.opened,
        slow.ended,
        slow.longest.as_secs_f64(),
        slow.overstayed,
        slow.refused
    );
    let memory = &found.watch.memory_kb;
    let megabytes = |kb: Option<&u64>| kb.copied().unwrap_or(0) as f64 / 1024.0;
    println!(
        "proxy: {:.1} MB at first, {:.1} after a quarter, {:.1} at most, {:.1} at the end; {:.1} s of CPU; {:.1} MB of logs",
        megabytes(memory.first()),
        megabytes(memory.get(memory.len() / 4)),
        megabytes(memory.iter().max()),
        megabytes(memory.last()),
        found.watch.cpu_seconds,
        found.watch.log_bytes as f64 / 1e6,
    );
}

fn row(title: &str, report: &Report, failed: u64) {
    let latency = &report.latency;
    println!(
        "{title:32} {:>10} {:>10.0} {failed:>8} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
        report.requests,
        report.requests_per_second,
        latency.p50_ms,
        latency.p99_ms,
        latency.p99_9_ms,
        latency.max_ms,
    );
}

/// Requests that got a whole answer, whatever it says.
fn whole(report: &Report) -> u64 {
    report.statuses.values().sum()
}

/// Everything but 200 is a failure for who works.
fn failed(report: &Report) -> u64 {
    report.requests - report.statuses.get(&200).copied().unwrap_or(0)
}

/// What was promised, line by line.
pub(super) fn verdict(found: &Found, slow: usize) -> ExitCode {
    let ordinary = [&found.kept, &found.fresh];
    let lost: u64 = ordinary.into_iter().map(failed).sum();
    let worst = ordinary
        .into_iter()
        .map(|report| report.latency.p99_ms)
        .fold(0.0, f64::max);
    let growth = growth_kb(&found.watch.memory_kb);
    let seconds = found.watch.memory_kb.len().max(1) as u64;
    let logs = found.watch.log_bytes / 1000 / seconds;
    let ended = found.slow.overstayed == 0 && (slow == 0 || found.slow.ended > 0);
    let lines = [
        (
            lost == 0,
            format!("{lost} requests of ordinary clients failed"),
        ),
        (
            worst < P99_AT_MOST_MS,
            format!("their p99 is {worst:.1} ms, under {P99_AT_MOST_MS} is asked"),
        ),
        (
            ended,
            format!(
                "{} slow connections outlived their timeout",
                found.slow.overstayed
            ),
        ),
        (
            growth <= GROWTH_AT_MOST_KB,
            format!(
                "memory grew by {growth} KB in the second half, at most {GROWTH_AT_MOST_KB} are asked"
            ),
        ),
        (
            logs <= LOGS_AT_MOST_KB,
            format!("{logs} KB of logs a second, at most {LOGS_AT_MOST_KB} are asked"),
        ),
    ];
    println!();
    for (met, text) in &lines {
        let mark = if *met {
            paint::green("✓")
        } else {
            paint::red("✗")
        };
        println!("{mark} {text}");
    }
    ExitCode::from(u8::from(lines.iter().any(|(met, _)| !met)))
}

/// By how much the most of the second half is above the most of the second quarter; in the first, everybody arrives.
fn growth_kb(memory: &[u64]) -> u64 {
    let quarter = memory.len() / 4;
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    most(&memory[memory.len() / 2..]).saturating_sub(most(&memory[quarter..memory.len() / 2]))
}

#[cfg(test)]
mod tests {
    use super::growth_kb;

    #[test]
    fn growth_is_what_the_second_half_needs_more() {
        assert_eq!(growth_kb(&[1, 90, 100, 100, 100, 99, 100, 100]), 0);
        assert_eq!(growth_kb(&[1, 90, 100, 110, 120, 130, 140, 150]), 40);
        assert_eq!(growth_kb(&[]), 0);
    }
}
