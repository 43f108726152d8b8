//! `sticky`: a client keeps its peer, as long as the peer can be had.

use std::io::Write;
use std::path::Path;

use crate::harness::{Backend, Proxy, wait_for};

/// Answers with its name, and with a session where the request has none.
fn backend(dir: &Path, name: &'static str) -> Backend {
    Backend::start(dir, &format!("{name}.sock"), move |mut stream, request| {
        let session = if request.contains("sid=") {
            String::new()
        } else {
            format!("Set-Cookie: sid=of-{name}\r\n")
        };
        let length = name.len();
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\n{session}Content-Length: {length}\r\nConnection: close\r\n\r\n{name}"
        );
    })
}

fn front(sticky: &str, a: &str, b: &str) -> String {
    format!(
        "upstream u {{ server unix:DIR/a.sock fail_timeout=1s {a}; server unix:DIR/b.sock {b}; {sticky}; }}
         server {{ listen unix:DIR/front.sock; location / {{ proxy_pass http://u; }} }}"
    )
}

fn ask(proxy: &Proxy, path: &str, cookie: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    proxy.ask(request.as_bytes())
}

fn who(answer: &str) -> &str {
    answer.rsplit_once("\r\n\r\n").expect("an answer").1
}

fn set_cookie<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("Set-Cookie: {name}=");
    answer.lines().find_map(|line| line.strip_prefix(&start))
}

#[test]
fn a_sticky_cookie_survives_a_restart_of_the_backend() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = backend(dir.path(), "a");
    let _b = backend(dir.path(), "b");
    let proxy = Proxy::start_in(dir, &front("sticky cookie srv path=/ httponly", "", ""));
    let first = proxy.get("/");
    assert_eq!(who(&first), "a");
    let cookie = set_cookie(&first, "srv").expect("a cookie");
    let (value, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!((value.len(), attributes), (32, "path=/; httponly"));
    let mine = format!("other=1; srv={value}");
    for _ in 0..4 {
        let answer = ask(&proxy, "/", &mine);
        assert_eq!(who(&answer), "a");
        assert_eq!(set_cookie(&answer, "srv"), Some(cookie));
    }
    std::fs::remove_file(proxy.path("a.sock")).expect("the backend goes");
    let elsewhere = ask(&proxy, "/", &mine);
    assert_eq!(who(&elsewhere), "b");
    assert_ne!(
        set_cookie(&elsewhere, "srv"),
        Some(cookie),
        "this client is b's now"
    );
    let _again = backend(proxy.dir.path(), "a");
    wait_for("the old peer", || {
        (who(&ask(&proxy, "/", &mine)) == "a").then_some(())
    });
    for _ in 0..4 {
        assert_eq!(who(&ask(&proxy, "/", &mine)), "a");
    }
    assert_eq!(
        who(&ask(&proxy, "/", "srv=garbage")).len(),
        1,
        "one of them"
    );
}

#[test]
fn a_drained_peer_keeps_those_who_are_bound_to_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let a = backend(dir.path(), "a");
    let b = backend(dir.path(), "b");
    let config = front(
        "sticky route $cookie_route $arg_route",
        "route=one drain",
        "route=two",
    );
    let proxy = Proxy::start_in(dir, &config);
    for _ in 0..4 {
        assert_eq!(who(&proxy.get("/")), "b");
        assert_eq!(who(&proxy.get("/?route=one")), "a");
        assert_eq!(
            who(&ask(&proxy, "/?route=two", "route=one")),
            "a",
            "the first counts"
        );
        assert_eq!(who(&proxy.get("/?route=three")), "b");
    }
    assert_eq!((a.seen().len(), b.seen().len()), (8, 8));
}

#[test]
fn a_session_is_learnt_from_the_backend_that_begins_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = backend(dir.path(), "a");
    let _b = backend(dir.path(), "b");
    let learn = "sticky learn create=$upstream_cookie_sid lookup=$cookie_sid zone=s:64k timeout=1m";
    let proxy = Proxy::start_in(dir, &front(learn, "", ""));
    for name in ["a", "b"] {
        let first = proxy.get("/");
        assert_eq!(who(&first), name);
        assert_eq!(
            set_cookie(&first, "sid"),
            Some(format!("of-{name}").as_str())
        );
    }
    for _ in 0..4 {
        assert_eq!(who(&ask(&proxy, "/", "sid=of-b")), "b");
        assert_eq!(who(&ask(&proxy, "/", "sid=of-a")), "a");
    }
    let strangers: String = (0..4)
        .map(|_| who(&ask(&proxy, "/", "sid=nobody")).to_owned())
        .collect();
    assert_eq!(
        strangers, "abab",
        "an unknown session is balanced, and not learnt"
    );
    proxy.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the reload", || {
        proxy
            .log("error.log")
            .contains("exited with code 0")
            .then_some(())
    });
    assert_eq!(
        who(&ask(&proxy, "/", "sid=of-b")),
        "b",
        "a reload forgets nobody"
    );
}

#[test]
fn a_route_may_be_a_part_of_what_the_backend_has_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = backend(dir.path(), "a");
    let _b = backend(dir.path(), "b");
    let config = front("sticky route $route", "route=one", "route=two");
    let map = "map $cookie_jsessionid $route { ~^\\w+\\.(?P<name>\\w+)$ $name; }";
    let proxy = Proxy::start_in(dir, &format!("{map} {config}"));
    for _ in 0..3 {
        assert_eq!(who(&ask(&proxy, "/", "JSESSIONID=abc.two")), "b");
        assert_eq!(who(&ask(&proxy, "/", "JSESSIONID=def.one")), "a");
    }
}
