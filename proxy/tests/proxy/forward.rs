//! The forward proxy: tunnels by CONNECT and requests in absolute form; who may, where to, what is told, what is blocked, what
//! is logged.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;

use crate::harness::{PATIENCE, Proxy, wait_for, write_config};

/// A server on a port of its own; `serve` gets each connection.
fn origin(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            serve(stream);
        }
    });
    address
}

/// Answers each request with this, and keeps what it was sent.
fn web(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let address = origin(move |mut stream| {
        let head = read_head(&mut stream);
        kept.lock().expect("no panic").push(head);
        let _ = stream.write_all(answer.as_bytes());
    });
    (address, seen)
}

/// Takes everything until the client has ended, and only then says what it got.
fn patient() -> SocketAddr {
    origin(|mut stream| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = stream.write_all(&bytes.to_ascii_uppercase());
    })
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

fn connect(proxy: &Proxy, authority: &str, fields: &str) -> (UnixStream, String) {
    let mut stream = proxy.connect();
    write!(
        stream,
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n"
    )
    .expect("sent");
    let head = read_head(&mut stream);
    (stream, head)
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

const TUNNEL: &str = "server { listen unix:DIR/front.sock; tunnel_pass; }";

const HTTP: &str = "server { listen unix:DIR/front.sock;
  location / { proxy_pass http://$host$is_request_port$request_port; } }";

fn get(proxy: &Proxy, url: &str, fields: &str) -> String {
    let request =
        format!("GET {url} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n{fields}\r\n");
    proxy.ask(request.as_bytes())
}

#[test]
fn a_tunnel_passes_the_end_of_one_side_on_and_goes_on_with_the_other() {
    let (proxy, to) = (Proxy::start(TUNNEL), patient());
    let (mut stream, head) = connect(&proxy, &to.to_string(), "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in ["Content-Length", "Transfer-Encoding"] {
        assert!(!head.contains(field), "{head}");
    }
    stream.write_all(b"half closed").expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an answer after the end");
    assert_eq!(answer, "HALF CLOSED");
}

#[test]
fn bytes_behind_the_connect_are_the_tunnels() {
    let (proxy, to) = (Proxy::start(TUNNEL), patient());
    let mut stream = proxy.connect();
    // As Python's http.client asks: HTTP/1.0, and no Host.
    write!(stream, "CONNECT {to} HTTP/1.0\r\n\r\nearly").expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("\r\n\r\nEARLY"), "{answer}");
}

#[test]
fn a_connect_that_is_none_is_refused() {
    let proxy = Proxy::start(TUNNEL);
    let to = patient();
    for (request, expected) in [
        (
            format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 1\r\n\r\nx"),
            "400",
        ),
        (
            format!(
                "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            "400",
        ),
        (format!("CONNECT {to} HTTP/1.1\r\n\r\n"), "400"),
        (
            format!("CONNECT http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"),
            "400",
        ),
        (
            "CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "CONNECT / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            "400",
        ),
        (
            format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n"),
            "405",
        ),
    ] {
        assert_eq!(
            status(&proxy.ask(request.as_bytes())),
            expected,
            "{request}"
        );
    }
    let plain =
        Proxy::start("server { listen unix:DIR/front.sock; location / { return 200 ok; } }");
    assert_eq!(status(&connect(&plain, &to.to_string(), "").1), "405");
}

#[test]
fn one_location_may_serve_both_forms() {
    let (web, seen) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock; location / {
           if ($request_method = CONNECT) { tunnel_pass; }
           proxy_pass http://$host$is_request_port$request_port; } }",
    );
    assert!(get(&proxy, &format!("http://{web}/a"), "").ends_with("\r\n\r\nhi"));
    let (mut stream, head) = connect(&proxy, &web.to_string(), "");
    assert_eq!(status(&head), "200");
    stream.write_all(b"GET /b HTTP/1.1\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
    assert_eq!(seen.lock().expect("no panic")[1], "GET /b HTTP/1.1\r\n\r\n");
}

#[test]
fn the_absolute_form_becomes_the_origin_form_and_tells_nothing_of_the_client() {
    let (web, seen) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let proxy = Proxy::start(&HTTP.replace(
        "location / {",
        "location / {
        proxy_set_header User-Agent \"\"; proxy_set_header Referer \"\"; proxy_set_header From \"\";
        proxy_set_header Via \"\"; proxy_set_header X-Forwarded-For \"\";",
    ));
    let told = "User-Agent: me/1.0\r\nReferer: http://secret/\r\nFrom: me@example\r\nVia: 1.1 home\r\n\
        X-Forwarded-For: 10.9.8.7\r\nProxy-Connection: keep-alive\r\nAccept: text/html\r\n";
    let answer = get(&proxy, &format!("http://{web}/%61/b?c=%64#e"), told);
    assert_eq!(status(&answer), "200", "{answer}");
    let seen = seen.lock().expect("no panic").remove(0);
    assert!(
        seen.starts_with("GET /%61/b?c=%64"),
        "as it was written: {seen}"
    );
    assert!(seen.contains(&format!("\r\nHost: {web}\r\n")), "{seen}");
    assert!(seen.contains("\r\nAccept: text/html\r\n"), "{seen}");
    for field in [
        "User-Agent",
        "Referer",
        "From:",
        "Via",
        "X-Forwarded-For",
        "Proxy-",
        "elsewhere",
    ] {
        assert!(!seen.contains(field), "{field} in {seen}");
    }
}

#[test]
fn a_password_is_asked_for_as_a_proxy_asks() {
    let (web, seen) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("users"), "ann:{PLAIN}secret\n").expect("a user file");
    let proxy = Proxy::start_in(
        dir,
        "log_format who '$remote_user $status'; access_log DIR/who.log who;
         server { listen unix:DIR/front.sock; auth_basic lab; auth_basic_user_file users; auth_basic_proxy on;
           location / { if ($request_method = CONNECT) { tunnel_pass; }
             proxy_pass http://$host$is_request_port$request_port; } }",
    );
    let right = "Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n";
    let wrong = "Proxy-Authorization: Basic YW5uOndyb25n\r\n";
    let elsewhere = "Authorization: Basic YW5uOnNlY3JldA==\r\n";
    let (to, url) = (web.to_string(), format!("http://{web}/"));
    for fields in ["", wrong, elsewhere] {
        let tunnel = connect(&proxy, &to, fields).1;
        for answer in [tunnel, get(&proxy, &url, fields)] {
            assert_eq!(status(&answer), "407", "{fields:?}: {answer}");
            let challenge = "\r\nProxy-Authenticate: Basic realm=\"lab\"\r\n";
            assert!(answer.contains(challenge), "{answer}");
            assert!(!answer.contains("WWW-Authenticate"), "{answer}");
        }
    }
    assert_eq!(status(&connect(&proxy, &to, right).1), "200");
    let both = format!("{right}Authorization: Basic Zm9yOml0\r\n");
    assert_eq!(status(&get(&proxy, &url, &both)), "200");
    let seen = seen
        .lock()
        .expect("no panic")
        .last()
        .cloned()
        .unwrap_or_default();
    assert!(
        !seen.contains("Proxy-Authorization"),
        "the credentials stay here: {seen}"
    );
    assert!(
        seen.contains("\r\nAuthorization: Basic Zm9yOml0\r\n"),
        "{seen}"
    );
    wait_for("the user in the log", || {
        proxy.log("who.log").contains("ann 200").then_some(())
    });
}

#[test]
fn an_address_is_judged_after_its_name_was_resolved() {
    let (web, seen) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let proxy = Proxy::start(
        "map $upstream_last_network $may { volatile; public 1; }
         log_format where '$status $upstream_last_addr $upstream_last_network'; access_log DIR/where.log where;
         server { listen unix:DIR/front.sock; tunnel_allow_upstream $may; proxy_allow_upstream $may;
           location / { if ($request_method = CONNECT) { tunnel_pass; }
             proxy_pass http://$host$is_request_port$request_port; } }",
    );
    let port = web.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let authority = format!("{host}:{port}");
        assert_eq!(status(&connect(&proxy, &authority, "").1), "403", "{host}");
        let answer = get(&proxy, &format!("http://{authority}/"), "");
        assert_eq!(status(&answer), "403", "{host}: {answer}");
    }
    assert!(
        seen.lock().expect("no panic").is_empty(),
        "nobody got there"
    );
    wait_for("the log", || {
        proxy
            .log("where.log")
            .contains("403 127.0.0.1 loopback")
            .then_some(())
    });
    assert!(
        proxy
            .log("error.log")
            .contains("access to upstream 127.0.0.1")
    );
}

#[test]
fn who_comes_from_outside_reaches_nothing_inside_unless_told_otherwise() {
    let (web, _) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let server = |more: &str| {
        format!(
            "server {{ listen unix:DIR/front.sock; set_real_ip_from unix:; real_ip_header X-From; {more}
               location / {{ if ($request_method = CONNECT) {{ tunnel_pass; }}
                 proxy_pass http://$host$is_request_port$request_port; }} }}"
        )
    };
    let (to, url) = (web.to_string(), format!("http://{web}/"));
    let (outside, inside) = ("X-From: 8.8.8.8\r\n", "X-From: 10.0.0.7\r\n");
    let proxy = Proxy::start(&server(""));
    for (from, expected) in [(outside, "403"), (inside, "200"), ("", "200")] {
        assert_eq!(status(&connect(&proxy, &to, from).1), expected, "{from}");
        assert_eq!(status(&get(&proxy, &url, from)), expected, "{from}");
    }
    let proxy = Proxy::start(&server("tunnel_allow_upstream 1; proxy_allow_upstream 1;"));
    assert_eq!(status(&connect(&proxy, &to, outside).1), "200");
    assert_eq!(status(&get(&proxy, &url, outside)), "200");
}

#[test]
fn ports_hosts_and_hours_are_maps() {
    let (web, _) = web("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let config = |hours: &str| {
        format!(
            "map $request_port $port_ok {{ {} 1; }}
             map $time_iso8601 $open {{ {hours} 1; }}
             server {{ listen unix:DIR/front.sock; if ($port_ok != 1) {{ return 403; }}
               if ($open != 1) {{ return 403; }} tunnel_pass; }}",
            web.port()
        )
    };
    let proxy = Proxy::start(&config("~T[0-2][0-9]:"));
    assert_eq!(status(&connect(&proxy, &web.to_string(), "").1), "200");
    assert_eq!(status(&connect(&proxy, "127.0.0.1:22", "").1), "403");
    let closed = Proxy::start(&config("~T99:"));
    assert_eq!(status(&connect(&closed, &web.to_string(), "").1), "403");
}

const BLOCKING: &str = "map $host $list { hostnames; include DIR/blocked.txt; }
  map $uri $path { ~*[.]exe$ programs; }
  map $upstream_http_content_type $type_ok { volatile; default 1; ~^video/ 0; }
  server { listen unix:DIR/front.sock; error_page 403 @blocked;
    if ($list) { return 403; } if ($path) { return 403; }
    location / { if ($request_method = CONNECT) { tunnel_pass; }
      proxy_allow_response $type_ok; proxy_pass http://$host$is_request_port$request_port; }
    location @blocked { default_type text/plain; return 403 'lab blocked $host ($list$path$upstream_http_content_type)'; } }";

#[test]
fn blocked_hosts_paths_and_types_get_a_page_that_says_why() {
    let (film, _) =
        web("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 2\r\n\r\nhi");
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(
        dir.path().join("blocked.txt"),
        ".ads.example advertising;\n",
    )
    .expect("a list");
    let proxy = Proxy::start_in(dir, BLOCKING);
    for (url, page) in [
        (
            "http://ads.example/".to_owned(),
            "lab blocked ads.example (advertising)",
        ),
        (
            "http://a.b.ads.example/x".to_owned(),
            "lab blocked a.b.ads.example (advertising)",
        ),
        (
            format!("http://{film}/setup.EXE?x"),
            "lab blocked 127.0.0.1 (programs)",
        ),
        (
            format!("http://{film}/film"),
            "lab blocked 127.0.0.1 (video/mp4)",
        ),
    ] {
        let answer = get(&proxy, &url, "");
        assert_eq!(status(&answer), "403", "{answer}");
        assert!(answer.ends_with(page), "{url}: {answer}");
    }
    assert_eq!(status(&connect(&proxy, "ads.example:443", "").1), "403");
    // A reload reads the list again.
    std::fs::write(proxy.path("blocked.txt"), "127.0.0.1 films;\n").expect("a list");
    proxy.signal(Signal::SIGHUP);
    wait_for("the new list", || {
        get(&proxy, &format!("http://{film}/film"), "")
            .ends_with("(films)")
            .then_some(())
    });
}

/// What a tunnel's line in the log is made of.
const LOGGED: &str = "log_format forward '$request_method $host $request_port $status $bytes_sent $upstream_bytes_sent';
  access_log DIR/forward.log forward;";

#[test]
fn the_log_says_who_went_where_and_how_much_passed_each_way() {
    let (proxy, to) = (Proxy::start(&format!("{LOGGED} {TUNNEL}")), patient());
    let (mut stream, head) = connect(&proxy, &to.to_string(), "");
    stream.write_all(&[b'x'; 5000]).expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert_eq!(answer.len(), 5000);
    let line = format!(
        "CONNECT 127.0.0.1 {} 200 {} 5000\n",
        to.port(),
        head.len() + 5000
    );
    wait_for("the line", || {
        (proxy.log("forward.log") == line).then_some(())
    });
}

#[test]
fn a_tunnel_that_outlives_its_configuration_is_counted_when_its_grace_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = format!("{LOGGED} {TUNNEL}");
    write_config(dir.path(), &config);
    let proxy = Proxy::start_in(dir, &config);
    let path = proxy.path("nginx.conf");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let with_grace = format!("worker_shutdown_timeout 100ms; {text}");
    std::fs::write(&path, with_grace).expect("a grace");
    proxy.signal(Signal::SIGHUP);
    wait_for("the configuration with a grace", || {
        proxy
            .log("error.log")
            .contains("exited with code 0")
            .then_some(())
    });
    let to = origin(|mut stream| {
        let mut bytes = [0; 4];
        while stream.read_exact(&mut bytes).is_ok() && stream.write_all(&bytes).is_ok() {}
    });
    let (mut stream, head) = connect(&proxy, &to.to_string(), "");
    let mut echo = [0; 4];
    stream.write_all(b"ping").expect("sent");
    stream.read_exact(&mut echo).expect("an echo");
    proxy.signal(Signal::SIGHUP);
    assert_eq!(stream.read(&mut echo).unwrap_or(0), 0, "the tunnel ends");
    let line = format!("CONNECT 127.0.0.1 {} 200 {} 4\n", to.port(), head.len() + 4);
    wait_for("the line", || {
        (proxy.log("forward.log") == line).then_some(())
    });
}

#[test]
fn a_group_is_tried_peer_by_peer() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let to = patient();
    let group = |next: &str| {
        format!(
            "upstream group {{ server {gone} max_fails=0; server {to} max_fails=0; }}
             server {{ listen unix:DIR/front.sock; tunnel_pass group; {next} }}"
        )
    };
    let proxy = Proxy::start(&group(""));
    for _ in 0..2 {
        assert_eq!(status(&connect(&proxy, "any.example:443", "").1), "200");
    }
    let proxy = Proxy::start(&group("tunnel_next_upstream off;"));
    let statuses: Vec<_> = (0..2)
        .map(|_| status(&connect(&proxy, "any.example:443", "").1).to_owned())
        .collect();
    assert!(
        statuses.contains(&"502".to_owned()) && statuses.contains(&"200".to_owned()),
        "{statuses:?}"
    );
}
