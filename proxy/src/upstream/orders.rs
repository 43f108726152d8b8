//! What an operator orders over the status API, beside what the configuration says: a `server` line up, down or
//! drained, another weight; another method for the whole upstream.
//!
//! Orders last until the next reload: then the file counts again, for everything.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use super::Upstream;
use crate::balance::{Method, Until};

/// A `hash ... consistent` ring has 160 points for each unit, so there is a limit.
const MAX_WEIGHT: u32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// Also against a `down` in the configuration; its failures are forgotten.
    Up = 1,
    Down,
    /// No new requests; those under way end as they would.
    Drain,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("upstream {upstream:?} has no server {server:?}")]
    NoServer { upstream: String, server: String },
    #[error("a weight is 1 to 1000; to send nothing, set the state to \"drain\"")]
    Weight,
    #[error(
        "a method is round_robin, least_conn, ip_hash, random or \"random two least_conn\", \
        or one of the hash methods where the configuration has a key for it, or \"least_time header\" and \"least_time \
        last_byte\" where it measures time"
    )]
    Method,
    #[error("with backup servers the method is round_robin, least_conn or least_time")]
    Backup,
}

/// The orders for one `server` line; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Orders {
    state: AtomicU8,
    weight: AtomicU32,
}

impl Orders {
    pub(super) fn state(&self) -> Option<Order> {
        match self.state.load(Relaxed) {
            1 => Some(Order::Up),
            2 => Some(Order::Down),
            3 => Some(Order::Drain),
            _ => None,
        }
    }

    pub(super) fn weight(&self) -> Option<u32> {
        Some(self.weight.load(Relaxed)).filter(|&weight| weight > 0)
    }
}

impl Upstream {
    /// Gives every `server` line of this name a state, a weight, or both.
    pub(crate) fn order(
        &self,
        server: &str,
        state: Option<Order>,
        weight: Option<u32>,
        now: Instant,
    ) -> Result<(), OrderError> {
        if weight.is_some_and(|weight| !(1..=MAX_WEIGHT).contains(&weight)) {
            return Err(OrderError::Weight);
        }
        let mut roster = self.roster();
        let mut found = false;
        let lines = roster.lines().iter();
        for peer in lines.filter(|line| line[0].config.name == server).flatten() {
            found = true;
            if let Some(state) = state {
                peer.orders.state.store(state as u8, Relaxed);
                if state == Order::Up && peer.address.is_some() {
                    peer.state.moved(now);
                }
            }
            if let Some(weight) = weight {
                peer.orders.weight.store(weight, Relaxed);
            }
        }
        if !found {
            let (upstream, server) = (self.name.clone(), server.to_owned());
            return Err(OrderError::NoServer { upstream, server });
        }
        roster.regroup();
        Ok(())
    }

    /// Chooses by another method from now on. A hash needs the key that only the configuration can give.
    pub(crate) fn change_method(&self, name: &str) -> Result<(), OrderError> {
        let least_time = |until| Method::LeastTime {
            until,
            in_flight: self.method.times_waiting(),
        };
        let method = match name {
            "round_robin" => Method::RoundRobin,
            "least_conn" => Method::LeastConn,
            "ip_hash" => Method::IpHash,
            "random" => Method::Random { two: false },
            "random two least_conn" => Method::Random { two: true },
            "least_time header" => least_time(Until::Header),
            "least_time last_byte" => least_time(Until::LastByte),
            "hash" => Method::Hash { consistent: false },
            "hash consistent" => Method::Hash { consistent: true },
            _ => return Err(OrderError::Method),
        };
        if method.time().is_some() && self.method.time().is_none() {
            return Err(OrderError::Method);
        }
        let is_hash = |method| matches!(method, Method::Hash { .. });
        if is_hash(method) && !is_hash(self.method) {
            return Err(OrderError::Method);
        }
        let knows_backups = method.knows_backups();
        if !knows_backups && self.servers.iter().any(|server| server.backup) {
            return Err(OrderError::Backup);
        }
        self.roster().set_method(method);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{ClientAddr, PickKey};
    use crate::upstream::{ServerConfig, State, Tried, UpstreamConfig};

    fn upstream(names: &[&str]) -> Upstream {
        let server = |name: &&str| ServerConfig::new(*name, 80).unwrap();
        Upstream::new(UpstreamConfig {
            name: "u".to_owned(),
            servers: names.iter().map(server).collect(),
            method: Method::RoundRobin,
            queue: None,
        })
    }

    /// The last digit of the port of each peer chosen.
    fn picks(upstream: &Upstream, n: usize) -> String {
        let key = PickKey {
            client: ClientAddr::Unix,
            hash_key: b"",
        };
        let digit = |_| {
            let lease = upstream.pick(&key, &mut Tried::default(), Instant::now());
            lease.map_or('-', |lease| {
                lease.address().to_string().pop().expect("an address")
            })
        };
        (0..n).map(digit).collect()
    }

    #[test]
    fn a_drained_peer_gets_nothing_until_it_is_up_again() {
        let upstream = upstream(&["127.0.0.1:1", "127.0.0.1:2"]);
        let now = Instant::now();
        upstream
            .order("127.0.0.1:2", Some(Order::Drain), None, now)
            .unwrap();
        assert_eq!(picks(&upstream, 4), "1111");
        let peer = &upstream.report().peers[1];
        assert_eq!(peer.condition.state, State::Draining);
        assert_eq!(
            peer.condition.why.as_deref(),
            Some("the status API says so")
        );
        upstream
            .order("127.0.0.1:1", Some(Order::Down), None, now)
            .unwrap();
        assert_eq!(picks(&upstream, 2), "--");
        for server in ["127.0.0.1:1", "127.0.0.1:2"] {
            upstream.order(server, Some(Order::Up), None, now).unwrap();
        }
        assert_eq!(picks(&upstream, 4), "1212");
    }

    #[test]
    fn a_weight_counts_at_once_and_the_next_reload_takes_it_back() {
        let before = upstream(&["127.0.0.1:1", "127.0.0.1:2"]);
        before
            .order("127.0.0.1:1", None, Some(3), Instant::now())
            .unwrap();
        assert_eq!(picks(&before, 4), "1121");
        assert_eq!(before.report().peers[0].weight, 3);
        let after = upstream(&["127.0.0.1:1", "127.0.0.1:2"]);
        after.adopt(&before);
        assert_eq!(picks(&after, 4), "1212");
        assert_eq!(
            after.report().peers[0].requests,
            5,
            "what it did is not forgotten"
        );
    }

    #[test]
    fn an_order_that_makes_no_sense_changes_nothing() {
        let upstream = upstream(&["127.0.0.1:1"]);
        let now = Instant::now();
        for weight in [0, 1001] {
            let refused = upstream.order("127.0.0.1:1", Some(Order::Down), Some(weight), now);
            assert_eq!(refused, Err(OrderError::Weight));
        }
        let nobody = upstream.order("127.0.0.1:9", Some(Order::Down), None, now);
        assert!(matches!(nobody, Err(OrderError::NoServer { .. })));
        for method in ["hash", "hash consistent", "best", ""] {
            assert_eq!(upstream.change_method(method), Err(OrderError::Method));
        }
        assert_eq!(picks(&upstream, 1), "1");
        upstream.change_method("random two least_conn").unwrap();
        assert_eq!(upstream.report().method, "random two least_conn");
    }
}
