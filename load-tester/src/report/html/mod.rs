//! The report as one page that needs nothing else: figures as tables, charts as inline SVG, light and dark.

mod over_time;
mod percentiles;
mod plot;
mod shares;

use super::{
    Latency, Report,
    units::{bytes, counted, millis},
};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn render(report: &Report) -> String {
    let target = escape(&report.target);
    let sections = [
        section(
            "Who answered",
            &shares::chart(report),
            &shares::table(report),
        ),
        section(
            "How fast",
            &percentiles::chart(report),
            &latency_table(report),
        ),
        section(
            &format!("Answers {}", over_time::slice(report)),
            &over_time::answers(report),
            "",
        ),
        section(
            "The slowest request at each moment",
            &over_time::slowest(report),
            "",
        ),
        errors(report),
    ];
    // The policy makes the promise of the first line one that the browser keeps.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Load on {target}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Load on <code>{target}</code></h1>\n<p class=\"map\"><code>{map}</code></p>\n<p>{summary}</p>\n\
         {sections}</main>\n</body>\n</html>\n",
        map = escape(&report.map()),
        summary = escape(&summary(report)),
        sections = sections.concat(),
    )
}

fn summary(report: &Report) -> String {
    let pace = match report.rate {
        Some(rate) => format!(
            "{rate} a second were due, {:.0} a second were answered",
            report.requests_per_second
        ),
        None => format!("{:.0} a second", report.requests_per_second),
    };
    format!(
        "{} in {:.2} s: {pace}; at most {} at the same time, {} received.",
        counted(report.requests, &format!("{} request", report.method)),
        report.seconds,
        counted(report.connections as u64, "connection"),
        bytes(report.bytes_received),
    )
}

fn section(title: &str, chart: &str, table: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{chart}{table}</section>\n")
}

fn latency_table(report: &Report) -> String {
    let row = |name: &str, latency: &Latency| {
        let Latency {
            p50_ms,
            p90_ms,
            p95_ms,
            p99_ms,
            p99_9_ms,
            max_ms,
            ..
        } = *latency;
        let cells = [p50_ms, p90_ms, p95_ms, p99_ms, p99_9_ms, max_ms]
            .map(|ms| format!("<td>{}</td>", millis(ms)));
        format!("<tr><th scope=\"row\">{name}</th>{}</tr>\n", cells.concat())
    };
    let rows = match &report.latency_uncorrected {
        None => row("latency", &report.latency),
        Some(uncorrected) => row("corrected", &report.latency) + &row("uncorrected", uncorrected),
    };
    let note = match report.latency_uncorrected {
        None => "",
        Some(_) => {
            "<p>Corrected counts from when a request was due; uncorrected from when it could be sent, and so leaves out \
             the time that requests waited behind a stall.</p>\n"
        }
    };
    let head =
        "<th></th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th>";
    format!("<table>\n<tr>{head}</tr>\n{rows}</table>\n{note}")
}

fn errors(report: &Report) -> String {
    if report.errors.is_empty() {
        return String::new();
    }
    let rows = report.errors.iter().map(|group| {
        let (reason, hint) = (escape(&group.reason), escape(&group.hint));
        format!(
            "<tr><td>{}</td><th scope=\"row\">{reason}</th><td class=\"text\">{hint}</td></tr>\n",
            group.count
        )
    });
    section(
        "Errors",
        "",
        &format!("<table>\n{}</table>\n", rows.collect::<String>()),
    )
}

/// Servers decide some of what stands on this page; none of it may become markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_a_server_says_becomes_markup() {
        assert_eq!(
            super::escape("<b a='\"'>&"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;"
        );
    }
}
