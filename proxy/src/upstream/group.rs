//! The primary peers of an upstream, or its backup peers: what a balancing method chooses from.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::choice::{self, Considered};
use super::{Choice, Peer, Tried};
use crate::balance::{Candidate, Method, PickKey, Ring, choose};

/// `peers[i]` is `candidates[i]`.
#[derive(Debug, Default)]
pub(super) struct Group {
    peers: Vec<Arc<Peer>>,
    candidates: Vec<Candidate>,
    ring: Option<Ring>,
    usable: usize,
    /// Some peer has a `slow_start`.
    grows: bool,
}

impl Group {
    /// Of each `server` line, in the order of the file, the peers that are backup or those that are not.
    pub(super) fn new(method: Method, lines: &[Vec<Arc<Peer>>], backup: bool) -> Self {
        let wanted = |peers: &Vec<Arc<Peer>>| -> Vec<Arc<Peer>> {
            let wanted = peers.iter().filter(|peer| peer.backup == backup);
            wanted.map(Arc::clone).collect()
        };
        let lines = lines.iter().map(wanted);
        let lines: Vec<Vec<Arc<Peer>>> = lines.filter(|peers| !peers.is_empty()).collect();
        // Lines with the same name are one server to the ring.
        let line_of = |name: &str| lines.iter().position(|peers| peers[0].config.name == name);
        let mut peers = lines.iter().flatten();
        let mut group = Self {
            grows: peers.any(|peer| !peer.config.slow_start.is_zero()),
            ..Self::default()
        };
        for peer in lines.iter().flatten() {
            let server = line_of(&peer.config.name).unwrap_or_default();
            let candidate = if group.grows {
                Candidate::growing(server, peer.weight())
            } else {
                Candidate::new(server, peer.weight())
            };
            group.candidates.push(candidate);
            group.peers.push(Arc::clone(peer));
            group.usable += usize::from(peer.is_usable());
        }
        if method == (Method::Hash { consistent: true }) {
            let servers = lines
                .iter()
                .enumerate()
                .map(|(server, peers)| (server, &*peers[0]));
            group.ring =
                Some(Ring::new(servers.map(|(server, peer)| {
                    (server, peer.config.name.as_str(), peer.weight())
                })));
        }
        group
    }

    pub(super) fn candidate(&self, peer: &Arc<Peer>) -> Option<&Candidate> {
        let index = self.peers.iter().position(|one| Arc::ptr_eq(one, peer))?;
        self.candidates.get(index)
    }

    /// The first peer of the server that owns each of `parts` places on the ring.
    pub(super) fn ring_owners(&self, parts: usize) -> Vec<Arc<Peer>> {
        let servers = self.ring.iter().flat_map(|ring| ring.owners(parts));
        let first = |server| {
            let mut candidates = self.candidates.iter();
            let index = candidates.position(|candidate| candidate.server == server)?;
            Some(Arc::clone(&self.peers[index]))
        };
        servers.filter_map(first).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// How many tries a request has here.
    pub(super) fn usable(&self) -> usize {
        self.usable
    }

    /// The peer that the client of a sticky upstream is bound to, if it can have one more request.
    fn bound(&self, tried: &Tried, alone: bool, now: Instant) -> Option<usize> {
        let sid = tried.wanted.as_deref()?;
        let mut peers = self.peers.iter().enumerate();
        let found = peers.find(|(index, peer)| {
            let in_flight = peer.state.in_flight.load(Relaxed);
            *peer.sid == *sid && !tried.has(*index) && peer.admits_bound(alone, in_flight, now)
        });
        found.map(|(index, _)| index)
    }

    /// What a choice of `peer` went by, in numbers and words.
    pub(super) fn explain(
        &self,
        method: Method,
        key: &PickKey<'_>,
        peer: Option<&Arc<Peer>>,
    ) -> Choice {
        let chosen = peer.and_then(|peer| self.peers.iter().position(|one| Arc::ptr_eq(one, peer)));
        let considered = |(peer, candidate): (&Arc<Peer>, &Candidate)| {
            Considered::new(&peer.config.name, candidate)
        };
        let candidates: Vec<_> = self
            .peers
            .iter()
            .zip(&self.candidates)
            .map(considered)
            .collect();
        Choice {
            method: method.directive(),
            why: choice::in_words(method, chosen, &candidates),
            peer: peer.map(|peer| peer.config.name.clone()),
            degrees: self.ring.as_ref().map(|_| Ring::degrees(key.hash_key)),
            candidates,
        }
    }

    /// Chooses a peer and notes it in `tried`.
    pub(super) fn pick(
        &mut self,
        method: Method,
        key: &PickKey<'_>,
        tried: &mut Tried,
        alone: bool,
        now: Instant,
        dice: impl FnMut() -> u64,
    ) -> Option<Arc<Peer>> {
        if self.peers.is_empty() {
            return None;
        }
        let time = method.time();
        for (index, (candidate, peer)) in self.candidates.iter_mut().zip(&self.peers).enumerate() {
            candidate.punish(peer.state.take_unpunished(), peer.policy(alone).max_fails);
            if self.grows && !alone {
                candidate.limit(peer.state.warmth(peer.config.slow_start, now));
            }
            let in_flight = peer.state.in_flight.load(Relaxed);
            candidate.load = match time {
                None => in_flight,
                Some(until) => {
                    let fail_timeout = peer.config.fail_timeout;
                    peer.state.times.load(until, fail_timeout, in_flight, now)
                }
            };
            candidate.eligible = !tried.has(index) && peer.admits(alone, in_flight, now);
        }
        let index = match self.bound(tried, alone, now) {
            Some(index) => index,
            None => choose(
                method,
                &mut self.candidates,
                self.ring.as_ref(),
                key,
                &mut tried.walk,
                dice,
            )?,
        };
        tried.add(index);
        let peer = &self.peers[index];
        peer.state.picked(peer.policy(alone), now);
        if time.is_some() {
            peer.state.times.asked(now);
        }
        Some(Arc::clone(peer))
    }
}
