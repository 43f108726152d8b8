//! Upstreams as their users see them: who is picked, who is not, and what the report says about it. No sleeps: the test
//! turns the clock.

use std::io::ErrorKind;
use std::time::Duration;

use super::*;
use crate::balance::ClientAddr;

mod changes;

const REFUSED: Failure = Failure::Connect(ErrorKind::ConnectionRefused);

/// `"a:80 weight=5"`, one line a server; a server that is an address needs no resolving.
fn upstream(method: Method, lines: &[&str]) -> Upstream {
    let servers = lines.iter().map(|line| server(line)).collect();
    Upstream::new(UpstreamConfig {
        name: "backends".to_owned(),
        servers,
        method,
        queue: None,
    })
}

fn server(line: &str) -> ServerConfig {
    let mut words = line.split_whitespace();
    let mut server = ServerConfig::new(words.next().unwrap(), 80).unwrap();
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("weight", n) => server.weight = n.parse().unwrap(),
            ("max_fails", n) => server.max_fails = n.parse().unwrap(),
            ("max_conns", n) => server.max_conns = n.parse().unwrap(),
            ("slow_start", n) => server.slow_start = seconds(n.parse().unwrap()),
            ("backup", _) => server.backup = true,
            ("down", _) => server.down = true,
            other => panic!("{other:?}"),
        }
    }
    server
}

