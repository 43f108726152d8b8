//! `hash KEY`: any value of the request decides, for example `hash $request_uri`.
//!
//! CRC-32 is the hash (it spreads well and everyone has it; nobody's security rests on it). Its upper half is taken:
//!
//! ```text
//!   position += (crc32(KEY) >> 16) & 0x7fff         peer = the owner of position mod total weight
//! ```
//!
//! If that peer can't be used, the round's number is put before the key (`"1KEY"`, `"2KEY"`) and the sum goes on; after
//! 20 misses round robin chooses. The same arithmetic is in Perl's `Cache::Memcached` and in nginx. Its weakness: when
//! a peer is added or removed the total changes, and nearly every key moves. For caches see the ring.

use super::{Candidate, Walk, owner_of, total_weight};

pub(crate) fn pick(candidates: &[Candidate], key: &[u8], walk: &mut Walk) -> Option<usize> {
    if candidates.len() < 2 || key.is_empty() {
        return None;
    }
    let total = total_weight(candidates);
    while !walk.is_lost() {
        let position = walk.position.unwrap_or(0) + hash(walk.rounds, key);
        walk.position = Some(position);
        walk.rounds += 1;
        let index = owner_of(position % total, candidates);
        if candidates[index].eligible {
            return Some(index);
        }
        walk.miss();
    }
    None
}

fn hash(round: u32, key: &[u8]) -> u64 {
    let mut crc = crc32fast::Hasher::new();
    if round > 0 {
        crc.update(round.to_string().as_bytes());
    }
    crc.update(key);
    u64::from((crc.finalize() >> 16) & 0x7fff)
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    fn of(key: &str, peers: &str) -> char {
        letter(pick(&draw(peers), key.as_bytes(), &mut Walk::default()))
    }

    #[test]
    fn the_hash_is_the_upper_half_of_crc32() {
        assert_eq!(
            crc32fast::hash(b"123456789"),
            0xcbf4_3926,
            "the check value of CRC-32"
        );
        assert_eq!(hash(0, b"123456789"), 0x4bf4);
        assert_eq!(
            hash(1, b"23456789"),
            0x4bf4,
            "the round's number stands before the key"
        );
        assert_eq!(of("123456789", "a b c"), letter(Some(0x4bf4 % 3)));
    }

    #[test]
    fn keys_land_where_nginx_sends_them() {
        // Observed: nginx 1.22.1, weights 1, 3, 2.
        for (key, chosen) in [
            ("/", 'c'),
            ("/index.html", 'b'),
            ("/page/1", 'b'),
            ("a", 'c'),
        ] {
            assert_eq!(of(key, "a:1 b:3 c:2"), chosen, "{key}");
        }
    }

    #[test]
    fn the_same_key_comes_to_the_same_peer() {
        for n in 0..50 {
            let key = format!("/page/{n}");
            assert_eq!(of(&key, "a b c"), of(&key, "a b c"));
        }
    }

    #[test]
    fn keys_spread_by_weight() {
        let first = (0..10_000)
            .filter(|n| of(&format!("/{n}"), "a:3 b:1") == 'a')
            .count();
        assert!((7_300..7_700).contains(&first), "{first}");
    }

    #[test]
    fn removing_a_peer_moves_most_keys() {
        // Why caches want the ring: a third should move, two thirds do.
        let moved = (0..3_000)
            .filter(|n| of(&format!("/{n}"), "a b c") != of(&format!("/{n}"), "a b"))
            .count();
        assert!((1_800..2_200).contains(&moved), "{moved}");
    }

    #[test]
    fn a_retry_hashes_the_key_again() {
        let mut peers = draw("a b c");
        let mut walk = Walk::default();
        let mut seen = Vec::new();
        while let Some(index) = pick(&peers, b"key", &mut walk) {
            seen.push(index);
            peers[index].eligible = false;
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    }

    #[test]
    fn without_a_key_there_is_no_choice() {
        assert_eq!(of("", "a b c"), '-');
    }
}
