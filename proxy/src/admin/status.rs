//! `GET /api/status`: one JSON document, its schema below. Fields may be added; those here stay as they are.
//!
//! Times are UTC (`2026-11-23T18:30:00Z`), latencies milliseconds until the response's first byte, counts are since
//! the start and survive a reload. A peer's `state` is `up`, `unavailable` (it failed; tried again after `until`),
//! `down` (by configuration or order), `draining` (by configuration or order), `unresolved` (its name has no
//! address), `checking` (no active check has come to an end yet) or `unhealthy` (an active check failed); `why` says it in words.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Sources;
use super::counters::Tally;
use super::load::LoadReport;
use super::services::{Service, running};
use crate::limit::{self, ZoneReport};
use crate::upstream::{PeerReport, Snapshot, State, Upstream};
use crate::{cache, clock};

#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    started: String,
    uptime_seconds: u64,
    generation: u64,
    loaded: String,
    requests: u64,
    /// To clients, by class.
    responses: BTreeMap<String, u64>,
    connections: Connections,
    upgrades: Upgrades,
    tls: Tls,
    workers: Vec<Worker>,
    load: LoadReport,
    services: Vec<Service>,
    upstreams: Vec<UpstreamStatus>,
    caches: Vec<CacheStatus>,
    limits: Vec<LimitStatus>,
}

#[derive(Debug, Serialize)]
struct Connections {
    active: u64,
    accepted: u64,
}

/// Connections that went on as something else after `101`.
#[derive(Debug, Serialize)]
struct Upgrades {
    open: u64,
    total: u64,
}

/// Handshakes with clients by version, and how many took an old session up; connections that speak HTTP/2.
#[derive(Debug, Serialize)]
struct Tls {
    #[serde(rename = "TLSv1.2")]
    tls12: u64,
    #[serde(rename = "TLSv1.3")]
    tls13: u64,
    resumed: u64,
    http2: u64,
}

#[derive(Debug, Serialize)]
struct Worker {
    requests: u64,
    connections: Connections,
}

#[derive(Debug, Serialize)]
struct UpstreamStatus {
    name: String,
    method: &'static str,
    requests: u64,
    /// The index of the peer that owns each of so many equal parts (`hash ... consistent`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ring: Vec<usize>,
    peers: Vec<PeerStatus>,
}

#[derive(Debug, Serialize)]
struct CacheStatus {
    name: String,
    folder: String,
    /// Its folder is still being read after the start.
    loading: bool,
    entries: u64,
    size: u64,
    max_size: Option<u64>,
    /// By `$upstream_cache_status`, in lower case.
    answers: BTreeMap<String, u64>,
    bytes: BTreeMap<String, u64>,
    hit_percent: f64,
}

/// A zone of `limit_req` or `limit_conn`, with nginx's words for what it decided.
#[derive(Debug, Serialize)]
struct LimitStatus {
    name: String,
    kind: &'static str,
    keys: usize,
    most_keys: usize,
    /// Requests or connections in the fullest buckets, and how many a bucket holds before it is full.
    levels: Vec<f64>,
    capacity: f64,
    passed: u64,
    delayed: u64,
    rejected: u64,
    delayed_dry_run: u64,
    rejected_dry_run: u64,
}

#[derive(Debug, Serialize)]
struct PeerStatus {
    /// As written in the configuration.
    name: String,
    address: Option<String>,
    state: State,
    why: Option<String>,
    since: Option<String>,
    until: Option<String>,
    weight: u32,
    backup: bool,
    in_flight: u64,
    /// Tries that were sent here; a retried request counts at each peer it reached.
    requests: u64,
    fails: u64,
    /// Of the requests of its upstream.
    share_percent: f64,
    responses: BTreeMap<String, u64>,
    bytes: u64,
    latency_ms: Latency,
    /// What the weights promise, among those that take requests now.
    promised_percent: f64,
    /// The balancer's own memory: the weight after failures, and whose turn it is.
    effective_weight: i64,
    current_weight: i64,
    max_conns: u64,
    /// Where the configuration has a `health_check` for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    health_checks: Option<HealthChecks>,
}

