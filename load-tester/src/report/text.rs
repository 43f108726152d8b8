//! The report for a terminal: the module's map first, then everything else.

use std::fmt::{self, Write};

use super::{
    Latency, Report,
    bars::bar,
    units::{bytes, counted, millis},
};

/// The whole report, ending with a line end.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    write(&mut out, report).expect("a String takes everything");
    out
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "{}", report.map())?;
    writeln!(out)?;
    writeln!(
        out,
        "{} to {} in {:.2} s: {:.0} a second, {}, {} received",
        counted(report.requests, "request"),
        report.target,
        report.seconds,
        report.requests_per_second,
        counted(report.connections_opened, "connection"),
        bytes(report.bytes_received),
    )?;
    shares(out, report)?;
    latencies(out, report)?;
    errors(out, report)?;
    if report.retries > 0 {
        let times = counted(report.retries, "time");
        writeln!(
            out,
            "\nSent again {times}: the server had just closed the connection it kept."
        )?;
    }
    Ok(())
}

fn shares(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out)?;
    let all = report.requests.max(1) as f64;
    for server in &report.servers {
        let name = format!("Server {}", server.id);
        let latency = format!(
            "p50 {:>8}  p99 {:>8}",
            millis(server.latency.p50_ms),
            millis(server.latency.p99_ms)
        );
        share_line(out, &name, server.share, server.count, &latency)?;
    }
    if report.unknown > 0 {
        share_line(
            out,
            "no number",
            report.unknown as f64 / all,
            report.unknown,
            &sample(report),
        )?;
    }
    if report.failed() > 0 {
        share_line(
            out,
            "errors",
            report.failed() as f64 / all,
            report.failed(),
            "",
        )?;
    }
    Ok(())
}

fn share_line(out: &mut String, name: &str, share: f64, count: u64, rest: &str) -> fmt::Result {
    let line = format!(
        "  {name:<10} {} {:>5.1} % {count:>8}   {rest}",
        bar(share),
        share * 100.0
    );
    writeln!(out, "{}", line.trim_end())
}

fn sample(report: &Report) -> String {
    let sample: String = report
        .unknown_sample
        .iter()
        .flat_map(|text| text.chars())
        .take(40)
        .collect();
    format!("answers like {sample:?}")
}

fn latencies(out: &mut String, report: &Report) -> fmt::Result {
    if report.latency.count == 0 {
        return Ok(());
    }
    let head = ["p50", "p90", "p95", "p99", "p99.9", "max"]
        .map(|name| format!("{name:>9}"))
        .concat();
    writeln!(out, "\n  {:<11}{head}", "latency")?;
    match &report.latency_uncorrected {
        None => latency_line(out, "", &report.latency),
        Some(uncorrected) => {
            latency_line(out, "corrected", &report.latency)?;
            latency_line(out, "uncorrected", uncorrected)?;
            writeln!(
                out,
                "  Corrected counts from when a request was due, uncorrected from when it could be sent."
            )
        }
    }
}

fn latency_line(out: &mut String, name: &str, latency: &Latency) -> fmt::Result {
    let Latency {
        p50_ms,
        p90_ms,
        p95_ms,
        p99_ms,
        p99_9_ms,
        max_ms,
        ..
    } = *latency;
    let figures =
        [p50_ms, p90_ms, p95_ms, p99_ms, p99_9_ms, max_ms].map(|ms| format!("{:>9}", millis(ms)));
    writeln!(out, "  {name:<11}{}", figures.concat())
}

fn errors(out: &mut String, report: &Report) -> fmt::Result {
    if report.errors.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  errors")?;
    for group in &report.errors {
        writeln!(out, "  {:>8}  {}", group.count, group.reason)?;
        writeln!(out, "            {}", group.hint)?;
    }
    Ok(())
}
