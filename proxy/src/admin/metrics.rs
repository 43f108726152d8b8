//! `GET /metrics`: the same numbers in Prometheus' text format (version 0.0.4).
//!
//! The format wants the samples of one family in one block under its HELP and TYPE; so a family is one call.

mod peers;

use std::fmt::{Display, Write};
use std::time::UNIX_EPOCH;

use super::Sources;
use super::counters::Tally;
use crate::cache;
use crate::limit::{self, ZoneReport};

#[derive(Default)]
struct Page(String);

pub(super) fn write(sources: &Sources) -> String {
    let view = (sources.view)();
    let mut page = Page::default();
    let started = sources
        .started
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    page.family(
        "proxy_build_info",
        "gauge",
        "The version that runs.",
        [(version, 1)],
    );
    page.family(
        "process_start_time_seconds",
        "gauge",
        "Start, in seconds since 1970.",
        [("", started)],
    );
    let help = "1 at the start, one more with each reload.";
    page.family(
        "proxy_config_generation",
        "gauge",
        help,
        [("", view.generation)],
    );
    workers(&mut page, sources);
    answers(&mut page, &sources.counters.total());
    let upstreams = view.upstreams.iter();
    peers::write(&mut page, upstreams.map(|upstream| upstream.report()));
    let caches: Vec<_> = view.caches.iter().map(|zone| zone.report()).collect();
    let limits = view.limits.reports(limit::now_ms());
    if !limits.is_empty() {
        limit_counts(&mut page, &limits);
    }
    if !caches.is_empty() {
        cache_counts(&mut page, &caches);
    }
    page.0
}

fn workers(page: &mut Page, sources: &Sources) {
    let tallies: Vec<_> = sources
        .counters
        .tallies()
        .enumerate()
        .map(|(n, tally)| (format!("worker=\"{n}\""), tally))
        .collect();
    let samples = |value: fn(&Tally) -> u64| {
        tallies
            .iter()
            .map(move |(labels, tally)| (labels, value(tally)))
    };
    let help = "Connections that clients opened.";
    page.family(
        "proxy_connections_accepted_total",
        "counter",
        help,
        samples(|tally| tally.accepted),
    );
    page.family(
        "proxy_connections_active",
        "gauge",
        "Open connections of clients.",
        samples(|tally| tally.active),
    );
    page.family(
        "proxy_requests_total",
        "counter",
        "Requests of clients.",
        samples(|tally| tally.requests),
    );
    page.family(
        "proxy_tunnels_open",
        "gauge",
        "Upgraded connections that are open.",
        samples(|tally| tally.tunnels),
    );
    page.family(
        "proxy_upgrades_total",
        "counter",
        "Connections that were upgraded (101).",
        samples(|tally| tally.upgrades),
    );
    page.family(
        "proxy_http2_connections_total",
        "counter",
        "Connections of clients that speak HTTP/2.",
        samples(|tally| tally.http2),
    );
    page.family(
        "proxy_tls_resumed_total",
        "counter",
        "Handshakes that took an old session up.",
        samples(|tally| tally.resumed),
    );
}

fn answers(page: &mut Page, total: &Tally) {
    let classes = (1..).zip(total.responses);
    page.family(
        "proxy_responses_total",
        "counter",
        "Answers to clients by class of status.",
        classes.map(|(class, n)| (format!("class=\"{class}xx\""), n)),
    );
    page.family(
        "proxy_tls_handshakes_total",
        "counter",
        "Handshakes with clients by version.",
        [
            ("version=\"TLSv1.2\"", total.tls12),
            ("version=\"TLSv1.3\"", total.tls13),
        ],
    );
}

fn limit_counts(page: &mut Page, zones: &[ZoneReport]) {
    let labels =
        |zone: &ZoneReport| format!("zone=\"{}\",kind=\"{}\"", escaped(&zone.name), zone.kind);
    let help = "Keys that a zone of limit_req or limit_conn remembers.";
    let keys = zones.iter().map(|zone| (labels(zone), zone.keys as u64));
    page.family("proxy_limit_keys", "gauge", help, keys);
    let help = "Requests or connections in the fullest bucket.";
    let fullest = |zone: &ZoneReport| zone.levels.first().copied().unwrap_or(0.0);
    let levels = zones.iter().map(|zone| (labels(zone), fullest(zone)));
    page.family("proxy_limit_fullest", "gauge", help, levels);
    let help = "How many a bucket holds before it is full.";
    let capacities = zones.iter().map(|zone| (labels(zone), zone.capacity));
    page.family("proxy_limit_capacity", "gauge", help, capacities);
    let words = [
        "passed",
        "delayed",
        "rejected",
        "delayed_dry_run",
        "rejected_dry_run",
    ];
    let of_zone = |zone: &ZoneReport| {
        let labels = labels(zone);
        words
            .into_iter()
            .zip(zone.verdicts)
            .map(move |(word, n)| (format!("{labels},verdict=\"{word}\""), n))
    };
    let help = "What a zone decided.";
    page.family(
        "proxy_limit_verdicts_total",
        "counter",
        help,
        zones.iter().flat_map(of_zone),
    );
}

fn cache_counts(page: &mut Page, caches: &[cache::Report]) {
    let label = |report: &cache::Report| format!("cache=\"{}\"", escaped(&report.name));
    let samples = |value: fn(&cache::Report) -> u64| {
        caches
            .iter()
            .map(move |report| (label(report), value(report)))
    };
    let name = "proxy_cache_entries";
    page.family(
        name,
        "gauge",
        "Stored answers.",
        samples(|report| report.entries),
    );
    let name = "proxy_cache_size_bytes";
    page.family(
        name,
        "gauge",
        "What they take on disk.",
        samples(|report| report.size),
    );
    let by_status = |value: fn(&cache::Served) -> u64| {
        caches.iter().flat_map(move |report| {
            let of = move |served: &cache::Served| {
                let status = served.status.as_str().to_ascii_lowercase();
                (
                    format!("{},status=\"{status}\"", label(report)),
                    value(served),
                )
            };
            report.served.iter().map(of).collect::<Vec<_>>()
        })
    };
    let help = "Answers by what the cache had to do with them.";
    let name = "proxy_cache_answers_total";
    page.family(name, "counter", help, by_status(|served| served.answers));
    let help = "Bytes of the bodies of these answers.";
    let name = "proxy_cache_answer_bytes_total";
    page.family(name, "counter", help, by_status(|served| served.bytes));
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

impl Page {
    fn family<L: Display, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            self.sample(name, labels, value);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn sample(&mut self, name: impl Display, labels: impl Display, value: impl Display) {
        match labels.to_string() {
            empty if empty.is_empty() => self.line(format_args!("{name} {value}")),
            labels => self.line(format_args!("{name}{{{labels}}} {value}")),
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a String takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
