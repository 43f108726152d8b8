//! How many requests took how long: the further right, the rarer. With a rate, the corrected and the uncorrected line
//! part where the server stalled.

use super::{
    Latency, Report,
    plot::{Plot, legend},
};
use crate::report::units::millis;

/// 99.99 is four decades from zero, and the slowest request comes after it.
const DECADES: f64 = 4.5;

pub(super) fn chart(report: &Report) -> String {
    let uncorrected = report.latency_uncorrected.as_ref();
    let largest = uncorrected
        .map_or(0.0, |latency| latency.max_ms)
        .max(report.latency.max_ms);
    let mut plot = Plot::new("Latency by percentile", largest, millis);
    for (percentile, label) in [
        (0.0, "0"),
        (50.0, "50"),
        (90.0, "90"),
        (99.0, "99"),
        (99.9, "99.9"),
        (99.99, "99.99 %"),
        (100.0, "max"),
    ] {
        plot.label_below(position(percentile), label);
    }
    let mut entries = vec![("s0".to_owned(), "latency by percentile".to_owned())];
    if let Some(uncorrected) = uncorrected {
        plot.line("s1", &points(uncorrected));
        entries = vec![
            ("s0".into(), "corrected".into()),
            ("s1".into(), "uncorrected".into()),
        ];
    }
    plot.line("s0", &points(&report.latency));
    plot.finish() + &legend(&entries)
}

fn points(latency: &Latency) -> Vec<(f64, f64)> {
    latency
        .curve
        .iter()
        .map(|point| (position(point.percentile), point.ms))
        .collect()
}

fn position(percentile: f64) -> f64 {
    if percentile >= 100.0 {
        1.0
    } else {
        (100.0 / (100.0 - percentile)).log10() / DECADES
    }
}
