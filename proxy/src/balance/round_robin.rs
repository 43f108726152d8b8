//! Smooth weighted round robin: who has waited longest, measured in weight.
//!
//! Each time a peer is wanted, every eligible peer's `current` grows by its `effective` weight; the largest `current`
//! wins (the first of equals) and pays back the sum of all that was handed out. With weights 5, 1, 1 that gives
//! `a a b a c a a`: the proportions of the weights, but never all five of `a` in a row.
//!
//! ```text
//!   current after adding    chosen   current after paying 7
//!        5   1   1            a          -2   1   1
//!        3   2   2            a          -4   2   2
//!        1   3   3            b           1  -4   3
//! ```
//!
//! The sum of all `current` stays 0, so nobody can wait for ever. After a failure `effective` is lower than `weight`
//! and grows back by one a round: a peer that returns is not flooded at once.

use super::Candidate;

pub(crate) fn pick(candidates: &mut [Candidate]) -> Option<usize> {
    pick_where(candidates, |_| true)
}

// ANCHOR: pick
/// The same among those eligible candidates that `wanted` accepts; the others do not take part in the round.
pub(super) fn pick_where(
    candidates: &mut [Candidate],
    wanted: impl Fn(&Candidate) -> bool,
) -> Option<usize> {
    let mut best: Option<(usize, i64)> = None;
    let mut total = 0;
    for (index, candidate) in candidates.iter_mut().enumerate() {
        if !candidate.eligible || !wanted(candidate) {
            continue;
        }
        candidate.current += candidate.effective;
        total += candidate.effective;
        candidate.recover();
        // Only a larger one wins: among equals the first in the file does.
        if best.is_none_or(|(_, largest)| candidate.current > largest) {
            best = Some((index, candidate.current));
        }
    }
    let (index, _) = best?;
    candidates[index].current -= total;
    Some(index)
}
// ANCHOR_END: pick

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    fn rounds(candidates: &mut [Candidate], n: usize) -> String {
        (0..n).map(|_| letter(pick(candidates))).collect()
    }

    fn currents(candidates: &[Candidate]) -> Vec<i64> {
        candidates
            .iter()
            .map(|candidate| candidate.current)
            .collect()
    }

    #[test]
    fn weights_5_1_1_are_spread_smoothly() {
        let mut peers = draw("a:5 b:1 c:1");
        for (chosen, after) in [
            ('a', [-2, 1, 1]),
            ('a', [-4, 2, 2]),
            ('b', [1, -4, 3]),
            ('a', [-1, -3, 4]),
            ('c', [4, -2, -2]),
            ('a', [2, -1, -1]),
            ('a', [0, 0, 0]),
        ] {
            assert_eq!(letter(pick(&mut peers)), chosen);
            assert_eq!(currents(&peers), after);
        }
    }

    #[test]
    fn equal_peers_take_turns_in_the_order_of_the_file() {
        assert_eq!(rounds(&mut draw("a b c"), 9), "abcabcabc");
    }

    #[test]
    fn those_who_are_not_eligible_do_not_take_part() {
        assert_eq!(rounds(&mut draw("a b! c"), 4), "acac");
        assert_eq!(rounds(&mut draw("a! b!"), 1), "-");
    }

    #[test]
    fn a_peer_that_comes_back_is_not_owed_the_turns_it_missed() {
        let mut peers = draw("a b! c");
        assert_eq!(rounds(&mut peers, 4), "acac");
        peers[1].eligible = true;
        assert_eq!(rounds(&mut peers, 6), "abcabc");
    }

    #[test]
    fn a_punished_peer_grows_back_by_one_a_round() {
        let mut peers = draw("a:4 b:4");
        peers[0].punish(1, 1);
        let grown: Vec<i64> = (0..5)
            .map(|_| (pick(&mut peers), peers[0].effective).1)
            .collect();
        assert_eq!(grown, [1, 2, 3, 4, 4]);
    }

    #[test]
    fn a_peer_without_effective_weight_is_still_chosen_when_it_is_alone() {
        let mut peers = draw("a:4 b:4!");
        peers[0].punish(1, 1);
        assert_eq!(letter(pick(&mut peers)), 'a');
    }
}
