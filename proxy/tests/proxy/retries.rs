//! `proxy_next_upstream`: another peer is asked when that is safe, and only then.

use std::io::Write;

use crate::harness::{Backend, Proxy, wait_for};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const FRONT: &str = "upstream u { server unix:DIR/a.sock; server unix:DIR/b.sock; }
  server { listen unix:DIR/front.sock;
    location / { proxy_pass http://u; }
    location /once { proxy_pass http://u; proxy_next_upstream off; }
    location /500 { proxy_pass http://u; proxy_next_upstream http_500; } }";

#[test]
fn a_peer_that_hangs_up_costs_the_client_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let a = Backend::answering(dir.path(), "a.sock", "");
    let b = Backend::answering(dir.path(), "b.sock", OK);
    let proxy = Proxy::start_in(dir, FRONT);
    for _ in 0..4 {
        assert!(proxy.get("/x").ends_with("ok"));
    }
    assert_eq!(
        (a.seen().len(), b.seen().len()),
        (1, 4),
        "one failure takes the peer out"
    );
    let line = wait_for("the log", || {
        proxy.log("access.log").lines().next().map(str::to_owned)
    });
    let [a, b] = ["a", "b"]
        .map(|name| format!("unix:{}", proxy.path(name).with_extension("sock").display()));
    assert_eq!(line, format!("GET /x 200 [502, 200] {a}, {b}"));
}

#[test]
fn a_peer_that_is_not_there_costs_the_client_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let b = Backend::answering(dir.path(), "b.sock", OK);
    let proxy = Proxy::start_in(dir, FRONT);
    for _ in 0..4 {
        assert!(proxy.get("/").ends_with("ok"));
    }
    assert_eq!(b.seen().len(), 4);
}

#[test]
fn a_post_that_was_sent_is_not_sent_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let a = Backend::answering(dir.path(), "a.sock", "");
    let b = Backend::answering(dir.path(), "b.sock", OK);
    let proxy = Proxy::start_in(dir, FRONT);
    let answer =
        proxy.ask(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!((a.seen().len(), b.seen().len()), (1, 0));
}

#[test]
fn statuses_are_retried_where_the_configuration_lists_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let failing = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _a = Backend::answering(dir.path(), "a.sock", failing);
    let _b = Backend::answering(dir.path(), "b.sock", OK);
    let proxy = Proxy::start_in(dir, FRONT);
    assert!(
        proxy.get("/once").starts_with("HTTP/1.1 500 Oh\r\n"),
        "the peer's own words"
    );
    assert!(proxy.get("/500").ends_with("ok"));
    assert!(proxy.get("/500").ends_with("ok"));
}

#[test]
fn a_client_that_leaves_is_logged_as_499_and_the_peer_is_let_go() {
    let dir = tempfile::tempdir().expect("a folder");
    let (closed, let_go) = std::sync::mpsc::channel();
    let backend = Backend::start(dir.path(), "a.sock", move |mut stream, _| {
        use std::io::Read;
        let mut byte = [0];
        closed
            .send(stream.read(&mut byte).is_ok_and(|count| count == 0))
            .expect("the test waits");
    });
    let front =
        "server { listen unix:DIR/front.sock; location / { proxy_pass http://unix:DIR/a.sock; } }";
    let proxy = Proxy::start_in(dir, front);
    let mut stream = proxy.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    wait_for("the backend to be asked", || {
        (!backend.seen().is_empty()).then_some(())
    });
    drop(stream);
    assert!(
        let_go
            .recv_timeout(crate::harness::PATIENCE)
            .expect("the peer's connection is closed")
    );
    let line = wait_for("the log", || {
        proxy.log("access.log").lines().next().map(str::to_owned)
    });
    assert!(line.starts_with("GET /slow 499 "), "{line}");
}

#[test]
fn a_peer_that_says_nothing_is_given_up_in_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = Backend::start(dir.path(), "a.sock", |stream, _| {
        std::thread::spawn(move || {
            std::thread::park_timeout(crate::harness::PATIENCE);
            drop(stream);
        });
    });
    let front = "server { listen unix:DIR/front.sock; proxy_read_timeout 200ms;
      location / { proxy_pass http://unix:DIR/a.sock; } }";
    let proxy = Proxy::start_in(dir, front);
    assert!(
        proxy
            .get("/")
            .starts_with("HTTP/1.1 504 Gateway Time-out\r\n")
    );
    assert!(
        proxy
            .log("error.log")
            .contains("upstream timed out while reading response header from upstream")
    );
}
