//! The peers of an upstream as they are now, and the order of choice: primary peers first, then backups.
//!
//! Pickers see the set before or after a change, never in between: it changes under the lock that they pick under.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tokio::sync::watch;

use super::config::{ServerConfig, Target};
use super::group::Group;
use super::peer::{Endpoint, Peer};
use super::state::PeerState;
use super::verdict::CheckRules;
use super::{Choice, Lease, Tried};
use crate::balance::{Method, PickKey};

#[derive(Debug)]
pub(super) struct Roster {
    /// As written, until the status API changes it.
    method: Method,
    /// The peers of each `server` line; a name that does not resolve is one peer without an address.
    lines: Vec<Vec<Arc<Peer>>>,
    primary: Group,
    backup: Group,
    /// Grows with each change, so that a request between two tries notices.
    version: u64,
    dice: u64,
    checks: Checks,
    /// Told of each new version.
    changes: watch::Sender<u64>,
}

/// The active checks of an upstream.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Unlike that of any other set of checks of this process; 0 is no checks.
    pub(super) id: u64,
    pub(super) rules: Vec<CheckRules>,
}

impl Roster {
    pub(super) fn new(method: Method, servers: &[Arc<ServerConfig>]) -> Self {
        let lines = servers
            .iter()
            .map(|server| vec![Arc::new(first_peer(server))])
            .collect();
        let dice = RandomState::new().hash_one(0);
        let (primary, backup) = (Group::default(), Group::default());
        let mut roster = Self {
            method,
            lines,
            primary,
            backup,
            version: 0,
            dice,
            checks: Checks::default(),
            changes: watch::Sender::new(0),
        };
        roster.regroup();
        roster
    }

    pub(super) fn method(&self) -> Method {
        self.method
    }

    /// All peers, also those to come, have to pass these.
    pub(super) fn expect(&mut self, rules: Vec<CheckRules>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Relaxed);
        self.checks = Checks { id, rules };
        self.regroup();
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Somebody could take one more request, were it not for `max_conns`.
    pub(super) fn is_full(&self) -> bool {
        let mut peers = self.lines.iter().flatten();
        peers.any(|peer| peer.is_usable() && peer.config.max_conns > 0)
    }

    pub(super) fn set_method(&mut self, method: Method) {
        self.method = method;
        self.regroup();
    }

    pub(super) fn lines(&self) -> &[Vec<Arc<Peer>>] {
        &self.lines
    }

    /// Effective and current weight of a peer.
    pub(super) fn weights(&self, peer: &Arc<Peer>) -> (i64, i64) {
        let groups = [&self.primary, &self.backup];
        let candidate = groups.into_iter().find_map(|group| group.candidate(peer));
        candidate.map_or((0, 0), |candidate| (candidate.effective, candidate.current))
    }

    /// The owner of each of `parts` places in equal distance on the ring.
    pub(super) fn ring(&self, parts: usize) -> Vec<Arc<Peer>> {
        self.primary.ring_owners(parts)
    }

    /// The only peer there is: failures don't take it out, and it gets one try.
    pub(super) fn is_alone(&self) -> bool {
        self.primary.len() == 1 && self.backup.len() == 0
    }

    pub(super) fn pick(
        &mut self,
        key: &PickKey<'_>,
        tried: &mut Tried,
        now: Instant,
    ) -> Option<Lease> {
        let (alone, method) = (self.is_alone(), self.method);
        tried.begin(self.version, self.primary.usable() + self.backup.usable());
        if !tried.on_backup {
            let dice = || throw(&mut self.dice);
            if let Some(peer) = self.primary.pick(method, key, tried, alone, now, dice) {
                return Some(lease(peer, alone, method, now));
            }
            tried.turn_to_backup();
        }
        let dice = || throw(&mut self.dice);
        let peer = self
            .backup
            .pick(among_backups(method), key, tried, alone, now, dice)?;
        Some(lease(peer, alone, among_backups(method), now))
    }

    /// What the pick that has just led to `lease` went by.
    pub(super) fn explain(
        &self,
        key: &PickKey<'_>,
        tried: &Tried,
        lease: Option<&Lease>,
    ) -> Choice {
        let (group, method) = if tried.on_backup {
            (&self.backup, among_backups(self.method))
        } else {
            (&self.primary, self.method)
        };
        let mut choice = group.explain(method, key, lease.map(Lease::peer));
        if let Some(peer) = lease.map(Lease::peer)
            && tried.wanted.as_deref() == Some(&*peer.sid)
        {
            choice.why = format!("the client is bound to {} (sticky)", peer.config.name);
        }
        choice
    }

    /// The name of `line` stands for `endpoints` now. Returns whether that is new.
    pub(super) fn resolved(&mut self, line: usize, endpoints: &[Endpoint], now: Instant) -> bool {
        let peers = &mut self.lines[line];
        let is_known = peers.len() == endpoints.len()
            && peers
                .iter()
                .zip(endpoints)
                .all(|(peer, endpoint)| peer.is(endpoint));
        if endpoints.is_empty() || is_known {
            return false;
        }
        let (config, orders) = (Arc::clone(&peers[0].config), Arc::clone(&peers[0].orders));
        let (mut same, mut rest): (Vec<_>, Vec<_>) = peers.drain(..).partition(|peer| {
            endpoints
                .iter()
                .any(|new| Some(&new.address) == peer.address.as_ref())
        });
        if config.resolving.is_some() {
            // Others have come; they start with nothing, those who left take their numbers along.
            rest.retain(|peer| peer.address.is_none());
        }
        for endpoint in endpoints {
            let known = same
                .iter()
                .position(|peer| peer.address.as_ref() == Some(&endpoint.address));
            let state = match known {
                Some(index) => Arc::clone(&same.remove(index).state),
                None => moved(rest.pop(), now),
            };
            peers.push(Arc::new(Peer::new(
                Arc::clone(&config),
                Some(endpoint.clone()),
                endpoints.len() == 1,
                state,
                Arc::clone(&orders),
            )));
        }
        true
    }

