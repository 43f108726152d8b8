//! What the status API and the metrics say about peers: a copy of the numbers at one moment, with the reason in words.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::health::Health;
use super::orders::Order;
use super::peer::Peer;
use super::verdict::{Standing, Verdict};
use super::{Snapshot, Upstream};

/// A circle of so many parts is drawn.
const RING_PARTS: usize = 120;

#[derive(Debug)]
pub(crate) struct UpstreamReport {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    /// Whose is each of the equal parts of the ring, by index in `peers`; empty without a ring.
    pub(crate) ring: Vec<usize>,
    pub(crate) peers: Vec<PeerReport>,
}

#[derive(Debug)]
pub(crate) struct PeerReport {
    pub(crate) name: String,
    pub(crate) address: Option<String>,
    pub(crate) condition: Condition,
    pub(crate) weight: u32,
    /// As the balancer has them now.
    pub(crate) effective_weight: i64,
    pub(crate) current_weight: i64,
    pub(crate) max_conns: u64,
    pub(crate) backup: bool,
    pub(crate) in_flight: u64,
    pub(crate) requests: u64,
    pub(crate) fails: u64,
    /// 1xx to 5xx.
    pub(crate) responses: [u64; 5],
    pub(crate) bytes: u64,
    pub(crate) latency: Snapshot,
    /// Of a peer with active checks.
    pub(crate) checks: Option<ChecksReport>,
}

/// The active checks of a peer, all together.
#[derive(Debug)]
pub(crate) struct ChecksReport {
    pub(crate) checks: u64,
    pub(crate) fails: u64,
    /// How often it was found unhealthy.
    pub(crate) unhealthy: u64,
    /// `None` before the first has come to an end.
    pub(crate) last_passed: Option<bool>,
    pub(crate) next: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Up,
    /// It failed; after `until` one request will try it.
    Unavailable,
    /// The configuration or the status API says `down`.
    Down,
    /// The status API says so: it finishes what it has.
    Draining,
    /// Its name has no address.
    Unresolved,
    /// No active check has come to an end yet (`mandatory`).
    Checking,
    /// An active check failed.
    Unhealthy,
}

/// A state, and why it is so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) state: State,
    pub(crate) why: Option<String>,
    pub(crate) since: Option<Instant>,
    pub(crate) until: Option<Instant>,
}

impl Upstream {
    pub(crate) fn report(&self) -> UpstreamReport {
        let (alone, method, lines, weights, ring) = {
            let roster = self.roster();
            let lines = roster.lines().to_vec();
            let weights = |peer| roster.weights(peer);
            let weights: Vec<_> = lines.iter().flatten().map(weights).collect();
            let ring = roster.ring(RING_PARTS);
            (roster.is_alone(), roster.method(), lines, weights, ring)
        };
        let peers: Vec<_> = lines.iter().flatten().collect();
        let index = |owner: &Arc<Peer>| peers.iter().position(|peer| Arc::ptr_eq(peer, owner));
        UpstreamReport {
            name: self.name.clone(),
            method: method.directive(),
            ring: ring.iter().filter_map(index).collect(),
            peers: peers
                .iter()
                .zip(weights)
                .map(|(peer, weights)| report(peer, alone, weights))
                .collect(),
        }
    }
}

fn report(peer: &Peer, alone: bool, (effective_weight, current_weight): (i64, i64)) -> PeerReport {
    let state = &peer.state;
    let health = state.health();
    PeerReport {
        name: peer.config.name.clone(),
        address: peer.address.as_ref().map(ToString::to_string),
        condition: condition(peer, alone, &health),
        checks: checks(health.verdicts()),
        weight: peer.weight(),
        effective_weight,
        current_weight,
        max_conns: peer.config.max_conns,
        backup: peer.backup,
        in_flight: state.in_flight.load(Relaxed),
        requests: state.requests.load(Relaxed),
        fails: state.fails.load(Relaxed),
        responses: state.responses.each_ref().map(|class| class.load(Relaxed)),
        bytes: state.bytes.load(Relaxed),
        latency: state.latency.snapshot(),
    }
}

fn checks(verdicts: &[Verdict]) -> Option<ChecksReport> {
    let sum = |number: fn(&Verdict) -> u64| verdicts.iter().map(number).sum::<u64>();
    let (checks, is_known) = (sum(|one| one.checks), !verdicts.is_empty());
    is_known.then(|| ChecksReport {
        checks,
        fails: sum(|one| one.fails),
        unhealthy: sum(|one| one.outages),
        last_passed: (checks > 0).then(|| verdicts.iter().all(|one| one.why.is_none())),
        next: verdicts.iter().filter_map(|one| one.next).min(),
    })
}

/// What the active checks have against it.
fn objection(verdict: &Verdict) -> Option<Condition> {
    let (state, why) = match verdict.standing {
        Standing::Healthy => return None,
        Standing::Checking => (State::Checking, "its first check is under way".to_owned()),
        Standing::Unhealthy => (State::Unhealthy, verdict.why.clone().unwrap_or_default()),
    };
    Some(Condition {
        state,
        why: Some(why),
        since: verdict.since,
        until: verdict.next,
    })
}

impl Upstream {
    /// Begins to count anew; health and requests in flight stay as they are.
    pub(crate) fn reset_counters(&self) {
        let lines = self.roster().lines().to_vec();
        for peer in lines.iter().flatten() {
            peer.state.reset_counters();
        }
    }
}

fn condition(peer: &Peer, alone: bool, health: &Health) -> Condition {
    let policy = peer.policy(alone);
    let outage = health.outage();
    let is = |state, why, since, until| Condition {
        state,
        why,
        since,
        until,
    };
    let ordered = |state, what: &str| is(state, Some(format!("{what} says so")), None, None);
    match peer.orders.state() {
        Some(Order::Down) => return ordered(State::Down, "the status API"),
        Some(Order::Drain) => return ordered(State::Draining, "the status API"),
        None if peer.config.down => return ordered(State::Down, "the configuration"),
        None if peer.config.drain => return ordered(State::Draining, "the configuration"),
        Some(Order::Up) | None => {}
    }
    let lasting = outage.filter(|outage| outage.back.is_none());
    if peer.address.is_none() {
        let why = lasting.map_or("not resolved yet", |outage| &outage.reason);
        return is(
            State::Unresolved,
            Some(why.to_owned()),
            lasting.map(|outage| outage.since),
            None,
        );
    }
    if let Some(objection) = health.verdicts().iter().find_map(objection) {
        return objection;
    }
    if let (Some(outage), 1..) = (lasting, policy.max_fails) {
        return is(
            State::Unavailable,
            Some(outage.reason.clone()),
            Some(outage.since),
            health.until(policy),
        );
    }
    if let (Some(failure), fails @ 1..) = (health.last_failure(), health.fails()) {
        let limit = match (alone, policy.max_fails) {
            (true, _) => "the only peer is never taken out".to_owned(),
            (_, 0) => "max_fails=0 never takes it out".to_owned(),
            (_, max_fails) => format!("{max_fails} take it out"),
        };
        let failures = if fails == 1 { "failure" } else { "failures" };
        return is(
            State::Up,
            Some(format!("{fails} {failures}, last: {failure}; {limit}")),
            None,
            None,
        );
    }
    match outage.and_then(|outage| Some((outage, outage.back?))) {
        Some((outage, back)) => {
            let out_for = back.saturating_duration_since(outage.since).as_secs();
            is(
                State::Up,
                Some(format!("back after {out_for}s ({})", outage.reason)),
                Some(back),
                None,
            )
        }
        None => is(State::Up, None, None, None),
    }
}
