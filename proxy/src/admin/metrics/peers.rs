//! What each peer of an upstream counts.

use std::collections::HashMap;

use super::{Page, escaped};
use crate::admin::status::{promised_percent, share_percent};
use crate::upstream::{ChecksReport, PeerReport, State, UpstreamReport};

/// The histogram's limits are powers of two of microseconds, from 128 us to 8 s: buckets that we keep end there, so
/// every count is exact.
const POWERS: std::ops::RangeInclusive<u32> = 7..=23;

/// A peer, and the labels that all its samples carry.
struct Labelled {
    labels: String,
    /// In percent, as the status API has it.
    promised: f64,
    /// Of `hash ... consistent`, in percent; none with another method.
    ring: Option<f64>,
    peer: PeerReport,
}

/// All families of the peers of all upstreams.
pub(super) fn write(page: &mut Page, reports: impl Iterator<Item = UpstreamReport>) {
    let peers: Vec<_> = reports.flat_map(labelled).collect();
    peer_counts(page, &peers);
    peer_shares(page, &peers);
    peer_turns(page, &peers);
    peer_checks(page, &peers);
    peer_responses(page, &peers);
    peer_latencies(page, &peers);
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

fn peer_shares(page: &mut Page, peers: &[Labelled]) {
    let promised = peers.iter().map(|one| (&one.labels, one.promised));
    page.family(
        "proxy_upstream_peer_promised_percent",
        "gauge",
        "What the weight promises, in percent.",
        promised,
    );
    let owns = |one: &'_ Labelled| Some((one.labels.clone(), one.ring?));
    let mut owners = peers.iter().filter_map(owns).peekable();
    if owners.peek().is_some() {
        page.family(
            "proxy_upstream_peer_ring_percent",
            "gauge",
            "What the peer owns of the ring, in percent.",
            owners,
        );
    }
}

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
        let turns = peers.iter().map(|one| (&one.labels, value(&one.peer)));
        page.family(&name, "gauge", help, turns);
    }
}

/// Of peers with active checks only.
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
    for Labelled { labels, peer, .. } in peers {
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

/// Two `server` lines may be the same word for word; the format wants every label set once, so the second is `name#2`.
fn labelled(report: UpstreamReport) -> Vec<Labelled> {
    let mut seen: HashMap<(String, Option<String>), u32> = HashMap::new();
    let promised = promised_percent(&report.peers);
    let ring = |index| {
        let owned = report.ring.iter().filter(|&&owner| owner == index).count();
        (!report.ring.is_empty()).then(|| share_percent(owned as u64, report.ring.len() as u64))
    };
    let label = |(index, (peer, promised)): (usize, (PeerReport, f64))| {
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
        Labelled {
            labels,
            promised,
            ring: ring(index),
            peer,
        }
    };
    let peers = report.peers.into_iter().zip(promised).enumerate();
    peers.map(label).collect()
}