#[derive(Debug, Serialize)]
struct HealthChecks {
    checks: u64,
    fails: u64,
    unhealthy: u64,
    last_passed: Option<bool>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// What a change answers with: the upstream as `/api/status` shows it.
pub(super) fn of_upstream(
    upstream: &Upstream,
    steady: Instant,
    wall: SystemTime,
) -> impl Serialize {
    upstream_status(upstream, Moment { steady, wall })
}

/// A moment on both clocks: what happened is known by the steady one, and shown by the wall's.
#[derive(Debug, Clone, Copy)]
struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Status {
    pub(super) fn new(sources: &Sources, steady: Instant, wall: SystemTime) -> Self {
        let view = (sources.view)();
        let moment = Moment { steady, wall };
        let total = sources.counters.total();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started: utc(sources.started),
            uptime_seconds: wall
                .duration_since(sources.started)
                .unwrap_or_default()
                .as_secs(),
            generation: view.generation,
            loaded: utc(view.loaded),
            requests: total.requests,
            responses: by_class(total.responses),
            connections: connections(total),
            upgrades: Upgrades {
                open: total.tunnels,
                total: total.upgrades,
            },
            tls: Tls {
                tls12: total.tls12,
                tls13: total.tls13,
                resumed: total.resumed,
                http2: total.http2,
            },
            load: sources.load.report(),
            workers: sources.counters.tallies().map(worker).collect(),
            services: running(&view.ports, |name| std::env::var(name).ok()),
            upstreams: view
                .upstreams
                .iter()
                .map(|upstream| upstream_status(upstream, moment))
                .collect(),
            limits: view
                .limits
                .reports(limit::now_ms())
                .into_iter()
                .map(limit_status)
                .collect(),
            caches: view
                .caches
                .iter()
                .map(|zone| cache(zone.report()))
                .collect(),
        }
    }
}

fn worker(tally: Tally) -> Worker {
    Worker {
        requests: tally.requests,
        connections: connections(tally),
    }
}

fn connections(tally: Tally) -> Connections {
    Connections {
        active: tally.active,
        accepted: tally.accepted,
    }
}

fn by_class(counts: [u64; 5]) -> BTreeMap<String, u64> {
    let class = |(class, count)| (format!("{class}xx"), count);
    (1..).zip(counts).map(class).collect()
}

fn upstream_status(upstream: &Upstream, moment: Moment) -> UpstreamStatus {
    let report = upstream.report();
    let requests = report.peers.iter().map(|peer| peer.requests).sum();
    let promised = promised_percent(&report.peers);
    let peers = report
        .peers
        .into_iter()
        .zip(promised)
        .map(|(peer, promised)| peer_status(peer, requests, promised, moment))
        .collect();
    UpstreamStatus {
        name: report.name,
        method: report.method,
        requests,
        ring: report.ring,
        peers,
    }
}

fn peer_status(peer: PeerReport, of: u64, promised_percent: f64, moment: Moment) -> PeerStatus {
    PeerStatus {
        name: peer.name,
        address: peer.address,
        state: peer.condition.state,
        why: peer.condition.why,
        since: peer.condition.since.map(|at| moment.utc(at)),
        until: peer.condition.until.map(|at| moment.utc(at)),
        weight: peer.weight,
        effective_weight: peer.effective_weight,
        current_weight: peer.current_weight,
        max_conns: peer.max_conns,
        backup: peer.backup,
        in_flight: peer.in_flight,
        requests: peer.requests,
        fails: peer.fails,
        share_percent: share_percent(peer.requests, of),
        promised_percent,
        responses: by_class(peer.responses),
        bytes: peer.bytes,
        latency_ms: latency(&peer.latency),
        health_checks: peer.checks.map(|checks| HealthChecks {
            checks: checks.checks,
            fails: checks.fails,
            unhealthy: checks.unhealthy,
            last_passed: checks.last_passed,
            next: checks.next.map(|at| moment.utc(at)),
        }),
    }
}

