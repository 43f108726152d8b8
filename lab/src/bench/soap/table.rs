//! The comparison's tables: medians over the rounds, ratios to gSOAP taken round by round, and our goals.
use super::super::report::{Sample, median};
use super::Question;
use super::peers::{Kind, Peer};
use crate::paint;

/// What `Add` may cost us, whatever it costs gSOAP.
const ADD_AT_MOST_US: f64 = 20.0;
const MEMORY_AT_MOST_MB: f64 = 20.0;

/// Prints one question's table; says whether our goals are met (`at_most` of gSOAP's CPU time, else no more than it).
pub(super) fn print(
    question: &Question,
    racing: &[Peer],
    samples: &[Vec<Sample>],
    at_most: Option<f64>,
) -> bool {
    println!("\n{}", paint::bold(question.title));
    println!(
        "{:10} {:>11} {:>8} {:>8} {:>14} {:>9} {:>12}",
        "", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "peak MB", "CPU : gSOAP"
    );
    let gsoap = racing.iter().position(|peer| peer.kind == Kind::Gsoap);
    let ratio = |index: usize| gsoap.map(|gsoap| ratio(&samples[index], &samples[gsoap]));
    for (index, (peer, own)) in racing.iter().zip(samples).enumerate() {
        let of = |value: fn(&Sample) -> f64| median(own.iter().map(value));
        println!(
            "{:10} {:>11.0} {:>8.2} {:>8.2} {:>14.1} {:>9.1} {:>12}",
            peer.kind.title(),
            of(|sample| sample.per_second),
            of(|sample| sample.p50_ms),
            of(|sample| sample.p99_ms),
            of(|sample| sample.cpu_us),
            of(peak_mb),
            ratio(index).map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
        );
    }
    let ours = &samples[0];
    let cpu_us = median(ours.iter().map(|sample| sample.cpu_us));
    let mut met = goal(
        "MB of memory",
        median(ours.iter().map(peak_mb)),
        MEMORY_AT_MOST_MB,
    );
    if let Some(ratio) = ratio(0) {
        met &= goal(
            "of gSOAP's CPU time per request",
            ratio,
            at_most.unwrap_or(1.0),
        );
    }
    if question.title == "Add" {
        met &= goal("us of CPU time per request", cpu_us, ADD_AT_MOST_US);
    }
    met
}

fn peak_mb(sample: &Sample) -> f64 {
    sample.peak_kb as f64 / 1024.0
}

fn ratio(own: &[Sample], other: &[Sample]) -> f64 {
    median(
        own.iter()
            .zip(other)
            .map(|(own, other)| own.cpu_us / other.cpu_us),
    )
}

fn goal(what: &str, value: f64, limit: f64) -> bool {
    let met = value <= limit;
    let mark = if met {
        paint::green("✓")
    } else {
        paint::red("✗")
    };
    println!("{mark} {value:.2} {what}, at most {limit} is asked");
    met
}
