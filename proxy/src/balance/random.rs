//! `random`: a weighted throw of the dice; `random two least_conn`: two throws, and the less busy of both.
//!
//! One random choice of n leaves some peers with far more than their share: among n equal peers the fullest of n
//! throws holds about ln n / ln ln n. The better of two holds about ln ln n / ln 2: the "power of two choices". And it
//! needs no common knowledge: several proxies before the same peers each see only their own requests, and with plain
//! `least_conn` all would run to the same peer.

use super::{Candidate, Walk, owner_of, total_weight};

pub(crate) fn pick(
    candidates: &[Candidate],
    walk: &mut Walk,
    mut dice: impl FnMut() -> u64,
) -> Option<usize> {
    if candidates.len() < 2 {
        return None;
    }
    while !walk.is_lost() {
        let index = throw(candidates, &mut dice);
        if candidates[index].eligible {
            return Some(index);
        }
        walk.miss();
    }
    None
}

/// Two different eligible peers are drawn; the second wins ties.
pub(crate) fn pick_two(
    candidates: &[Candidate],
    walk: &mut Walk,
    mut dice: impl FnMut() -> u64,
) -> Option<usize> {
    if candidates.len() < 2 {
        return None;
    }
    let mut first = None;
    while !walk.is_lost() {
        let index = throw(candidates, &mut dice);
        if Some(index) == first || !candidates[index].eligible {
            walk.miss();
            continue;
        }
        match first {
            None => first = Some(index),
            Some(first) => return Some(less_busy(candidates, first, index)),
        }
    }
    None
}

fn throw(candidates: &[Candidate], dice: &mut impl FnMut() -> u64) -> usize {
    owner_of(dice() % total_weight(candidates), candidates)
}

fn less_busy(candidates: &[Candidate], first: usize, second: usize) -> usize {
    let (one, two) = (&candidates[first], &candidates[second]);
    if two.load * one.weight.unsigned_abs() > one.load * two.weight.unsigned_abs() {
        first
    } else {
        second
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    /// Throws the given numbers, then the last for ever.
    fn dice(throws: &'static [u64]) -> impl FnMut() -> u64 {
        let mut next = 0;
        move || {
            next += 1;
            throws[(next - 1).min(throws.len() - 1)]
        }
    }

    #[test]
    fn the_dice_choose_by_weight() {
        for (throw, chosen) in [(0, 'a'), (2, 'a'), (3, 'b'), (4, 'a'), (7, 'b')] {
            let index = pick(&draw("a:3 b:1"), &mut Walk::default(), || throw);
            assert_eq!(letter(index), chosen, "{throw}");
        }
    }

    #[test]
    fn a_peer_that_cannot_be_used_means_another_throw() {
        assert_eq!(
            letter(pick(&draw("a! b"), &mut Walk::default(), dice(&[0, 0, 1]))),
            'b'
        );
    }

    #[test]
    fn twenty_bad_throws_end_it() {
        let mut throws = 0;
        let chosen = pick(&draw("a! b"), &mut Walk::default(), || {
            throws += 1;
            0
        });
        assert_eq!((chosen, throws), (None, 21));
    }

    #[test]
    fn of_two_the_less_busy_for_its_weight_is_chosen() {
        for (peers, throws, chosen) in [
            ("a@5 b@1 c@9", &[0, 1][..], 'b'),
            ("a@5 b@1 c@9", &[1, 0], 'b'),
            ("a@5 b@1 c@9", &[0, 2], 'a'),
            ("a@1 b@1", &[0, 1], 'b'), // a tie goes to the second throw
            ("a@1 b@1", &[1, 0], 'a'),
            ("a:4@4 b:1@2", &[0, 4], 'a'),       // 4/4 against 2/1
            ("a@5 b@9 c@1", &[0, 0, 0, 1], 'a'), // the same one twice is not two
            ("a@5 b@0! c@1", &[1, 0, 1, 2], 'c'),
        ] {
            assert_eq!(
                letter(pick_two(&draw(peers), &mut Walk::default(), dice(throws))),
                chosen,
                "{peers} {throws:?}"
            );
        }
    }

    #[test]
    fn when_only_one_is_left_two_cannot_be_drawn_and_round_robin_has_it() {
        assert_eq!(
            pick_two(&draw("a b!"), &mut Walk::default(), dice(&[0])),
            None
        );
    }
}
