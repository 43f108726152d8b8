//! The peer with the fewest requests in flight for its weight.
//!
//! Compared is `in_flight / weight`, without a division: a before b if `a.load * b.weight < b.load * a.weight`.
//! Equals share by round robin; in an idle system all are equal, and it *is* round robin.

use std::cmp::Ordering;

use super::{Candidate, round_robin};

pub(crate) fn pick(candidates: &mut [Candidate]) -> Option<usize> {
    let least = candidates
        .iter()
        .filter(|candidate| candidate.eligible)
        .min_by(|a, b| by_load(a, b))?
        .clone();
    let is_least = |candidate: &Candidate| by_load(candidate, &least).is_eq();
    let mut all_least = (0..candidates.len())
        .filter(|index| candidates[*index].eligible && is_least(&candidates[*index]));
    match (all_least.next(), all_least.next()) {
        (Some(only), None) => Some(only),
        // Only equals take part in the round: who is busier now neither gains nor loses a turn.
        _ => round_robin::pick_where(candidates, is_least),
    }
}

fn by_load(a: &Candidate, b: &Candidate) -> Ordering {
    (a.load * b.ceiling.unsigned_abs()).cmp(&(b.load * a.ceiling.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    #[test]
    fn the_least_loaded_for_its_weight_is_chosen() {
        for (peers, chosen) in [
            ("a@2 b@1 c@3", 'b'),
            ("a@2 b@1! c@3", 'a'),
            ("a:1@1 b:4@3 c:1@2", 'b'), // 1/1, 3/4, 2/1
            ("a:2@4 b:3@5 c:1@2", 'b'), // 4/2, 5/3, 2/1
            ("a@0 b@0 c@0", 'a'),
            ("a@1 b@0 c@0", 'b'),
            ("a:1@0 b:9@1", 'a'), // an idle peer is the least loaded, whatever the weights
            ("a! b!", '-'),
        ] {
            assert_eq!(letter(pick(&mut draw(peers))), chosen, "{peers}");
        }
    }

    #[test]
    fn equals_share_by_round_robin() {
        let mut peers = draw("a b c@1 d");
        let chosen: String = (0..6).map(|_| letter(pick(&mut peers))).collect();
        assert_eq!(chosen, "abdabd");
        assert_eq!(peers[2].current, 0, "the busier one took no part");
    }

    #[test]
    fn equals_share_by_weight_when_all_are_idle() {
        let mut peers = draw("a:5 b:1 c:1");
        let chosen: String = (0..7).map(|_| letter(pick(&mut peers))).collect();
        assert_eq!(chosen, "aabacaa");
    }

    #[test]
    fn a_clear_winner_leaves_the_turns_of_round_robin_alone() {
        let mut peers = draw("a@1 b");
        assert_eq!(letter(pick(&mut peers)), 'b');
        assert_eq!(peers[1].current, 0);
    }
}
