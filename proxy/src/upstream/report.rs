//! What the status API and the metrics say about peers: a copy of the numbers at one moment, with the reason in words.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::health::Health;
use super::orders::Order;
use super::peer::Peer;
use super::{Snapshot, Upstream};

#[derive(Debug)]
pub(crate) struct UpstreamReport {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    pub(crate) peers: Vec<PeerReport>,
}

#[derive(Debug)]
pub(crate) struct PeerReport {
    pub(crate) name: String,
    pub(crate) address: Option<String>,
    pub(crate) condition: Condition,
    pub(crate) weight: u32,
    pub(crate) backup: bool,
    pub(crate) in_flight: u64,
    pub(crate) requests: u64,
    pub(crate) fails: u64,
    /// 1xx to 5xx.
    pub(crate) responses: [u64; 5],
    pub(crate) bytes: u64,
    pub(crate) latency: Snapshot,
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
        let (alone, method, lines) = {
            let roster = self.roster();
            (roster.is_alone(), roster.method(), roster.lines().to_vec())
        };
        UpstreamReport {
            name: self.name.clone(),
            method: method.directive(),
            peers: lines
                .iter()
                .flatten()
                .map(|peer| report(peer, alone))
                .collect(),
        }
    }
}

fn report(peer: &Peer, alone: bool) -> PeerReport {
    let state = &peer.state;
    PeerReport {
        name: peer.config.name.clone(),
        address: peer.address.as_ref().map(ToString::to_string),
        condition: condition(peer, alone, &state.health()),
        weight: peer.weight(),
        backup: peer.backup,
        in_flight: state.in_flight.load(Relaxed),
        requests: state.requests.load(Relaxed),
        fails: state.fails.load(Relaxed),
        responses: state.responses.each_ref().map(|class| class.load(Relaxed)),
        bytes: state.bytes.load(Relaxed),
        latency: state.latency.snapshot(),
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