fn cache(report: cache::Report) -> CacheStatus {
    let by_status = |value: fn(&cache::Served) -> u64| {
        let served = report.served.iter();
        served
            .map(|served| (served.status.as_str().to_ascii_lowercase(), value(served)))
            .collect()
    };
    let from_cache = report
        .served
        .iter()
        .filter(|served| served.status.is_stored());
    let hits = from_cache.map(|served| served.answers).sum();
    let all = report.served.iter().map(|served| served.answers).sum();
    CacheStatus {
        answers: by_status(|served| served.answers),
        bytes: by_status(|served| served.bytes),
        hit_percent: share_percent(hits, all),
        name: report.name,
        folder: report.folder,
        loading: report.cold,
        entries: report.entries,
        size: report.size,
        max_size: report.max_size,
    }
}

fn limit_status(zone: ZoneReport) -> LimitStatus {
    let [passed, delayed, rejected, delayed_dry_run, rejected_dry_run] = zone.verdicts;
    LimitStatus {
        name: zone.name,
        kind: zone.kind,
        keys: zone.keys,
        most_keys: zone.most_keys,
        levels: zone.levels,
        capacity: zone.capacity,
        passed,
        delayed,
        rejected,
        delayed_dry_run,
        rejected_dry_run,
    }
}

/// By weight among the peers that are up; backups are promised something only when no other is.
pub(super) fn promised_percent(peers: &[PeerReport]) -> Vec<f64> {
    let is_up = |peer: &&PeerReport| peer.condition.state == State::Up;
    let on_backup = !peers.iter().filter(is_up).any(|peer| !peer.backup);
    let weight = |peer: &PeerReport| {
        let takes = is_up(&peer) && peer.backup == on_backup;
        if takes { u64::from(peer.weight) } else { 0 }
    };
    let total = peers.iter().map(weight).sum();
    let share = |peer| share_percent(weight(peer), total);
    peers.iter().map(share).collect()
}

/// With one decimal, as people read it.
pub(super) fn share_percent(requests: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        (requests as f64 / of as f64 * 1000.0).round() / 10.0
    }
}

fn latency(snapshot: &Snapshot) -> Latency {
    let ms = |percent| {
        snapshot
            .percentile(percent)
            .map(|latency| latency.as_micros() as f64 / 1000.0)
    };
    Latency {
        p50: ms(50.0),
        p95: ms(95.0),
        p99: ms(99.0),
    }
}

impl Moment {
    fn utc(self, at: Instant) -> String {
        let (ago, ahead) = (
            self.steady.saturating_duration_since(at),
            at.saturating_duration_since(self.steady),
        );
        utc(self.wall.checked_sub(ago).unwrap_or(UNIX_EPOCH) + ahead)
    }
}

fn utc(time: SystemTime) -> String {
    clock::utc(
        time.duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_steady_clock_knows_is_shown_by_the_wall() {
        let steady = Instant::now() + Duration::from_secs(100);
        let moment = Moment {
            steady,
            wall: UNIX_EPOCH + Duration::from_secs(1_000),
        };
        assert_eq!(
            moment.utc(steady - Duration::from_secs(40)),
            "1970-01-01T00:16:00Z"
        );
        assert_eq!(
            moment.utc(steady + Duration::from_secs(20)),
            "1970-01-01T00:17:00Z"
        );
    }

    #[test]
    fn shares_have_one_decimal() {
        assert_eq!(
            [
                share_percent(1, 3),
                share_percent(2, 3),
                share_percent(0, 0)
            ],
            [33.3, 66.7, 0.0]
        );
    }
}
