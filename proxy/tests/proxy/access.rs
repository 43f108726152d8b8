//! Who may: passwords, the word of another location, classes of clients, links with a hash.

use crate::harness::{Backend, Proxy};

/// `name:password` in base64, for a header field.
fn basic(credentials: &str) -> String {
    let encoded = match credentials {
        "ann:right" => "YW5uOnJpZ2h0",
        "ann:wrong" => "YW5uOndyb25n",
        "bob:right" => "Ym9iOnJpZ2h0",
        other => panic!("no encoding for {other}"),
    };
    format!("Authorization: Basic {encoded}\r\n")
}

fn ask(proxy: &Proxy, path: &str, fields: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n");
    proxy.ask(request.as_bytes())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// A bcrypt hash that no password belongs to: it takes its time to say so.
const USERS: &str = "ann:$2y$12$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";

fn proxy_with_users(http: &str, users: &str) -> Proxy {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("users"), users).expect("a user file");
    Proxy::start_in(dir, http)
}

#[test]
fn a_location_asks_for_a_password_and_takes_the_right_one() {
    let http = "server { listen unix:DIR/front.sock;
        location /checked { auth_basic \"the lab\"; auth_basic_user_file users; try_files /none =204; }
        location /missing { auth_basic x; auth_basic_user_file nobody; try_files /none =204; }
        location /checked/open { auth_basic off; try_files /none =204; } }";
    let proxy = proxy_with_users(http, "ann:{PLAIN}right\n");
    let refused = ask(&proxy, "/checked", "");
    assert_eq!(status(&refused), "401", "{refused}");
    assert!(
        refused.contains("WWW-Authenticate: Basic realm=\"the lab\"\r\n"),
        "{refused}"
    );
    for (credentials, expected) in [
        ("ann:right", "204"),
        ("ann:wrong", "401"),
        ("bob:right", "401"),
    ] {
        assert_eq!(
            status(&ask(&proxy, "/checked", &basic(credentials))),
            expected,
            "{credentials}"
        );
    }
    assert_eq!(status(&ask(&proxy, "/checked/open", "")), "204");
    assert_eq!(status(&ask(&proxy, "/missing", &basic("ann:right"))), "403");
    let log = proxy.log("error.log");
    assert!(log.contains("user \"ann\": password mismatch"), "{log}");
    assert!(!log.contains("wrong"), "a password is in the log: {log}");
}

#[test]
fn a_flood_of_slow_passwords_does_not_stop_other_requests() {
    let http = "server { listen unix:DIR/front.sock;
        location /free { return 200 free; }
        location / { auth_basic x; auth_basic_user_file users; try_files /none =204; } }";
    let proxy = proxy_with_users(http, USERS);
    let asking: Vec<_> = (0..8)
        .map(|_| {
            use std::io::Write as _;
            let mut stream = proxy.connect();
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", basic("ann:wrong"));
            stream
                .write_all(request.as_bytes())
                .expect("the request is taken");
            stream
        })
        .collect();
    let began = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(status(&ask(&proxy, "/free", "")), "200");
    }
    let took = began.elapsed();
    assert!(
        took < std::time::Duration::from_secs(2),
        "twenty requests took {took:?}"
    );
    drop(asking);
}

#[test]
fn satisfy_any_takes_an_address_or_a_password_and_all_wants_both() {
    let http = "server { listen unix:DIR/front.sock; auth_basic x; auth_basic_user_file users;
        location /any/in { satisfy any; allow unix:; deny all; try_files /none =204; }
        location /any/out { satisfy any; deny all; try_files /none =204; }
        location /all/in { allow unix:; deny all; try_files /none =204; }
        location /all/out { satisfy all; deny all; try_files /none =204; }
        location /get { limit_except GET { deny all; } try_files /none =204; } }";
    let proxy = proxy_with_users(http, "ann:{PLAIN}right\n");
    let right = basic("ann:right");
    for (path, fields, expected) in [
        ("/any/in", "", "204"),
        ("/any/out", "", "401"),
        ("/any/out", right.as_str(), "204"),
        ("/all/in", "", "401"),
        ("/all/in", right.as_str(), "204"),
        ("/all/out", right.as_str(), "403"),
        ("/get", right.as_str(), "204"),
    ] {
        assert_eq!(
            status(&ask(&proxy, path, fields)),
            expected,
            "{path} {fields}"
        );
    }
}

#[test]
fn another_location_decides_and_tells_who_it_is() {
    let http = "server { listen unix:DIR/front.sock;
        location /asked { auth_request /auth; auth_request_set $who $upstream_http_x_user;
            add_header X-Who $who always; try_files /none =204; }
        location /closed { auth_request /closed-auth; try_files /none =204; }
        location /broken { auth_request /broken-auth; try_files /none =204; }
        location = /auth { internal; proxy_pass http://unix:DIR/auth.sock; }
        location = /closed-auth { return 403; }
        location = /broken-auth { return 404; } }";
    let proxy = Proxy::start(http);
    let backend = Backend::start(proxy.dir.path(), "auth.sock", |mut stream, request| {
        use std::io::Write as _;
        let answer = if request.contains("Cookie: ann") {
            "HTTP/1.1 200 OK\r\nX-User: ann\r\nContent-Length: 5\r\n\r\nhello"
        } else {
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let welcome = ask(&proxy, "/asked?q=1", "Cookie: ann\r\n");
    assert_eq!(status(&welcome), "204", "{welcome}");
    assert!(
        welcome.contains("X-Who: ann\r\n") && !welcome.contains("hello"),
        "{welcome}"
    );
    let refused = ask(&proxy, "/asked", "");
    assert_eq!(status(&refused), "401");
    assert!(
        refused.contains("WWW-Authenticate: Bearer\r\n"),
        "{refused}"
    );
    // A body belongs to the client's request, and the framing of the inner one doesn't promise it.
    let posted = proxy.ask(
        b"POST /asked HTTP/1.1\r\nHost: a\r\nCookie: ann\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
    );
    assert_ne!(status(&posted), "500", "{posted}");
    let seen = backend.seen();
    assert!(
        seen.iter()
            .all(|request| request.starts_with("GET /auth HTTP/1.")
                && !request.contains("Content-Length")),
        "{seen:?}"
    );
    assert_eq!(status(&ask(&proxy, "/closed", "")), "403");
    assert_eq!(status(&ask(&proxy, "/broken", "")), "500");
    assert_eq!(status(&ask(&proxy, "/auth", "")), "404", "it is internal");
}

#[test]
fn classes_are_variables_and_a_circle_of_maps_ends() {
    let http = "map $b $a { default $b; } map $a $b { default $a; }
        geo $arg_ip $zone { default far; 10.0.0.0/8 near; }
        split_clients $arg_key $part { 50% one; * two; }
        server { listen unix:DIR/front.sock;
            location / { return 200 \"$zone $part [$a]\"; }
            location /ref { valid_referers none *.example.org; if ($invalid_referer) { return 403; } return 204; } }";
    let proxy = Proxy::start(http);
    assert!(ask(&proxy, "/?ip=10.1.1.1&key=a", "").ends_with("near two []"));
    assert!(ask(&proxy, "/?ip=192.0.2.1&key=hello", "").contains("far "));
    assert_eq!(status(&ask(&proxy, "/ref", "")), "204");
    assert_eq!(
        status(&ask(&proxy, "/ref", "Referer: https://a.example.org/x\r\n")),
        "204"
    );
    assert_eq!(
        status(&ask(
            &proxy,
            "/ref",
            "Referer: https://evil.test/a.example.org\r\n"
        )),
        "403"
    );
}
