//! `health_check`, `match` and `queue`: peers are asked beside the requests, and requests wait for a free one.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;

use crate::harness::{Backend, PATIENCE, Proxy, test_config, wait_for};

/// Says `ok` or `sick` when it is checked, and its name when it is asked for anything else.
struct Patient {
    is_sick: Arc<AtomicBool>,
    backend: Backend,
}

impl Patient {
    fn start(dir: &Path, name: &'static str) -> Self {
        let is_sick = Arc::new(AtomicBool::new(false));
        let sick = Arc::clone(&is_sick);
        let backend = Backend::start(dir, &format!("{name}.sock"), move |mut stream, request| {
            let (status, body) = match (request.starts_with("GET /health "), sick.load(Relaxed)) {
                (true, false) => ("200 OK", "ok"),
                (true, true) => ("200 OK", "sick"),
                (false, false) => ("200 OK", name),
                (false, true) => ("500 Oh", "broken"),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nX-Health: {body}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        });
        Self { is_sick, backend }
    }

    fn clients(&self) -> usize {
        let seen = self.backend.seen();
        seen.iter()
            .filter(|request| request.starts_with("GET / "))
            .count()
    }

    fn checks(&self) -> usize {
        self.backend.seen().len() - self.clients()
    }
}

fn front(check: &str) -> String {
    format!(
        "upstream u {{ server unix:DIR/a.sock; server unix:DIR/b.sock; }}
         match well {{ status 200; header X-Health ~ ^[a-z]+$; header ! X-Sick; body ~ ^ok$; }}
         server {{ listen unix:DIR/front.sock;
           location / {{ proxy_pass http://u; proxy_set_header Host checked.test; proxy_set_header X-From $remote_addr;
             health_check uri=/health interval=50ms {check}; }} }}"
    )
}

fn who(proxy: &Proxy) -> String {
    let answer = proxy.get("/");
    answer
        .rsplit_once("\r\n\r\n")
        .expect("an answer")
        .1
        .to_owned()
}

fn round(proxy: &Proxy) -> String {
    (0..6).map(|_| who(proxy)).collect()
}

#[test]
fn a_peer_that_fails_its_check_is_out_before_a_client_sees_it_and_comes_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let a = Patient::start(dir.path(), "a");
    let b = Patient::start(dir.path(), "b");
    let proxy = Proxy::start_in(dir, &front("match=well fails=2 passes=2 jitter=10ms"));
    wait_for("checks of both", || {
        (a.checks() > 1 && b.checks() > 1).then_some(())
    });
    assert_eq!(round(&proxy), "ababab");
    a.is_sick.store(true, Relaxed);
    let checks = a.checks();
    wait_for("the checks that fail", || {
        (a.checks() > checks + 2).then_some(())
    });
    let clients = a.clients();
    assert_eq!(round(&proxy), "bbbbbb");
    assert_eq!(a.clients(), clients, "no client has met it");
    a.is_sick.store(false, Relaxed);
    wait_for("the peer to be back", || (who(&proxy) == "a").then_some(()));
    let check = a
        .backend
        .seen()
        .into_iter()
        .find(|request| request.contains("/health"));
    let check = check.expect("a check");
    assert!(
        check.starts_with("GET /health HTTP/1.1\r\nHost: checked.test\r\n"),
        "{check}"
    );
    assert!(
        !check.contains("X-From"),
        "there is no client to tell of: {check}"
    );
}

#[test]
fn a_peer_with_a_mandatory_check_waits_for_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let a = Patient::start(dir.path(), "a");
    let b = Patient::start(dir.path(), "b");
    a.is_sick.store(true, Relaxed);
    let proxy = Proxy::start_in(dir, &front("match=well mandatory"));
    wait_for("the peer that is well", || {
        (who(&proxy) == "b").then_some(())
    });
    assert_eq!(round(&proxy), "bbbbbb");
    assert_eq!(a.clients(), 0);
    a.is_sick.store(false, Relaxed);
    wait_for("the other", || (who(&proxy) == "a").then_some(()));
    drop(b);
}

