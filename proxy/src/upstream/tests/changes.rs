//! Peers that come, go, come back, are checked, or are slow.

use super::*;
use crate::balance::Until;
use crate::dns::{Resolver, Trouble};
use crate::upstream::resolve::Resolving;

#[test]
fn a_peer_that_comes_back_grows_into_its_share() {
    let upstream = local(Method::RoundRobin, &["slow_start=10", "slow_start=10"]);
    let start = Instant::now();
    let at = |n| start + seconds(n);
    let share = |n| requests(&upstream, 20, at(n)).matches('1').count();
    assert_eq!(share(0), 10);
    fail_at(&upstream, 1, at(0));
    assert_eq!(share(1), 0, "it is out");
    succeed(lease_of(&upstream, 1, at(11)), at(11));
    let shares = [12, 14, 16, 18, 20].map(share);
    assert!(
        shares.is_sorted() && shares[0] <= 3 && shares[4] >= 8,
        "{shares:?}"
    );
    assert_eq!(share(22), 10);
}

#[test]
fn a_check_takes_a_peer_out_and_says_so() {
    let upstream = local(Method::RoundRobin, &["", ""]);
    let rules = CheckRules {
        fails: 1,
        passes: 1,
        mandatory: true,
        persistent: false,
    };
    upstream.expect_checks(vec![rules]);
    let now = Instant::now();
    assert!(pick(&upstream, &mut Tried::default(), now).is_none());
    assert_eq!(state(&upstream, 0).0, State::Checking);
    let peers = upstream.peers_to_check();
    peers[0].checked(0, Ok(()), "/", now + seconds(5), now);
    peers[1].checked(0, Err("status 503".to_owned()), "/", now + seconds(5), now);
    assert_eq!(requests(&upstream, 2, now), "11");
    let why = "check of / failed: status 503".to_owned();
    assert_eq!(state(&upstream, 1), (State::Unhealthy, why));
    let checks = upstream.report().peers[1]
        .checks
        .as_ref()
        .map(|checks| (checks.checks, checks.fails));
    assert_eq!(checks, Some((1, 1)));
    peers[1].checked(0, Ok(()), "/", now + seconds(10), now + seconds(5));
    assert_eq!(state(&upstream, 1).0, State::Up);
}

const LEAST_TIME: Method = Method::LeastTime {
    until: Until::Header,
    in_flight: true,
};

#[test]
fn least_time_leaves_a_peer_alone_that_lets_requests_wait() {
    let upstream = local(LEAST_TIME, &["", ""]);
    let start = Instant::now();
    let waiting = lease_of(&upstream, 1, start);
    let other = lease_of(&upstream, 2, start);
    succeed(other, start);
    waiting.alive(start);
    assert!(requests(&upstream, 4, start).contains('2'));
    let waits = lease_of(&upstream, 1, start);
    drop(waiting);
    let later = start + Duration::from_millis(900);
    assert_eq!(requests(&upstream, 4, later), "2222");
    drop(waits);
    assert!(
        requests(&upstream, 4, later).contains('1'),
        "nobody waits any more"
    );
}

#[test]
fn least_time_asks_the_quick_ones_and_gives_the_slow_another_chance() {
    let upstream = local(LEAST_TIME, &["", "", ""]);
    let start = Instant::now();
    let answer = |lease: Lease, ms, now| {
        let first_byte = Duration::from_millis(ms);
        lease.succeed(first_byte, first_byte, 200, 0, now);
    };
    // One answer of each, all at a time.
    let leases = [1, 2, 3].map(|port| (port, lease_of(&upstream, port, start)));
    for (port, lease) in leases {
        answer(lease, if port == 1 { 300 } else { 5 }, start);
    }
    assert_eq!(requests(&upstream, 6, start).matches('1').count(), 0);
    let later = start + seconds(60);
    assert!(
        requests(&upstream, 6, later).contains('1'),
        "its average has faded"
    );
}

#[test]
fn what_dns_says_is_what_there_is_and_those_that_stay_are_known() {
    let resolving = Resolving {
        resolver: Arc::new(Resolver::system()),
        patience: seconds(1),
        service: None,
    };
    let server = ServerConfig {
        resolving: Some(Arc::new(resolving)),
        ..ServerConfig::new("backend", 80).unwrap()
    };
    let upstream = Upstream::new(UpstreamConfig {
        name: "u".to_owned(),
        servers: vec![server],
        method: Method::RoundRobin,
        queue: None,
    });
    let now = Instant::now();
    // Ports, weights, and which are backups.
    let says = |endpoints: &[(u16, u32, bool)]| {
        let endpoint = |&(port, weight, backup): &(u16, u32, bool)| Endpoint {
            address: Address::Tcp(([127, 0, 0, 1], port).into()),
            weight,
            backup,
        };
        let endpoints = endpoints.iter().map(endpoint).collect();
        upstream.answered(0, Ok((endpoints, now)), now);
    };
    says(&[(1, 1, false), (2, 1, false)]);
    assert_eq!(requests(&upstream, 4, now), "1212");
    fail_at(&upstream, 1, now);
    says(&[(1, 1, false), (3, 2, false), (4, 1, true)]);
    assert_eq!(
        requests(&upstream, 3, now),
        "333",
        "the one that failed is still out"
    );
    let counts: Vec<u64> = upstream
        .report()
        .peers
        .iter()
        .map(|peer| peer.requests)
        .collect();
    assert_eq!(counts, [3, 3, 0]);
    assert_eq!(upstream.report().peers[1].weight, 2);
    upstream.answered(0, Err(Trouble::Server(2)), now);
    assert_eq!(requests(&upstream, 1, now), "3", "nobody knows better");
    upstream.answered(0, Err(Trouble::NotFound), now);
    assert_eq!(requests(&upstream, 1, now), "-");
    assert_eq!(state(&upstream, 0).0, State::Unresolved);
    says(&[(4, 1, true)]);
    assert_eq!(requests(&upstream, 1, now), "4");
}
