//! `hash KEY consistent`: keys and peers lie on one ring, and a key belongs to the next peer clockwise.
//!
//! Each server has 160 points on the ring for each unit of weight. The ring has 2^32 places; a server's points are a chain
//!
//! ```text
//!   point 0 = crc32(HOST \0 PORT 0000)    point n = crc32(HOST \0 PORT point n-1)     (points: 4 bytes, low byte first)
//! ```
//!
//! and a key lies at crc32(KEY). Take one of n servers away, and only the keys that lay before its points move (about
//! 1/n), to whoever comes next; all others stay. That is what a row of caches needs. With 160 points each the shares
//! are even to about 10 %. The points are those of `Cache::Memcached::Fast` (ketama) and nginx.

use super::{Candidate, Walk, round_robin};

const POINTS_PER_WEIGHT: usize = 160;

/// The points of all servers, in the order of their places.
#[derive(Debug)]
pub(crate) struct Ring {
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    place: u32,
    server: usize,
}

impl Ring {
    /// `servers` are (number of the server line, its name as written, its weight).
    pub(crate) fn new<'a>(servers: impl Iterator<Item = (usize, &'a str, u32)>) -> Self {
        let mut points: Vec<Point> = servers
            .flat_map(|(server, name, weight)| chain(server, name, weight))
            .collect();
        points.sort_by_key(|point| point.place);
        points.dedup_by_key(|point| point.place);
        Self { points }
    }

    /// Walks clockwise from the key to the first server with an eligible peer; its addresses take turns.
    pub(crate) fn pick(
        &self,
        candidates: &mut [Candidate],
        key: &[u8],
        walk: &mut Walk,
    ) -> Option<usize> {
        if candidates.len() < 2 || key.is_empty() || self.points.is_empty() {
            return None;
        }
        let mut position = walk
            .position
            .unwrap_or_else(|| self.first_at_or_after(crc32fast::hash(key)));
        while !walk.is_lost() {
            let server = self.server_at(position);
            let chosen =
                round_robin::pick_where(candidates, |candidate| candidate.server == server);
            walk.position = Some(position);
            if chosen.is_some() {
                return chosen;
            }
            position += 1;
            walk.miss();
        }
        None
    }

    /// The servers that own `parts` places in equal distance.
    pub(crate) fn owners(&self, parts: usize) -> impl Iterator<Item = usize> + '_ {
        let parts = if self.points.is_empty() {
            0
        } else {
            parts as u64
        };
        (0..parts).map(move |part| {
            let place = u32::try_from(part * u64::from(u32::MAX) / parts);
            self.server_at(self.first_at_or_after(place.expect("less than all of a u32")))
        })
    }

    /// Where a key lies when the ring is drawn as a circle.
    pub(crate) fn degrees(key: &[u8]) -> f64 {
        f64::from(crc32fast::hash(key)) / f64::from(u32::MAX) * 360.0
    }

    fn first_at_or_after(&self, place: u32) -> u64 {
        self.points.partition_point(|point| point.place < place) as u64
    }

    /// After the last point comes the first: that makes it a ring.
    fn server_at(&self, position: u64) -> usize {
        self.points[(position % self.points.len() as u64) as usize].server
    }
}

fn chain(server: usize, name: &str, weight: u32) -> impl Iterator<Item = Point> {
    let mut base = crc32fast::Hasher::new();
    let (host, port) = host_and_port(name);
    base.update(host.as_bytes());
    base.update(&[0]);
    base.update(port.as_bytes());
    let mut previous = 0_u32;
    (0..POINTS_PER_WEIGHT * weight as usize).map(move |_| {
        let mut crc = base.clone();
        crc.update(&previous.to_le_bytes());
        previous = crc.finalize();
        Point {
            place: previous,
            server,
        }
    })
}

