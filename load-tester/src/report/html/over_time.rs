//! The run from beginning to end: who answered when, and how slow the slowest request of each moment was.

use super::{
    Report,
    plot::{Plot, legend},
    shares,
};
use crate::report::{Moment, units::millis};

/// Answers per moment, servers on top of each other.
pub(super) fn answers(report: &Report) -> String {
    let total =
        |moment: &Moment| moment.servers.iter().sum::<u64>() + moment.unknown + moment.errors;
    let largest = report.timeline.iter().map(total).max().unwrap_or(0);
    let mut plot = Plot::new("Answers over time, per server", largest as f64, |value| {
        format!("{value:.0}")
    });
    let mut entries: Vec<_> = (report.servers.iter().enumerate())
        .map(|(index, server)| (shares::class(index), format!("Server {}", server.id)))
        .collect();
    entries.extend([
        ("unknown".into(), "no number".into()),
        ("errors".into(), "errors".into()),
    ]);
    for (index, moment) in report.timeline.iter().enumerate() {
        let mut base = 0.0;
        let counts = moment
            .servers
            .iter()
            .copied()
            .chain([moment.unknown, moment.errors]);
        for ((class, name), count) in entries.iter().zip(counts).filter(|(_, count)| *count > 0) {
            let tooltip = format!("{} from {:.3} s: {count}", name, moment.at_seconds);
            plot.column(class, span(report, index), base, count as f64, &tooltip);
            base += count as f64;
        }
    }
    time_axis(&mut plot, report);
    entries.retain(|(class, _)| match class.as_str() {
        "unknown" => report.unknown > 0,
        "errors" => report.failed() > 0,
        _ => true,
    });
    plot.finish() + &legend(&entries)
}

/// A stall is a tooth here, whatever the percentiles say.
pub(super) fn slowest(report: &Report) -> String {
    let largest = report
        .timeline
        .iter()
        .map(|moment| moment.slowest_ms)
        .fold(0.0, f64::max);
    let mut plot = Plot::new("The slowest request over time", largest, millis);
    for (index, moment) in report
        .timeline
        .iter()
        .enumerate()
        .filter(|(_, moment)| moment.slowest_ms > 0.0)
    {
        let tooltip = format!(
            "from {:.3} s: {}",
            moment.at_seconds,
            millis(moment.slowest_ms)
        );
        plot.column("s0", span(report, index), 0.0, moment.slowest_ms, &tooltip);
    }
    time_axis(&mut plot, report);
    plot.finish()
}

/// How long one column is, in words.
pub(super) fn slice(report: &Report) -> String {
    match report.timeline.get(1) {
        Some(second) => format!("every {:.0} ms", second.at_seconds * 1e3),
        None => "over time".into(),
    }
}

fn span(report: &Report, index: usize) -> [f64; 2] {
    let count = report.timeline.len().max(1) as f64;
    [index as f64 / count, (index + 1) as f64 / count]
}

fn time_axis(plot: &mut Plot, report: &Report) {
    let count = report.timeline.len();
    for quarter in 0..4 {
        let index = count * quarter / 4;
        if let Some(moment) = report.timeline.get(index)
            && (quarter == 0 || index > 0)
        {
            let text = millis(moment.at_seconds * 1e3);
            plot.label_below(span(report, index)[0], &text);
        }
    }
}