#[test]
fn checks_go_on_over_a_reload_and_on_one_connection() {
    let dir = tempfile::tempdir().expect("a folder");
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    // One that keeps its connections open.
    let _a = Backend::start(dir.path(), "a.sock", move |mut stream, _| {
        counted.fetch_add(1, Relaxed);
        std::thread::spawn(move || {
            use std::io::Read;
            loop {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
                if !stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                    return;
                }
            }
        });
    });
    let b = Patient::start(dir.path(), "b");
    let proxy = Proxy::start_in(dir, &front("keepalive_time=1m"));
    wait_for("checks", || (b.checks() > 4).then_some(()));
    assert_eq!(
        connections.load(Relaxed),
        1,
        "all checks of a came on one connection"
    );
    proxy.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the reload", || {
        proxy
            .log("error.log")
            .contains("exited with code 0")
            .then_some(())
    });
    let checks = b.checks();
    wait_for("more checks", || (b.checks() > checks + 2).then_some(()));
}

#[test]
fn a_check_that_makes_no_sense_is_refused_in_words() {
    for (http, why) in [
        (
            "server { location / { health_check; } }",
            "needs a \"proxy_pass\"",
        ),
        (
            "server { location / { proxy_pass http://$host; health_check; } }",
            "with variables",
        ),
        (
            "server { location / { proxy_pass http://127.0.0.1:1; health_check match=no; } }",
            "match \"no\" not found",
        ),
        (
            "server { location / { proxy_pass http://127.0.0.1:1; health_check fails=0; } }",
            "invalid parameter",
        ),
        (
            "server { location / { proxy_pass http://127.0.0.1:1; health_check type=grpc; } }",
            "not implemented",
        ),
        (
            "server { location / { proxy_pass http://127.0.0.1:1; health_check persistent; } }",
            "needs \"mandatory\"",
        ),
        ("match m { status 99; }", "invalid \"status\""),
        ("match m { status 300-200; }", "invalid \"status\""),
        ("match m { header; }", "invalid \"header\""),
        ("match m { body ok; }", "invalid \"body\""),
        ("match m { require $host; }", "not implemented"),
        (
            "match m { status 200; } match m { status 200; }",
            "duplicate match",
        ),
        (
            "upstream u { server 127.0.0.1:1 slow_start=5s; server 127.0.0.1:2; ip_hash; }",
            "slow_start",
        ),
        ("upstream u { zone z 1k; server 127.0.0.1:1; }", "too small"),
        (
            "upstream u { server 127.0.0.1:1; state peers.state; }",
            "state",
        ),
    ] {
        let output = test_config(http);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(why),
            "{http}: {said}"
        );
    }
}

#[test]
fn a_request_waits_in_the_queue_for_a_peer_that_is_full() {
    let dir = tempfile::tempdir().expect("a folder");
    let (reached, is_reached) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let _a = Backend::start(dir.path(), "a.sock", move |mut stream, _| {
        reached.send(()).expect("the test waits");
        finished.recv_timeout(PATIENCE).expect("the test goes on");
        let _ =
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na");
    });
    let proxy = Proxy::start_in(
        dir,
        "upstream u { server unix:DIR/a.sock max_conns=1; queue 1 timeout=10s; }
         upstream short { server unix:DIR/a.sock max_conns=1; queue 1 timeout=50ms; }
         server { listen unix:DIR/front.sock; location / { proxy_pass http://u; } }",
    );
    std::thread::scope(|scope| {
        let first = scope.spawn(|| who(&proxy));
        is_reached
            .recv_timeout(PATIENCE)
            .expect("the first is there");
        let waiting = [scope.spawn(|| who(&proxy)), scope.spawn(|| who(&proxy))];
        // One of the two has the place in the queue, the other none.
        wait_for("the refusal", || {
            proxy.log("access.log").contains(" 502 ").then_some(())
        });
        finish.send(()).expect("the backend waits");
        is_reached
            .recv_timeout(PATIENCE)
            .expect("the next is there");
        finish.send(()).expect("the backend waits");
        let mut bodies = waiting.map(|one| one.join().expect("no panic"));
        bodies.sort();
        assert_eq!(first.join().expect("no panic"), "a");
        assert_eq!(
            bodies.iter().filter(|body| *body == "a").count(),
            1,
            "{bodies:?}"
        );
    });
}