/// `backend1:5000` is `backend1` and `5000`; `unix:/run/a.sock` is its path; without a port the port is empty.
fn host_and_port(name: &str) -> (&str, &str) {
    if let Some((scheme, path)) = name.split_at_checked(5)
        && scheme.eq_ignore_ascii_case("unix:")
    {
        return (path, "");
    }
    match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{draw, letter};
    use super::*;

    fn ring(servers: &[(&str, u32)]) -> Ring {
        Ring::new(
            servers
                .iter()
                .enumerate()
                .map(|(server, (name, weight))| (server, *name, *weight)),
        )
    }

    fn of(ring: &Ring, key: &str, peers: &str) -> char {
        letter(ring.pick(&mut draw(peers), key.as_bytes(), &mut Walk::default()))
    }

    #[test]
    fn a_name_is_cut_as_nginx_cuts_it() {
        for (name, parts) in [
            ("backend1:5000", ("backend1", "5000")),
            ("backend1", ("backend1", "")),
            ("[::1]:80", ("[::1]", "80")),
            ("[::1]", ("[::1]", "")),
            ("unix:/run/a.sock", ("/run/a.sock", "")),
            ("UNIX:/run/a.sock", ("/run/a.sock", "")),
        ] {
            assert_eq!(host_and_port(name), parts, "{name}");
        }
    }

    #[test]
    fn each_unit_of_weight_has_160_points() {
        assert_eq!(ring(&[("a:1", 1)]).points.len(), 160);
        assert_eq!(ring(&[("a:1", 2), ("b:1", 1)]).points.len(), 480);
    }

    #[test]
    fn the_first_point_is_the_documented_crc() {
        let place = crc32fast::hash(b"127.0.0.1\x008081\0\0\0\0");
        assert_eq!(chain(0, "127.0.0.1:8081", 1).next().unwrap().place, place);
    }

    #[test]
    fn keys_land_where_nginx_sends_them() {
        // Observed: nginx 1.22.1 with these three servers.
        let ring = ring(&[
            ("127.0.0.1:5901", 1),
            ("127.0.0.1:5902", 3),
            ("127.0.0.1:5903", 2),
        ]);
        for (key, chosen) in [
            ("/", 'c'),
            ("/index.html", 'b'),
            ("/page/1", 'b'),
            ("/page/2", 'a'),
            ("brazil", 'a'),
            ("user-42", 'c'),
        ] {
            assert_eq!(of(&ring, key, "a:1 b:3 c:2"), chosen, "{key}");
        }
    }

    #[test]
    fn a_key_behind_the_last_point_belongs_to_the_first() {
        let ring = Ring {
            points: vec![
                Point {
                    place: 10,
                    server: 1,
                },
                Point {
                    place: 20,
                    server: 0,
                },
            ],
        };
        for (place, server) in [(0, 1), (10, 1), (11, 0), (20, 0), (21, 1), (u32::MAX, 1)] {
            assert_eq!(
                ring.server_at(ring.first_at_or_after(place)),
                server,
                "{place}"
            );
        }
    }

    #[test]
    fn removing_one_of_five_moves_a_fifth_of_the_keys_and_no_other() {
        let all = ring(&[("a:1", 1), ("b:1", 1), ("c:1", 1), ("d:1", 1), ("e:1", 1)]);
        let four = ring(&[("a:1", 1), ("b:1", 1), ("c:1", 1), ("d:1", 1)]);
        let mut moved = 0;
        for n in 0..10_000 {
            let key = format!("/page/{n}");
            let (before, after) = (of(&all, &key, "a b c d e"), of(&four, &key, "a b c d"));
            if before == 'e' {
                moved += 1;
            } else {
                assert_eq!(after, before, "{key} had no reason to move");
            }
        }
        assert!((1_500..2_500).contains(&moved), "{moved} of 10000 moved");
    }

    #[test]
    fn a_peer_that_is_away_moves_its_keys_as_if_it_were_removed() {
        let all = ring(&[("a:1", 1), ("b:1", 1), ("c:1", 1)]);
        let two = ring(&[("a:1", 1), ("b:1", 1)]);
        let same = (0..1_000)
            .filter(|n| of(&all, &n.to_string(), "a b c!") == of(&two, &n.to_string(), "a b"))
            .count();
        assert_eq!(same, 1_000);
    }

    #[test]
    fn weights_are_shares_of_the_ring() {
        let ring = ring(&[("a:1", 3), ("b:1", 1)]);
        let first = (0..10_000)
            .filter(|n| of(&ring, &n.to_string(), "a:3 b:1") == 'a')
            .count();
        assert!((6_700..8_300).contains(&first), "{first}");
    }

    #[test]
    fn the_addresses_of_one_name_take_turns() {
        let ring = ring(&[("a:1", 1)]);
        let mut peers = draw("x y");
        peers[1].server = 0;
        let chosen: String = (0..4)
            .map(|_| letter(ring.pick(&mut peers, b"key", &mut Walk::default())))
            .collect();
        assert_eq!(chosen, "abab");
    }

    #[test]
    fn a_retry_walks_on_to_the_next_server() {
        let ring = ring(&[("a:1", 1), ("b:1", 1)]);
        let mut peers = draw("a b");
        let mut walk = Walk::default();
        let first = ring.pick(&mut peers, b"key", &mut walk).unwrap();
        peers[first].eligible = false;
        let second = ring.pick(&mut peers, b"key", &mut walk).unwrap();
        assert_ne!(first, second);
    }
}
