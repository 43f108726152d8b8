//! The bench's table: medians over the rounds, and ratios to nginx taken round by round.
use std::process::ExitCode;

use crate::paint;

/// One round of one contestant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) cpu_us: f64,
    pub(super) peak_kb: u64,
}

const OURS: usize = 0;
const NGINX: usize = 1;

pub(super) fn print(titles: &[&str], samples: &[Vec<Sample>]) {
    println!(
        "{:10} {:>11} {:>8} {:>8} {:>14} {:>9} {:>13} {:>12}",
        "",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU us/request",
        "peak MB",
        "CPU : nginx",
        "req/s : nginx"
    );
    for (title, own) in titles.iter().zip(samples) {
        let nginx = &samples[NGINX];
        println!(
            "{title:10} {:>11.0} {:>8.2} {:>8.2} {:>14.1} {:>9.1} {:>13.2} {:>12.2}",
            median(own.iter().map(|sample| sample.per_second)),
            median(own.iter().map(|sample| sample.p50_ms)),
            median(own.iter().map(|sample| sample.p99_ms)),
            median(own.iter().map(|sample| sample.cpu_us)),
            median(own.iter().map(|sample| sample.peak_kb as f64 / 1024.0)),
            ratio(own, nginx, |sample| sample.cpu_us),
            ratio(own, nginx, |sample| sample.per_second),
        );
    }
}

/// Holds our CPU time against nginx's.
pub(super) fn verdict(samples: &[Vec<Sample>], at_most: Option<f64>) -> ExitCode {
    let Some(limit) = at_most else {
        return ExitCode::SUCCESS;
    };
    let ours = ratio(&samples[OURS], &samples[NGINX], |sample| sample.cpu_us);
    if ours <= limit {
        println!(
            "{} {ours:.2} of nginx's CPU time per request, at most {limit} is asked",
            paint::green("✓")
        );
        return ExitCode::SUCCESS;
    }
    println!(
        "{} {ours:.2} of nginx's CPU time per request, more than {limit}",
        paint::red("✗")
    );
    ExitCode::FAILURE
}

fn ratio(own: &[Sample], other: &[Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    ratio_of(own, other, value)
}

/// Taken round by round, of any kind of sample.
pub(super) fn ratio_of<S>(own: &[S], other: &[S], value: impl Fn(&S) -> f64) -> f64 {
    median(
        own.iter()
            .zip(other)
            .map(|(own, other)| value(own) / value(other)),
    )
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert!((median([9.0, 1.0, 3.0].into_iter()) - 3.0).abs() < f64::EPSILON);
    }
}
