//! Which peer gets this request? One method a file; each takes a slice of [`Candidate`]s and answers with an index.
//!
//! Nothing here knows sockets, clocks, locks or names: who is alive, how busy everybody is and what the dice show is
//! passed in, so that every decision can be drawn as a table in a test. Order and ties are nginx's: the same
//! configuration sends the same client to the same peer here and there.
//!
//! ```text
//!   key, candidates ──> ip_hash | hash | random ──> Some(index)
//!                         └─ no eligible peer after 20 misses ──> round_robin
//!                       least_conn (ties: round_robin) ─────────> Some(index), or None: nobody is eligible
//! ```

mod hash;
mod ip_hash;
mod least_conn;
pub(crate) mod least_time;
mod random;
mod ring;
mod round_robin;
mod walk;

pub(crate) use ip_hash::ClientAddr;
pub(crate) use ring::Ring;
pub(crate) use walk::Walk;

/// How an upstream chooses; the directive in its block decides, round robin is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Method {
    #[default]
    RoundRobin,
    LeastConn,
    IpHash,
    Hash {
        consistent: bool,
    },
    Random {
        two: bool,
    },
    LeastTime {
        until: Until,
        /// Requests that wait for their answer count by their age.
        in_flight: bool,
    },
    /// `random two least_time=...`
    RandomTime(Until),
}

/// Which time counts: until the head of the answer has come, or the whole of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Header,
    LastByte,
}

impl Method {
    /// The directive that asks for this method, as the status page shows it.
    pub(crate) fn directive(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConn => "least_conn",
            Self::IpHash => "ip_hash",
            Self::Hash { consistent: false } => "hash",
            Self::Hash { consistent: true } => "hash consistent",
            Self::Random { two: false } => "random",
            Self::Random { two: true } => "random two least_conn",
            Self::LeastTime { until, in_flight } => match (until, in_flight) {
                (Until::Header, false) => "least_time header",
                (Until::Header, true) => "least_time header inflight",
                (Until::LastByte, false) => "least_time last_byte",
                (Until::LastByte, true) => "least_time last_byte inflight",
            },
            Self::RandomTime(Until::Header) => "random two least_time=header",
            Self::RandomTime(Until::LastByte) => "random two least_time=last_byte",
        }
    }

    /// Whether requests have to be timed while they wait for their answer.
    pub(crate) fn times_waiting(self) -> bool {
        matches!(
            self,
            Self::LeastTime {
                in_flight: true,
                ..
            }
        )
    }

    /// Whether it is a round over all peers, so that some may be backups, and some may grow into their share.
    pub(crate) fn knows_backups(self) -> bool {
        matches!(
            self,
            Self::RoundRobin | Self::LeastConn | Self::LeastTime { .. }
        )
    }

    /// The time by which it compares, if it does.
    pub(crate) fn time(self) -> Option<Until> {
        match self {
            Self::LeastTime { until, .. } | Self::RandomTime(until) => Some(until),
            _ => None,
        }
    }
}

/// What the request brings that a method may hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PickKey<'a> {
    pub(crate) client: ClientAddr,
    /// The value of `hash KEY` for this request; empty when the upstream has another method.
    pub(crate) hash_key: &'a [u8],
}

/// One peer as a method sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The number of the `server` line it comes from: a name with several addresses is several candidates.
    pub(crate) server: usize,
    pub(crate) weight: i64,
    /// What it may have of that now: less after it has come back (`slow_start`).
    pub(crate) ceiling: i64,
    /// What one unit of weight counts: in a group with `slow_start` a hundred, so that there is something between 0 and 1.
    unit: i64,
    /// `ceiling`, lowered by each failure and growing back by one each time the peer is looked at.
    pub(crate) effective: i64,
    /// Whose turn it is: the memory of round robin.
    pub(crate) current: i64,
    /// How busy it is: requests in flight, or by `least_time` how long it will take.
    pub(crate) load: u64,
    /// Up, not tried by this request yet, and below its `max_conns`.
    pub(crate) eligible: bool,
}

impl Candidate {
    pub(crate) fn new(server: usize, weight: u32) -> Self {
        Self::in_units(server, weight, 1)
    }

    /// In a group where peers grow into their weight.
    pub(crate) fn growing(server: usize, weight: u32) -> Self {
        Self::in_units(server, weight, 100)
    }

    fn in_units(server: usize, weight: u32, unit: i64) -> Self {
        // nginx refuses weight=0; without weight a peer would own no point of any hash.
        let weight = i64::from(weight.max(1)) * unit;
        Self {
            server,
            weight,
            ceiling: weight,
            unit,
            effective: weight,
            current: 0,
            load: 0,
            eligible: true,
        }
    }

    /// It may have so many thousandths of its weight, and never nothing.
    pub(crate) fn limit(&mut self, thousandths: u32) {
        self.ceiling = (self.weight * i64::from(thousandths) / 1000).max(1);
        self.effective = self.effective.min(self.ceiling);
    }

    /// One step of the way back to its share.
    fn recover(&mut self) {
        if self.effective < self.ceiling {
            self.effective = (self.effective + self.unit).min(self.ceiling);
        }
    }

    /// A failure costs `weight / max_fails`, so that a peer about to be taken out already gets less.
    pub(crate) fn punish(&mut self, failures: u32, max_fails: u32) {
        if max_fails > 0 {
            let penalty = self.weight / i64::from(max_fails) * i64::from(failures);
            self.effective = (self.effective - penalty).max(0);
        }
    }
}