/// Servers 127.0.0.1:1, :2, ... with the given parameters; a pick is shown by its port.
fn local(method: Method, parameters: &[&str]) -> Upstream {
    let lines: Vec<String> = parameters
        .iter()
        .enumerate()
        .map(|(i, words)| format!("127.0.0.1:{} {words}", i + 1))
        .collect();
    upstream(
        method,
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn key() -> PickKey<'static> {
    PickKey {
        client: ClientAddr::Unix,
        hash_key: b"key",
    }
}

fn pick(upstream: &Upstream, tried: &mut Tried, now: Instant) -> Option<Lease> {
    upstream.pick(&key(), tried, now)
}

fn port(lease: &Lease) -> u16 {
    match lease.address() {
        Address::Tcp(address) => address.port(),
        Address::Unix(_) => 0,
    }
}

fn succeed(lease: Lease, now: Instant) {
    lease.succeed(
        Duration::from_millis(3),
        Duration::from_millis(4),
        200,
        100,
        now,
    );
}

/// `n` requests, one after the other, all answered; their ports as one text, `-` for "no live upstreams".
fn requests(upstream: &Upstream, n: usize, now: Instant) -> String {
    let one = |_| match pick(upstream, &mut Tried::default(), now) {
        None => "-".to_owned(),
        Some(lease) => {
            let port = port(&lease).to_string();
            succeed(lease, now);
            port
        }
    };
    (0..n).map(one).collect()
}

/// A request that reaches the peer with this port, trying others before it.
fn lease_of(upstream: &Upstream, wanted: u16, now: Instant) -> Lease {
    let mut tried = Tried::default();
    let mut leases = std::iter::from_fn(|| pick(upstream, &mut tried, now));
    leases
        .find(|lease| port(lease) == wanted)
        .expect("the peer takes requests")
}

fn fail_at(upstream: &Upstream, wanted: u16, now: Instant) {
    lease_of(upstream, wanted, now).fail(REFUSED, now);
}

fn state(upstream: &Upstream, index: usize) -> (State, String) {
    let condition = upstream.report().peers.swap_remove(index).condition;
    (condition.state, condition.why.unwrap_or_default())
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn requests_go_round_by_weight() {
    let now = Instant::now();
    assert_eq!(
        requests(&local(Method::RoundRobin, &["", "", ""]), 6, now),
        "123123"
    );
    assert_eq!(
        requests(&local(Method::RoundRobin, &["weight=5", "", ""]), 7, now),
        "1121311"
    );
}

#[test]
fn a_retry_goes_to_another_peer_until_all_were_tried() {
    for method in [
        Method::RoundRobin,
        Method::LeastConn,
        Method::IpHash,
        Method::Hash { consistent: true },
    ] {
        let (upstream, now) = (
            local(method, &["max_fails=0", "max_fails=0", "max_fails=0"]),
            Instant::now(),
        );
        let mut tried = Tried::default();
        let mut seen = Vec::new();
        while let Some(lease) = pick(&upstream, &mut tried, now) {
            seen.push(port(&lease));
            assert_eq!(tried.may_retry(), seen.len() < 3, "{method:?}");
            lease.fail(REFUSED, now);
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3], "{method:?}");
    }
}

#[test]
fn a_failed_peer_is_out_then_tried_once_then_back() {
    let (upstream, start) = (local(Method::RoundRobin, &["", "", ""]), Instant::now());
    fail_at(&upstream, 2, start);
    assert!(!requests(&upstream, 6, start).contains('2'));
    assert_eq!(
        state(&upstream, 1),
        (
            State::Unavailable,
            "1 failure in 10s: connection refused".to_owned()
        )
    );
    let condition = upstream.report().peers.swap_remove(1).condition;
    assert_eq!(
        (condition.since, condition.until),
        (Some(start), Some(start + seconds(10)))
    );

    let later = start + seconds(11);
    let trial = lease_of(&upstream, 2, later);
    assert!(
        !requests(&upstream, 6, later).contains('2'),
        "one trial at a time"
    );
    succeed(trial, later);
    assert!(requests(&upstream, 6, later).contains('2'));
    let back = (
        State::Up,
        "back after 11s (1 failure in 10s: connection refused)".to_owned(),
    );
    assert_eq!(state(&upstream, 1), back);
}

#[test]
fn a_response_head_is_enough_to_come_back() {
    let (upstream, start) = (local(Method::RoundRobin, &["", "down"]), Instant::now());
    fail_at(&upstream, 1, start);
    let trial = pick(&upstream, &mut Tried::default(), start + seconds(11)).unwrap();
    trial.alive(start + seconds(11));
    assert_eq!(
        state(&upstream, 0).0,
        State::Up,
        "although the trial is still under way"
    );
    drop(trial);
}

#[test]
fn when_all_are_out_there_is_no_live_upstream() {
    let (upstream, now) = (local(Method::RoundRobin, &["", ""]), Instant::now());
    fail_at(&upstream, 1, now);
    fail_at(&upstream, 2, now);
    assert_eq!(requests(&upstream, 2, now), "--");
}

#[test]
fn the_only_peer_is_never_taken_out() {
    let (upstream, now) = (local(Method::RoundRobin, &[""]), Instant::now());
    for _ in 0..3 {
        let mut tried = Tried::default();
        pick(&upstream, &mut tried, now).unwrap().fail(REFUSED, now);
        assert!(!tried.may_retry());
    }
    let why = "3 failures, last: connection refused; the only peer is never taken out".to_owned();
    assert_eq!(state(&upstream, 0), (State::Up, why));
    assert_eq!(requests(&upstream, 2, now), "11");
    assert_eq!(state(&upstream, 0), (State::Up, String::new()));
}

#[test]
fn backups_serve_only_while_no_primary_can() {
    for method in [Method::RoundRobin, Method::LeastConn, Method::IpHash] {
        let (upstream, now) = (local(method, &["", "", "backup", "backup"]), Instant::now());
        assert!(
            !requests(&upstream, 20, now).contains(['3', '4']),
            "{method:?}"
        );
        fail_at(&upstream, 1, now);
        assert_eq!(requests(&upstream, 4, now), "2222", "{method:?}");
        fail_at(&upstream, 2, now);
        assert_eq!(requests(&upstream, 4, now), "3434", "{method:?}");
    }
}

#[test]
fn a_request_tries_the_primaries_and_then_the_backups() {
    let (upstream, now) = (
        local(Method::RoundRobin, &["", "", "backup"]),
        Instant::now(),
    );
    let mut tried = Tried::default();
    let mut ports = Vec::new();
    while let Some(lease) = pick(&upstream, &mut tried, now) {
        ports.push(port(&lease));
    }
    assert_eq!(ports, [1, 2, 3]);
}

#[test]
fn a_primary_with_a_backup_is_not_the_only_peer() {
    let (upstream, now) = (local(Method::RoundRobin, &["", "backup"]), Instant::now());
    fail_at(&upstream, 1, now);
    assert_eq!(requests(&upstream, 2, now), "22");
}

#[test]
fn down_peers_get_nothing() {
    let (upstream, now) = (local(Method::RoundRobin, &["", "down", ""]), Instant::now());
    assert_eq!(requests(&upstream, 4, now), "1313");
    assert_eq!(state(&upstream, 1).0, State::Down);
    assert_eq!(requests(&local(Method::RoundRobin, &["down"]), 1, now), "-");
}

#[test]
fn max_conns_limits_what_is_in_flight() {
    let (upstream, now) = (
        local(Method::RoundRobin, &["max_conns=1", "max_conns=2"]),
        Instant::now(),
    );
    let mut leases: Vec<Lease> = (0..3)
        .map(|_| pick(&upstream, &mut Tried::default(), now).unwrap())
        .collect();
    assert_eq!(leases.iter().map(port).collect::<Vec<_>>(), [1, 2, 2]);
    assert!(
        pick(&upstream, &mut Tried::default(), now).is_none(),
        "all are full"
    );
    leases.remove(0);
    assert_eq!(
        requests(&upstream, 1, now),
        "1",
        "a dropped lease makes room"
    );
}

#[test]
fn least_conn_sees_what_is_in_flight() {
    let (upstream, now) = (local(Method::LeastConn, &["", "", ""]), Instant::now());
    let slow = pick(&upstream, &mut Tried::default(), now).unwrap();
    assert_eq!(port(&slow), 1);
    assert_eq!(requests(&upstream, 4, now), "2323");
}

#[test]
fn the_report_counts_what_happened() {
    let (upstream, now) = (local(Method::RoundRobin, &["", ""]), Instant::now());
    requests(&upstream, 4, now);
    let held = pick(&upstream, &mut Tried::default(), now).unwrap();
    pick(&upstream, &mut Tried::default(), now)
        .unwrap()
        .fail(Failure::HttpStatus(503), now);
    let report = upstream.report();
    let [first, second] = &report.peers[..] else {
        panic!()
    };
    assert_eq!((first.requests, first.in_flight, first.fails), (3, 1, 0));
    assert_eq!((second.requests, second.in_flight, second.fails), (3, 0, 1));
    assert_eq!(
        (first.responses, second.responses),
        ([0, 2, 0, 0, 0], [0, 2, 0, 0, 1])
    );
    assert_eq!((first.bytes, first.latency.count()), (200, 2));
    drop(held);
}

#[test]
fn a_name_is_down_until_it_resolves() {
    let (upstream, now) = (
        upstream(Method::RoundRobin, &["backend1:5000", "127.0.0.1:2"]),
        Instant::now(),
    );
    assert_eq!(requests(&upstream, 2, now), "22");
    upstream.lost(0, "Name or service not known", now);
    let why = "does not resolve yet: Name or service not known".to_owned();
    assert_eq!(state(&upstream, 0), (State::Unresolved, why.clone()));

    upstream.resolved(0, vec!["127.0.0.1:1".parse().unwrap()], now + seconds(3));
    assert_eq!(requests(&upstream, 4, now), "1212");
    assert_eq!(
        state(&upstream, 0),
        (State::Up, format!("back after 3s ({why})"))
    );
}

#[test]
fn a_name_with_several_addresses_is_several_peers() {
    let (upstream, now) = (
        upstream(
            Method::RoundRobin,
            &["backend:5000 weight=2", "127.0.0.1:9"],
        ),
        Instant::now(),
    );
    upstream.resolved(
        0,
        ["127.0.0.1:2", "127.0.0.1:1"]
            .map(|text| text.parse().unwrap())
            .to_vec(),
        now,
    );
    let shares = requests(&upstream, 10, now);
    assert_eq!(
        ["1", "2", "9"].map(|port| shares.matches(port).count()),
        [4, 4, 2]
    );
}

#[test]
fn a_new_address_keeps_the_counters_and_forgets_the_failures() {
    let (upstream, now) = (
        upstream(Method::RoundRobin, &["backend1:5000", "127.0.0.1:9"]),
        Instant::now(),
    );
    upstream.resolved(0, vec!["127.0.0.1:1".parse().unwrap()], now);
    fail_at(&upstream, 1, now);
    upstream.resolved(0, vec!["127.0.0.1:2".parse().unwrap()], now);
    assert!(requests(&upstream, 2, now).contains('2'));
    assert_eq!(upstream.report().peers[0].fails, 1);
}

#[test]
fn one_new_address_of_two_leaves_the_other_peer_alone() {
    let (upstream, now) = (
        upstream(Method::RoundRobin, &["backend:5000"]),
        Instant::now(),
    );
    let addresses = |ports: &[u16]| {
        ports
            .iter()
            .map(|port| ([127, 0, 0, 1], *port).into())
            .collect()
    };
    upstream.resolved(0, addresses(&[1, 2]), now);
    fail_at(&upstream, 2, now);
    upstream.resolved(0, addresses(&[2, 3]), now);
    assert_eq!(requests(&upstream, 2, now), "33", "2 is still out");
}

#[test]
fn a_failed_lookup_takes_the_address_only_from_a_peer_that_fails() {
    let (upstream, now) = (
        upstream(Method::RoundRobin, &["backend1:5000", "127.0.0.1:9"]),
        Instant::now(),
    );
    upstream.resolved(0, vec!["127.0.0.1:1".parse().unwrap()], now);
    upstream.lost(0, "no answer", now);
    assert_eq!(requests(&upstream, 2, now), "19");
    fail_at(&upstream, 1, now);
    upstream.lost(0, "no answer", now);
    let why = "1 failure in 10s: connection refused; does not resolve any more (was 127.0.0.1:1): no answer";
    assert_eq!(state(&upstream, 0), (State::Unresolved, why.to_owned()));
    assert_eq!(
        requests(&upstream, 2, now + seconds(11)),
        "99",
        "and no trial is wasted on it"
    );
}

#[test]
fn a_reload_keeps_what_was_learnt_about_peers_of_the_same_name() {
    let now = Instant::now();
    let old = upstream(
        Method::RoundRobin,
        &["backend1:5000", "127.0.0.1:2", "127.0.0.1:3"],
    );
    old.resolved(0, vec!["127.0.0.1:1".parse().unwrap()], now);
    requests(&old, 3, now);
    fail_at(&old, 2, now);
    let under_way = lease_of(&old, 1, now);

    let new = upstream(
        Method::LeastConn,
        &["127.0.0.1:2", "127.0.0.1:4", "backend1:5000 weight=3"],
    );
    new.adopt(&old);
    assert_eq!(state(&new, 0).0, State::Unavailable);
    let report = new.report();
    assert_eq!(
        report.peers[2].address.as_deref(),
        Some("127.0.0.1:1"),
        "it is not asked for again"
    );
    assert_eq!(
        report.peers[2].weight, 3,
        "the configuration is the new one"
    );
    assert_eq!(
        report.peers.iter().map(|peer| peer.in_flight).sum::<u64>(),
        1
    );
    drop(under_way);
    assert_eq!(
        new.report()
            .peers
            .iter()
            .map(|peer| peer.in_flight)
            .sum::<u64>(),
        0
    );
    assert_eq!(new.report().peers[1].requests, 0, "a new peer starts at 0");
}

#[test]
fn an_implicit_upstream_is_one_server_with_the_default_port() {
    let upstream = Upstream::implicit("127.0.0.1", 443).unwrap();
    let lease = pick(&upstream, &mut Tried::default(), Instant::now()).unwrap();
    assert_eq!(
        (lease.address().to_string(), lease.peer().label.as_str()),
        ("127.0.0.1:443".to_owned(), "127.0.0.1:443")
    );
    assert_eq!(
        Upstream::implicit("unix:/run/a.sock:", 80)
            .unwrap()
            .servers()[0]
            .target,
        Target::parse("unix:/run/a.sock", 80).unwrap()
    );
}

#[test]
fn a_retry_survives_a_change_of_the_peers() {
    let (upstream, now) = (
        upstream(Method::RoundRobin, &["backend:5000", "127.0.0.1:9"]),
        Instant::now(),
    );
    upstream.resolved(0, vec!["127.0.0.1:1".parse().unwrap()], now);
    let mut tried = Tried::default();
    drop(pick(&upstream, &mut tried, now).unwrap());
    upstream.resolved(
        0,
        (1..4).map(|port| ([127, 0, 0, 1], port).into()).collect(),
        now,
    );
    assert!(pick(&upstream, &mut tried, now).is_some());
}
