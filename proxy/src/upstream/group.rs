//! The primary peers of an upstream, or its backup peers: what a balancing method chooses from.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::{Peer, Tried};
use crate::balance::{Candidate, Method, PickKey, Ring, choose};

/// `peers[i]` is `candidates[i]`.
#[derive(Debug, Default)]
pub(super) struct Group {
    peers: Vec<Arc<Peer>>,
    candidates: Vec<Candidate>,
    ring: Option<Ring>,
    usable: usize,
}

impl Group {
    /// The peers of each `server` line, in the order of the file.
    pub(super) fn new<'a>(method: Method, lines: impl Iterator<Item = &'a Vec<Arc<Peer>>>) -> Self {
        let lines: Vec<&Vec<Arc<Peer>>> = lines.filter(|peers| !peers.is_empty()).collect();
        // Lines with the same name are one server to the ring.
        let line_of = |name: &str| lines.iter().position(|peers| peers[0].config.name == name);
        let mut group = Self::default();
        for peer in lines.iter().copied().flatten() {
            let server = line_of(&peer.config.name).unwrap_or_default();
            group.candidates.push(Candidate::new(server, peer.weight()));
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

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// How many tries a request has here.
    pub(super) fn usable(&self) -> usize {
        self.usable
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
        for (index, (candidate, peer)) in self.candidates.iter_mut().zip(&self.peers).enumerate() {
            candidate.punish(peer.state.take_unpunished(), peer.policy(alone).max_fails);
            candidate.in_flight = peer.state.in_flight.load(Relaxed);
            candidate.eligible = !tried.has(index) && peer.admits(alone, candidate.in_flight, now);
        }
        let index = choose(
            method,
            &mut self.candidates,
            self.ring.as_ref(),
            key,
            &mut tried.walk,
            dice,
        )?;
        tried.add(index);
        let peer = &self.peers[index];
        peer.state.picked(peer.policy(alone), now);
        Some(Arc::clone(peer))
    }
}
