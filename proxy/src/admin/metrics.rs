//! `GET /metrics`: the same numbers in Prometheus' text format (version 0.0.4).
//!
//! The format wants the samples of one family in one block under its HELP and TYPE; so a family is one call.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::time::UNIX_EPOCH;

use super::Sources;
use super::counters::Tally;
use crate::cache;
use crate::limit::ZoneReport;
use crate::upstream::{ChecksReport, PeerReport, State, UpstreamReport};

/// The histogram's limits are powers of two of microseconds, from 128 us to 8 s: buckets that we keep end there, so
/// every count is exact.
const POWERS: std::ops::RangeInclusive<u32> = 7..=23;

/// A peer, and the labels that all its samples carry.
struct Labelled {
    labels: String,
    peer: PeerReport,
}

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
    let peers: Vec<Labelled> = view
        .upstreams
        .iter()
        .flat_map(|upstream| labelled(upstream.report()))
        .collect();
    peer_counts(&mut page, &peers);
    peer_turns(&mut page, &peers);
    peer_checks(&mut page, &peers);
    peer_responses(&mut page, &peers);
    peer_latencies(&mut page, &peers);
    let caches: Vec<_> = view.caches.iter().map(|zone| zone.report()).collect();
    let limits = view.limits.reports();
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

fn peer_counts(page: &mut Page, peers: &[Labelled]) {
    let samples = |value: fn(&PeerReport) -> u64| {
        peers.iter().map(move |one| (&one.labels, value(&one.peer)))
    };
    let help = "1 while the peer takes requests, 0 while it is out, down, unhealthy or unresolved.";
    page.family(
        "proxy_upstream_peer_up",
        "gauge",
        help,
        samples(|peer| u64::from(peer.condition.state == State::Up)),
    );
    page.family(
        "proxy_upstream_peer_in_flight",
        "gauge",
        "Requests under way.",
        samples(|peer| peer.in_flight),
    );
    let help = "Weight, as written or as it was changed.";
    page.family(
        "proxy_upstream_peer_weight",
        "gauge",
        help,
        samples(|peer| u64::from(peer.weight)),
    );
    let help = "Tries that were sent to the peer.";
    page.family(
        "proxy_upstream_peer_requests_total",
        "counter",
        help,
        samples(|peer| peer.requests),
    );
    let help = "Tries that failed by the peer's fault.";
    page.family(
        "proxy_upstream_peer_fails_total",
        "counter",
        help,
        samples(|peer| peer.fails),
    );
    let help = "Bytes of the responses.";
    page.family(
        "proxy_upstream_peer_received_bytes_total",
        "counter",
        help,
        samples(|peer| peer.bytes),
    );
}

/// Of peers with active checks only.
/// The balancer's own memory, as the status API has it; a turn may be below zero.
fn peer_turns(page: &mut Page, peers: &[Labelled]) {
    type Turn = fn(&PeerReport) -> i64;
    let families: [(&str, &str, Turn); 2] = [
        ("effective", "Weight after failures.", |peer| {
            peer.effective_weight
        }),
        ("current", "Whose turn it is: the largest.", |peer| {
            peer.current_weight
        }),
    ];
    for (which, help, value) in families {
        let name = format!("proxy_upstream_peer_{which}_weight");
        page.head(&name, "gauge", help);
        for one in peers {
            page.sample(&name, &one.labels, value(&one.peer));
        }
    }
}

fn peer_checks(page: &mut Page, peers: &[Labelled]) {
    let samples = |value: fn(&ChecksReport) -> u64| {
        let of_peer = move |one: &Labelled| {
            let checks = one.peer.checks.as_ref()?;
            Some((one.labels.clone(), value(checks)))
        };
        peers.iter().filter_map(of_peer)
    };
    if samples(|checks| checks.checks).next().is_none() {
        return;
    }
    page.family(
        "proxy_upstream_peer_checks_total",
        "counter",
        "Active checks of the peer.",
        samples(|checks| checks.checks),
    );
    page.family(
        "proxy_upstream_peer_failed_checks_total",
        "counter",
        "Active checks that the peer did not pass.",
        samples(|checks| checks.fails),
    );
}

fn peer_responses(page: &mut Page, peers: &[Labelled]) {
    let of_peer = |one: &Labelled| {
        let labels = one.labels.clone();
        (1..)
            .zip(one.peer.responses)
            .map(move |(class, n)| (format!("{labels},class=\"{class}xx\""), n))
    };
    let help = "Responses by class of status.";
    page.family(
        "proxy_upstream_peer_responses_total",
        "counter",
        help,
        peers.iter().flat_map(of_peer),
    );
}

fn peer_latencies(page: &mut Page, peers: &[Labelled]) {
    let name = "proxy_upstream_peer_first_byte_seconds";
    page.head(
        name,
        "histogram",
        "Time until the first byte of the response.",
    );
    for Labelled { labels, peer } in peers {
        for power in POWERS {
            let limit = f64::from(1_u32 << power) / 1e6;
            let count = peer.latency.count_below_power(power);
            page.sample(
                format_args!("{name}_bucket"),
                format_args!("{labels},le=\"{limit}\""),
                count,
            );
        }
        let count = peer.latency.count();
        page.sample(
            format_args!("{name}_bucket"),
            format_args!("{labels},le=\"+Inf\""),
            count,
        );
        page.sample(
            format_args!("{name}_sum"),
            labels,
            peer.latency.sum.as_secs_f64(),
        );
        page.sample(format_args!("{name}_count"), labels, count);
    }
}

fn limit_counts(page: &mut Page, zones: &[ZoneReport]) {
    let labels =
        |zone: &ZoneReport| format!("zone=\"{}\",kind=\"{}\"", escaped(&zone.name), zone.kind);
    let help = "Keys that a zone of limit_req or limit_conn remembers.";
    let keys = zones.iter().map(|zone| (labels(zone), zone.keys as u64));
    page.family("proxy_limit_keys", "gauge", help, keys);
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

/// Two `server` lines may be the same word for word; the format wants every label set once, so the second is `name#2`.
fn labelled(report: UpstreamReport) -> Vec<Labelled> {
    let mut seen: HashMap<(String, Option<String>), u32> = HashMap::new();
    let label = |peer: PeerReport| {
        let times = seen
            .entry((peer.name.clone(), peer.address.clone()))
            .or_default();
        *times += 1;
        let suffix = if *times > 1 {
            format!("#{times}")
        } else {
            String::new()
        };
        let (upstream, name) = (escaped(&report.name), escaped(&peer.name));
        let address = escaped(peer.address.as_deref().unwrap_or_default());
        let labels =
            format!("upstream=\"{upstream}\",peer=\"{name}{suffix}\",address=\"{address}\"");
        Labelled { labels, peer }
    };
    report.peers.into_iter().map(label).collect()
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

impl Page {
    fn family<L: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, u64)>,
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