// ANCHOR: choose
/// This line of code chose the backend.
///
/// `walk` is what this request remembers between its tries; `ring` is there for `hash ... consistent` only.
pub(crate) fn choose(
    method: Method,
    candidates: &mut [Candidate],
    ring: Option<&Ring>,
    key: &PickKey<'_>,
    walk: &mut Walk,
    dice: impl FnMut() -> u64,
) -> Option<usize> {
    let chosen = match (method, ring) {
        (Method::RoundRobin, _) => None,
        (Method::LeastConn | Method::LeastTime { .. }, _) => return least_conn::pick(candidates),
        (Method::IpHash, _) => ip_hash::pick(candidates, key.client, walk),
        (Method::Hash { consistent: true }, Some(ring)) => {
            ring.pick(candidates, key.hash_key, walk)
        }
        (Method::Hash { .. }, _) => hash::pick(candidates, key.hash_key, walk),
        (Method::Random { two: false }, _) => random::pick(candidates, walk, dice),
        (Method::Random { two: true } | Method::RandomTime(_), _) => {
            random::pick_two(candidates, walk, dice)
        }
    };
    chosen.or_else(|| round_robin::pick(candidates))
}
// ANCHOR_END: choose

/// The candidate that owns `point` when each owns as many points in a row as its weight: 0 ..= total weight - 1.
fn owner_of(point: u64, candidates: &[Candidate]) -> usize {
    let mut left = i64::try_from(point).expect("a point is below the total weight");
    for (index, candidate) in candidates.iter().enumerate() {
        if left < candidate.weight {
            return index;
        }
        left -= candidate.weight;
    }
    unreachable!("a point is below the total weight");
}

/// The weights of all, also of those that are down: so a peer's clients stay where they are while another is away.
fn total_weight(candidates: &[Candidate]) -> u64 {
    candidates
        .iter()
        .map(|candidate| candidate.weight.unsigned_abs())
        .sum()
}

#[cfg(test)]
mod drawing {
    //! Candidates drawn in one line, for the tests of all methods.

    use super::Candidate;

    /// `"a:5 b:1 c:1!"`: a name, its weight (1 if absent), `!` when it is not eligible, `@3` with 3 requests in flight.
    pub(super) fn draw(line: &str) -> Vec<Candidate> {
        line.split_whitespace()
            .enumerate()
            .map(|(server, word)| candidate(server, word))
            .collect()
    }

    fn candidate(server: usize, word: &str) -> Candidate {
        let eligible = !word.ends_with('!');
        let (word, in_flight) = word
            .trim_end_matches('!')
            .split_once('@')
            .unwrap_or((word, "0"));
        let weight = word
            .trim_end_matches('!')
            .split_once(':')
            .map_or("1", |(_, weight)| weight);
        Candidate {
            eligible,
            load: in_flight.trim_end_matches('!').parse().unwrap(),
            ..Candidate::new(server, weight.parse().unwrap())
        }
    }

    /// 0 is `a`, 1 is `b`, nobody is `-`.
    pub(super) fn letter(chosen: Option<usize>) -> char {
        chosen.map_or('-', |index| char::from(b'a' + u8::try_from(index).unwrap()))
    }
}

#[cfg(test)]
mod tests {
    use super::drawing::{draw, letter};
    use super::*;

    #[test]
    fn each_owns_as_many_points_as_its_weight() {
        let candidates = draw("a:2 b:1 c:3");
        let owners: String = (0..total_weight(&candidates))
            .map(|point| letter(Some(owner_of(point, &candidates))))
            .collect();
        assert_eq!(owners, "aabccc");
    }

    #[test]
    fn a_method_without_a_choice_falls_back_to_round_robin() {
        // The client's own peer is a; it is away, and so is everyone but c.
        let key = PickKey {
            client: ClientAddr::Unix,
            hash_key: b"",
        };
        for method in [
            Method::RoundRobin,
            Method::LeastConn,
            Method::IpHash,
            Method::Hash { consistent: false },
            Method::Random { two: false },
            Method::Random { two: true },
        ] {
            let mut candidates = draw("a! b! c");
            let chosen = choose(
                method,
                &mut candidates,
                None,
                &key,
                &mut Walk::default(),
                || 0,
            );
            assert_eq!(letter(chosen), 'c', "{method:?}");
        }
    }

    #[test]
    fn nobody_is_chosen_when_nobody_is_eligible() {
        let key = PickKey {
            client: ClientAddr::Unix,
            hash_key: b"k",
        };
        let mut candidates = draw("a! b! c!");
        assert_eq!(
            choose(
                Method::IpHash,
                &mut candidates,
                None,
                &key,
                &mut Walk::default(),
                || 0
            ),
            None
        );
    }

    #[test]
    fn a_failure_costs_a_share_of_the_weight() {
        let mut candidate = Candidate::new(0, 6);
        candidate.punish(1, 3);
        assert_eq!(candidate.effective, 4);
        candidate.punish(5, 3);
        assert_eq!(candidate.effective, 0, "and never more than all of it");
        candidate.punish(1, 0);
        assert_eq!(candidate.effective, 0, "max_fails=0 counts nothing");
    }
}