    /// The name of `line` stands for nothing any more: its peers go, whatever they were. Returns whether that is new.
    pub(super) fn emptied(&mut self, line: usize, trouble: &str, now: Instant) -> bool {
        let peers = &mut self.lines[line];
        let Peer {
            config,
            address,
            orders,
            ..
        } = &*peers[0];
        let was_there = address.is_some();
        if was_there {
            let (config, orders) = (Arc::clone(config), Arc::clone(orders));
            *peers = vec![Arc::new(Peer::new(
                config,
                None,
                true,
                Arc::default(),
                orders,
            ))];
        }
        let mut health = peers[0].state.health();
        health.lost(&format!("does not resolve: {trouble}"), now);
        was_there
    }

    /// There is no answer for the name of `line`; a peer that never had an address says why.
    pub(super) fn wanted(&self, line: usize, trouble: &str, now: Instant) {
        let peer = &self.lines[line][0];
        if peer.address.is_none() {
            let mut health = peer.state.health();
            health.lost(&format!("does not resolve yet: {trouble}"), now);
        }
    }

    /// The name of `line` does not resolve. What works goes on working: only a peer that fails loses its address, so
    /// that no trial request is spent on it. Returns whether that is new.
    pub(super) fn lost(&mut self, line: usize, trouble: &str, now: Instant) -> bool {
        let peers = &mut self.lines[line];
        if peers
            .iter()
            .any(|peer| peer.address.is_some() && !peer.state.is_suspect())
        {
            return false;
        }
        let Peer {
            config,
            address,
            state,
            orders,
            ..
        } = &*peers[0];
        let Some(address) = address else {
            state
                .health()
                .lost(&format!("does not resolve yet: {trouble}"), now);
            return false;
        };
        state.health().lost(
            &format!("does not resolve any more (was {address}): {trouble}"),
            now,
        );
        let lost = Peer::new(
            Arc::clone(config),
            None,
            true,
            Arc::clone(state),
            Arc::clone(orders),
        );
        *peers = vec![Arc::new(lost)];
        true
    }

    /// Takes each peer's state and address from the line of the same name in `before`; each is taken once.
    pub(super) fn adopt(&mut self, before: &mut Vec<Vec<Arc<Peer>>>) {
        for peers in &mut self.lines {
            let (config, orders) = (&peers[0].config, &peers[0].orders);
            let is_same = |old: &Vec<Arc<Peer>>| {
                old[0].config.name == config.name
                    && old[0].config.target == config.target
                    && old[0].config.service() == config.service()
            };
            if let Some(index) = before.iter().position(is_same) {
                let old = before.swap_remove(index);
                let is_lone = old.len() == 1;
                let adopted = |old: &Arc<Peer>| {
                    Arc::new(Peer::new(
                        Arc::clone(config),
                        old.endpoint(),
                        is_lone,
                        Arc::clone(&old.state),
                        Arc::clone(orders),
                    ))
                };
                *peers = old.iter().map(adopted).collect();
            }
        }
    }

    /// Has to follow every change of the lines.
    pub(super) fn regroup(&mut self) {
        for peer in self.lines.iter().flatten() {
            peer.state.expect(&self.checks);
        }
        let method = self.method;
        self.primary = Group::new(method, &self.lines, false);
        self.backup = Group::new(among_backups(method), &self.lines, true);
        self.version += 1;
        self.changes.send_replace(self.version);
    }
}

fn lease(peer: Arc<Peer>, alone: bool, method: Method, now: Instant) -> Lease {
    let lease = Lease::new(peer, alone);
    match method.time().filter(|_| method.times_waiting()) {
        Some(until) => lease.waits(until, now),
        None => lease,
    }
}

/// The hashing and random methods know primary peers only.
fn among_backups(method: Method) -> Method {
    if matches!(method, Method::LeastConn | Method::LeastTime { .. }) {
        method
    } else {
        Method::RoundRobin
    }
}

fn first_peer(server: &Arc<ServerConfig>) -> Peer {
    let address = match &server.target {
        Target::Address(address) => Some(address.clone()),
        Target::Name { .. } => None,
    };
    let endpoint = address.map(Endpoint::from);
    let (state, orders) = Default::default();
    Peer::new(Arc::clone(server), endpoint, true, state, orders)
}

/// The state of a peer at a new address: the counters of the one that was there before.
fn moved(old: Option<Arc<Peer>>, now: Instant) -> Arc<PeerState> {
    let state = old.map(|peer| Arc::clone(&peer.state)).unwrap_or_default();
    state.moved(now);
    state
}

/// xorshift64: good enough to spread requests, and not for anything secret.
fn throw(state: &mut u64) -> u64 {
    *state |= u64::from(*state == 0);
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
