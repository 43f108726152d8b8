//! Who answered how many requests: one bar each, and the same as a table.

use std::fmt::Write;

use super::{Report, escape};
use crate::report::units::millis;

const WIDTH: f64 = 760.0;
const ROW: f64 = 30.0;
const LEFT: f64 = 110.0;
const LONGEST: f64 = 520.0;

/// One bar of the chart.
struct Bar {
    class: String,
    name: String,
    count: u64,
}

/// The class that gives the `index`-th server its colour, here and in the other charts.
pub(super) fn class(index: usize) -> String {
    format!("s{}", index % 8)
}

fn bars(report: &Report) -> Vec<Bar> {
    let servers = report.servers.iter().enumerate();
    let mut bars: Vec<Bar> = servers
        .map(|(index, server)| Bar {
            class: class(index),
            name: format!("Server {}", server.id),
            count: server.count,
        })
        .collect();
    for (class, name, count) in [
        ("unknown", "no number", report.unknown),
        ("errors", "errors", report.failed()),
    ] {
        if count > 0 {
            bars.push(Bar {
                class: class.into(),
                name: name.into(),
                count,
            });
        }
    }
    bars
}

pub(super) fn chart(report: &Report) -> String {
    let bars = bars(report);
    let largest = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let height = ROW * bars.len() as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Answers per server\">\n"
    );
    for (index, bar) in bars.iter().enumerate() {
        let y = ROW * index as f64;
        let length = LONGEST * bar.count as f64 / largest as f64;
        let (text_y, number_x, name_x) = (y + 19.0, LEFT + length + 8.0, LEFT - 10.0);
        let share = bar.count as f64 / report.requests.max(1) as f64 * 100.0;
        let Bar { class, name, count } = bar;
        writeln!(
            svg,
            "<text x=\"{name_x}\" y=\"{text_y}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"20\" rx=\"2\"/>\
             <text x=\"{number_x:.1}\" y=\"{text_y}\">{count} ({share:.1} %)</text>",
            y + 4.0
        )
        .expect("a String takes everything");
    }
    svg + "</svg>\n"
}

pub(super) fn table(report: &Report) -> String {
    let rows = report.servers.iter().map(|server| {
        let latency = &server.latency;
        let figures = [latency.p50_ms, latency.p99_ms, latency.max_ms]
            .map(|ms| format!("<td>{}</td>", millis(ms)));
        let (id, count, share) = (server.id, server.count, server.share * 100.0);
        format!(
            "<tr><th scope=\"row\">Server {id}</th><td>{count}</td><td>{share:.1} %</td>{}</tr>\n",
            figures.concat()
        )
    });
    let rows: String = rows.collect();
    let unknown = match &report.unknown_sample {
        Some(sample) => format!(
            "<p>Answers without a server's number looked like <code>{}</code></p>\n",
            escape(sample)
        ),
        None => String::new(),
    };
    if rows.is_empty() {
        return unknown;
    }
    let head = "<th></th><th>answers</th><th>share</th><th>p50</th><th>p99</th><th>max</th>";
    format!("<table>\n<tr>{head}</tr>\n{rows}</table>\n{unknown}")
}
