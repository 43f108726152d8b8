//! The peers of an upstream as they are now, and the order of choice: primary peers first, then backups.
//!
//! Pickers see the set before or after a change, never in between: it changes under the lock that they pick under.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Instant;

use super::config::{ServerConfig, Target};
use super::group::Group;
use super::orders::Orders;
use super::peer::{Address, Peer};
use super::{Lease, Tried};
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
        };
        roster.regroup();
        roster
    }

    pub(super) fn method(&self) -> Method {
        self.method
    }

    pub(super) fn set_method(&mut self, method: Method) {
        self.method = method;
        self.regroup();
    }

    pub(super) fn lines(&self) -> &[Vec<Arc<Peer>>] {
        &self.lines
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
                return Some(Lease::new(peer, alone));
            }
            tried.turn_to_backup();
        }
        let dice = || throw(&mut self.dice);
        let peer = self
            .backup
            .pick(among_backups(method), key, tried, alone, now, dice)?;
        Some(Lease::new(peer, alone))
    }

    /// The name of `line` stands for `addresses` now. Returns whether that is new.
    pub(super) fn resolved(&mut self, line: usize, addresses: &[Address], now: Instant) -> bool {
        let peers = &mut self.lines[line];
        if addresses.is_empty()
            || peers
                .iter()
                .map(|peer| peer.address.as_ref())
                .eq(addresses.iter().map(Some))
        {
            return false;
        }
        let (config, orders) = (Arc::clone(&peers[0].config), Arc::clone(&peers[0].orders));
        let (mut same, mut rest): (Vec<_>, Vec<_>) = peers.drain(..).partition(|peer| {
            peer.address
                .as_ref()
                .is_some_and(|old| addresses.contains(old))
        });
        for address in addresses {
            let known = same
                .iter()
                .position(|peer| peer.address.as_ref() == Some(address));
            peers.push(match known {
                Some(index) => same.swap_remove(index),
                None => Arc::new(moved(&config, &orders, address, rest.pop(), now)),
            });
        }
        true
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
                old[0].config.name == config.name && old[0].config.target == config.target
            };
            if let Some(index) = before.iter().position(is_same) {
                let old = before.swap_remove(index);
                let adopted = |old: &Arc<Peer>| {
                    Arc::new(Peer::new(
                        Arc::clone(config),
                        old.address.clone(),
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
        let method = self.method;
        let lines = |backup| {
            self.lines
                .iter()
                .filter(move |peers| peers[0].config.backup == backup)
        };
        self.primary = Group::new(method, lines(false));
        self.backup = Group::new(among_backups(method), lines(true));
        self.version += 1;
    }
}

/// The hashing and random methods know primary peers only.
fn among_backups(method: Method) -> Method {
    if method == Method::LeastConn {
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
    Peer::new(Arc::clone(server), address, Arc::default(), Arc::default())
}

/// A peer at a new address, with the counters of the one that was there before.
fn moved(
    config: &Arc<ServerConfig>,
    orders: &Arc<Orders>,
    address: &Address,
    old: Option<Arc<Peer>>,
    now: Instant,
) -> Peer {
    let state = old.map(|peer| Arc::clone(&peer.state)).unwrap_or_default();
    state.moved(now);
    Peer::new(
        Arc::clone(config),
        Some(address.clone()),
        state,
        Arc::clone(orders),
    )
}

/// xorshift64: good enough to spread requests, and not for anything secret.
fn throw(state: &mut u64) -> u64 {
    *state |= u64::from(*state == 0);
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
