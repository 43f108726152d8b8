//! Why this peer? What the balancer saw when it chose, and the reason in words; made for sampled requests only.

use serde::Serialize;

use crate::balance::{Candidate, Method};

#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    pub(crate) method: &'static str,
    /// In the words of the method.
    pub(crate) why: String,
    /// The name of the peer, as written; none if nobody could be chosen.
    pub(crate) peer: Option<String>,
    /// Where on the ring the key lies, in 360 degrees (`hash ... consistent`).
    pub(crate) degrees: Option<f64>,
    /// All peers of the group as they stood afterwards.
    pub(crate) candidates: Vec<Considered>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Considered {
    pub(crate) name: String,
    pub(crate) weight: i64,
    pub(crate) effective: i64,
    pub(crate) current: i64,
    /// Requests in flight, or by `least_time` what it would take.
    pub(crate) load: u64,
    pub(crate) eligible: bool,
}

impl Considered {
    pub(super) fn new(name: &str, candidate: &Candidate) -> Self {
        Self {
            name: name.to_owned(),
            weight: candidate.weight,
            effective: candidate.effective,
            current: candidate.current,
            load: candidate.load,
            eligible: candidate.eligible,
        }
    }
}

/// `chosen` is an index; the candidates are those after the choice.
pub(super) fn in_words(method: Method, chosen: Option<usize>, all: &[Considered]) -> String {
    let Some(chosen) = chosen.and_then(|index| all.get(index)) else {
        return "no peer could be chosen: all are down, tried already, or full".to_owned();
    };
    let name = &chosen.name;
    let eligible = || all.iter().filter(|one| one.eligible);
    if eligible().count() == 1 {
        return format!("{name} is the only one left");
    }
    let turn = || {
        // What it won with, before it paid back the sum of what all had been given.
        let total: i64 = eligible().map(|one| one.effective).sum();
        let won_with = chosen.current + total;
        format!("{name} had the largest current weight, {won_with}, and paid back {total}")
    };
    match method {
        Method::RoundRobin => turn(),
        Method::LeastConn => {
            let load = |one: &Considered| (one.load, one.weight);
            let (busy, weight) = load(chosen);
            let is_equal = |one: &&Considered| {
                let (other_busy, other_weight) = load(one);
                i128::from(other_busy) * i128::from(weight)
                    == i128::from(busy) * i128::from(other_weight)
            };
            let equals = eligible().filter(is_equal).count();
            let least =
                format!("{name} has the fewest requests in flight for its weight: {busy}/{weight}");
            match equals {
                0 | 1 => least,
                _ => format!("{least}, as {} more; equals take turns", equals - 1),
            }
        }
        Method::LeastTime { .. } => {
            format!(
                "{name} has the smallest average time for its weight and its requests in flight"
            )
        }
        Method::IpHash => format!("the client's address hashes to {name}, as always"),
        Method::Hash { consistent: false } => format!("the key hashes to {name}"),
        Method::Hash { consistent: true } => {
            format!("clockwise from the key's place on the ring, {name} owns the next point")
        }
        Method::Random { two: false } => format!("the dice said {name}"),
        Method::Random { two: true } => {
            format!(
                "of two that the dice named, {name} had fewer requests in flight for its weight"
            )
        }
        Method::RandomTime(_) => {
            format!("of two that the dice named, {name} had the smaller average time")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(currents: &[(i64, u64, bool)]) -> Vec<Considered> {
        let names = ["a", "b", "c"];
        names
            .iter()
            .zip(currents)
            .map(|(name, &(current, load, eligible))| Considered {
                current,
                load,
                eligible,
                ..Considered::new(name, &Candidate::new(0, 1))
            })
            .collect()
    }

    #[test]
    fn round_robin_tells_what_the_winner_had() {
        // Before: 1 1 1, all equal; a won with 1 and paid 3.
        let after = all(&[(-2, 0, true), (1, 0, true), (1, 0, true)]);
        assert_eq!(
            in_words(Method::RoundRobin, Some(0), &after),
            "a had the largest current weight, 1, and paid back 3"
        );
    }

    #[test]
    fn least_conn_tells_the_load_and_the_tie() {
        let after = all(&[(0, 2, true), (0, 1, true), (0, 1, true)]);
        assert_eq!(
            in_words(Method::LeastConn, Some(1), &after),
            "b has the fewest requests in flight for its weight: 1/1, as 1 more; equals take turns"
        );
    }

    #[test]
    fn who_is_left_needs_no_method() {
        let after = all(&[(0, 0, false), (0, 0, true), (0, 0, false)]);
        assert_eq!(
            in_words(Method::IpHash, Some(1), &after),
            "b is the only one left"
        );
        assert!(in_words(Method::IpHash, None, &after).starts_with("no peer"));
    }
}
