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
use super::services::{Service, running};
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
    connections: Connections,
    workers: Vec<Worker>,
    services: Vec<Service>,
    upstreams: Vec<UpstreamStatus>,
    caches: Vec<CacheStatus>,
}

#[derive(Debug, Serialize)]
struct Connections {
    active: u64,
    accepted: u64,
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
        let Tally {
            requests,
            active,
            accepted,
            ..
        } = sources.counters.total();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started: utc(sources.started),
            uptime_seconds: wall
                .duration_since(sources.started)
                .unwrap_or_default()
                .as_secs(),
            generation: view.generation,
            loaded: utc(view.loaded),
            requests,
            connections: Connections { active, accepted },
            workers: sources.counters.tallies().map(worker).collect(),
            services: running(&view.ports, |name| std::env::var(name).ok()),
            upstreams: view
                .upstreams
                .iter()
                .map(|upstream| upstream_status(upstream, moment))
                .collect(),
            caches: view
                .caches
                .iter()
                .map(|zone| cache(zone.report()))
                .collect(),
        }
    }
}

fn worker(
    Tally {
        requests,
        active,
        accepted,
        ..
    }: Tally,
) -> Worker {
    Worker {
        requests,
        connections: Connections { active, accepted },
    }
}

fn upstream_status(upstream: &Upstream, moment: Moment) -> UpstreamStatus {
    let report = upstream.report();
    let requests = report.peers.iter().map(|peer| peer.requests).sum();
    let peers = report
        .peers
        .into_iter()
        .map(|peer| peer_status(peer, requests, moment))
        .collect();
    UpstreamStatus {
        name: report.name,
        method: report.method,
        requests,
        peers,
    }
}

fn peer_status(peer: PeerReport, of: u64, moment: Moment) -> PeerStatus {
    let classes = (1..)
        .zip(peer.responses)
        .map(|(class, count)| (format!("{class}xx"), count));
    PeerStatus {
        name: peer.name,
        address: peer.address,
        state: peer.condition.state,
        why: peer.condition.why,
        since: peer.condition.since.map(|at| moment.utc(at)),
        until: peer.condition.until.map(|at| moment.utc(at)),
        weight: peer.weight,
        backup: peer.backup,
        in_flight: peer.in_flight,
        requests: peer.requests,
        fails: peer.fails,
        share_percent: share_percent(peer.requests, of),
        responses: classes.collect(),
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

/// With one decimal, as people read it.
fn share_percent(requests: u64, of: u64) -> f64 {
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
