//! The table of `bench chat`: medians over the rounds, ratios to ours taken round by round.
use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::peers::Kind;
use super::room::Heard;
use crate::bench::report::{median, ratio_of};
use crate::paint;

/// One turn of one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    per_second: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    in_order: bool,
}

/// All turns of one server.
pub(super) struct Turns {
    pub(super) kind: Kind,
    pub(super) samples: Vec<Sample>,
    /// Bytes for each silent member, and how many came in.
    pub(super) idle: Option<(f64, usize)>,
}

impl Sample {
    /// An error if nothing was delivered, so that no number comes from nothing.
    pub(super) fn of(flood: &Heard, cpu_seconds: f64, paced: &Heard) -> Result<Self> {
        ensure!(
            flood.deliveries > 0 && !paced.latencies.is_empty(),
            "nothing was delivered"
        );
        Ok(Self {
            per_second: flood.deliveries as f64 / flood.took.as_secs_f64(),
            cpu_us: cpu_seconds * 1e6 / flood.deliveries as f64,
            p50_ms: percentile(&paced.latencies, 0.50),
            p99_ms: percentile(&paced.latencies, 0.99),
            in_order: flood.in_order && paced.in_order,
        })
    }
}

impl Turns {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            samples: Vec::new(),
            idle: None,
        }
    }

    fn median(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(value))
    }

    /// Bytes for each silent member and how many came in; dashes if nobody asked.
    fn idle_columns(&self) -> (String, String) {
        self.idle.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(bytes, came)| (format!("{bytes:.0}"), came.to_string()),
        )
    }
}

/// Of sorted microseconds, of which there are some, in milliseconds.
fn percentile(sorted: &[u32], part: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * part).round() as usize;
    f64::from(sorted[at]) / 1000.0
}

pub(super) fn print(turns: &[Turns]) {
    println!(
        "{:18} {:>12} {:>15} {:>10} {:>12} {:>12} {:>8} {:>13} {:>7}",
        "",
        "deliveries/s",
        "CPU us/delivery",
        "CPU : ours",
        "p50 ms paced",
        "p99 ms paced",
        "in order",
        "bytes/idle",
        "came in"
    );
    let ours = &turns[0].samples;
    for turn in turns {
        let (bytes, came) = turn.idle_columns();
        println!(
            "{:18} {:>12.0} {:>15.2} {:>10.2} {:>12.2} {:>12.2} {:>8} {bytes:>13} {came:>7}",
            turn.kind.title(),
            turn.median(|sample| sample.per_second),
            turn.median(|sample| sample.cpu_us),
            ratio_of(&turn.samples, ours, |sample| sample.cpu_us),
            turn.median(|sample| sample.p50_ms),
            turn.median(|sample| sample.p99_ms),
            if turn.samples.iter().all(|sample| sample.in_order) {
                "yes"
            } else {
                "NO"
            },
        );
    }
    for kind in [Kind::FlaskThreading, Kind::FlaskGevent, Kind::Bun] {
        let Some(other) = turns.iter().find(|turn| turn.kind == kind) else {
            continue;
        };
        println!(
            "beside {}: {:.1} times the deliveries per second, {:.2} of the CPU time for each",
            kind.title(),
            ratio_of(ours, &other.samples, |sample| sample.per_second),
            ratio_of(ours, &other.samples, |sample| sample.cpu_us),
        );
    }
}

/// Holds our CPU time against Bun's.
pub(super) fn verdict(turns: &[Turns], at_most: Option<f64>) -> ExitCode {
    let bun = turns.iter().find(|turn| turn.kind == Kind::Bun);
    let Some(limit) = at_most else {
        return ExitCode::SUCCESS;
    };
    let Some(bun) = bun else {
        println!("{} Bun does not take part", paint::red("✗"));
        return ExitCode::FAILURE;
    };
    let ours = ratio_of(&turns[0].samples, &bun.samples, |sample| sample.cpu_us);
    let (mark, code) = if ours <= limit {
        (paint::green("✓"), ExitCode::SUCCESS)
    } else {
        (paint::red("✗"), ExitCode::FAILURE)
    };
    println!("{mark} {ours:.2} of Bun's CPU time per delivery, at most {limit} is asked");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let micros: Vec<u32> = (0..=100).map(|step| step * 1000).collect();
        assert!((percentile(&micros, 0.99) - 99.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_delivered_is_an_error_and_no_number() {
        let nothing = Heard::default();
        assert!(Sample::of(&nothing, 1.0, &nothing).is_err());
        let some = Heard {
            deliveries: 2,
            took: std::time::Duration::from_secs(1),
            latencies: vec![1000, 2000],
            in_order: true,
        };
        assert!(Sample::of(&some, 1.0, &some).is_ok());
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut turns = Turns::new(Kind::Ours);
        assert_eq!(turns.idle_columns(), ("-".to_owned(), "-".to_owned()));
        turns.idle = Some((3625.4, 5000));
        assert_eq!(turns.idle_columns(), ("3625".to_owned(), "5000".to_owned()));
    }
}
