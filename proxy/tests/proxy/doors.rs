//! Who stands in front of us, and who is slow: the PROXY protocol, and timeouts that end what never ends.

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::harness::{PATIENCE, Proxy, test_config, wait_for};

const SHOW: &str = "server { listen unix:DIR/front.sock proxy_protocol; set_real_ip_from unix:;
        location / { return 200 '$remote_addr $proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_tlv_alpn'; }
        location /believed { real_ip_header proxy_protocol; error_page 418 /shown; return 418; }
        location /shown { real_ip_header proxy_protocol; proxy_pass http://unix:DIR/back.sock:;
            proxy_set_header X-Seen '$remote_addr:$remote_port'; } }
    server { listen unix:DIR/back.sock; location / { return 200 $http_x_seen; } }";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

#[test]
fn both_versions_of_the_proxy_protocol_say_whose_connection_it_is() {
    let proxy = Proxy::start(SHOW);
    let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\n";
    let answer = proxy.ask(&[line, get("/").as_bytes()].concat());
    assert!(answer.ends_with("unix: 192.0.2.1:123 "), "{answer}");
    let binary =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x11\xc0\0\x02\x01\xc0\0\x02\x02\0\x7b\x16\x2e\x01\0\x02h2";
    let answer = proxy.ask(&[binary, get("/").as_bytes()].concat());
    assert!(answer.ends_with("unix: 192.0.2.1:123 h2"), "{answer}");
    let answer = proxy.ask(&[line, get("/believed").as_bytes()].concat());
    assert!(answer.ends_with("192.0.2.1:123"), "{answer}");
}

#[test]
fn a_header_that_comes_in_pieces_is_waited_for() {
    let proxy = Proxy::start(SHOW);
    let mut stream = proxy.connect();
    let whole = format!("PROXY TCP6 2001:db8::1 ::2 123 5678\r\n{}", get("/"));
    for byte in whole.as_bytes() {
        stream.write_all(&[*byte]).expect("taken");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("unix: 2001:db8::1:123 "), "{answer}");
}

#[test]
fn without_such_a_header_the_connection_ends_and_the_log_says_why() {
    let proxy = Proxy::start(SHOW);
    let mut stream = proxy.connect();
    stream.write_all(get("/").as_bytes()).expect("taken");
    // Closed or reset: there are bytes that nobody read.
    let count = stream.read(&mut [0; 100]).unwrap_or(0);
    assert_eq!(count, 0);
    wait_for("the reason in the log", || {
        let log = proxy.log("error.log");
        log.contains("broken header: \"GET / HTTP/1.1")
            .then_some(())
    });
    let misspelt =
        "server { listen unix:DIR/f.sock; location / { return 200 $proxy_protocol_tlv_colour; } }";
    let refused = test_config(misspelt);
    assert!(!refused.status.success());
}

#[test]
fn a_client_that_never_finishes_is_ended_by_the_clock() {
    let http = "client_header_timeout 300ms; client_body_timeout 300ms;
        server { listen unix:DIR/front.sock; location / { proxy_pass http://unix:DIR/back.sock:; } }";
    let proxy = Proxy::start(http);
    for begun in [
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nslow",
    ] {
        let (answer, _) = dawdle(&proxy, begun, None);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{begun:?}: {answer}");
    }
    // A header line now and then does not help: the time is for the whole head.
    let (answer, took) = dawdle(&proxy, "GET / HTTP/1.1\r\n", Some("X-Slow: yes\r\n"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(took < PATIENCE);
    // Who has said nothing at all gets no answer either.
    assert_eq!(dawdle(&proxy, "", None).0, "");
}

/// Sends the beginning, then `more` again and again; what came, and after how long.
fn dawdle(proxy: &Proxy, begin: &str, more: Option<&str>) -> (String, Duration) {
    let start = Instant::now();
    let mut stream = proxy.connect();
    stream.write_all(begin.as_bytes()).expect("taken");
    let pause = Duration::from_millis(50);
    stream.set_read_timeout(Some(pause)).expect("a timeout");
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    while start.elapsed() < PATIENCE {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(_) if answer.is_empty() => {
                if let Some(more) = more {
                    let _ = stream.write_all(more.as_bytes());
                }
            }
            Err(_) => {}
        }
    }
    (
        String::from_utf8_lossy(&answer).into_owned(),
        start.elapsed(),
    )
}

#[test]
fn a_flood_of_refusals_is_counted_and_not_written() {
    let http = "limit_req_zone $request_method zone=one:1m rate=1r/m;
        server { listen unix:DIR/front.sock; keepalive_requests 100000;
            root DIR; location / { limit_req zone=one; try_files /none =404; } }";
    let proxy = Proxy::start(http);
    let mut stream = proxy.connect();
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000);
    let mut reader = stream.try_clone().expect("a second handle");
    let drain = std::thread::spawn(move || {
        let (mut piece, mut refused) = ([0; 65536], 0);
        while refused < 1000 {
            let count = reader.read(&mut piece).expect("answers");
            refused += String::from_utf8_lossy(&piece[..count])
                .matches("503 Service")
                .count();
        }
    });
    let asked = stream.write_all(request.as_bytes());
    asked.expect("requests are taken");
    drain.join().expect("answers");
    wait_for("the number of what was left out", || {
        let log = proxy.log("error.log");
        log.contains("more messages like \"limiting requests\" in one second were left out")
            .then_some(())
    });
    let lines = proxy
        .log("error.log")
        .matches("limiting requests, excess")
        .count();
    assert!((100..2000).contains(&lines), "{lines}");
}

#[test]
fn logs_go_to_syslog_with_priority_and_tag() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let dir = tempfile::tempdir().expect("a folder");
    let unix = UnixDatagram::bind(dir.path().join("log.sock")).expect("a socket");
    unix.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let http = format!(
        "log_format short '$uri:$status';
        server {{ listen unix:DIR/front.sock;
            access_log syslog:server={},facility=user,severity=warn,tag=lab short;
            error_log syslog:server=unix:DIR/log.sock,nohostname;
            location / {{ deny all; }} }}",
        udp.local_addr().expect("an address")
    );
    let proxy = Proxy::start_in(dir, &http);
    assert!(proxy.get("/closed").starts_with("HTTP/1.1 403"));
    let mut room = [0; 2048];
    let length = udp.recv(&mut room).expect("an access line");
    let line = String::from_utf8_lossy(&room[..length]).into_owned();
    assert!(
        line.starts_with("<12>") && line.ends_with(" lab: /closed:403"),
        "{line}"
    );
    let length = unix.recv(&mut room).expect("an error");
    let line = String::from_utf8_lossy(&room[..length]).into_owned();
    assert!(line.starts_with("<187>"), "{line}");
    assert!(
        line.contains(" nginx: ") && line.contains("access forbidden by rule"),
        "{line}"
    );
}

#[test]
fn buffered_lines_wait_and_can_be_compressed() {
    let http = "log_format short '$uri';
        access_log DIR/late.log short buffer=64k flush=200ms;
        access_log DIR/full.log short buffer=64k;
        access_log DIR/packed.gz short gzip=5 flush=200ms;
        server { listen unix:DIR/front.sock; location / { return 204; } }";
    let mut proxy = Proxy::start(http);
    proxy.get("/one");
    wait_for("the flush", || {
        (proxy.log("late.log") == "/one\n").then_some(())
    });
    let packed = wait_for("the compressed log", || {
        let bytes = std::fs::read(proxy.path("packed.gz")).ok()?;
        (!bytes.is_empty()).then_some(bytes)
    });
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .expect("gzip");
    assert_eq!(text, "/one\n");
    assert_eq!(proxy.log("full.log"), "");
    proxy.signal(nix::sys::signal::Signal::SIGQUIT);
    assert!(proxy.ended());
    assert_eq!(proxy.log("full.log"), "/one\n");
}

#[test]
fn a_logs_name_may_come_from_the_request_but_climbs_nowhere() {
    let http = "log_format short '$uri';
        server { listen unix:DIR/front.sock; root DIR; access_log DIR/by-$arg_name.log short;
            location /a { return 204; }
            location /rootless { root DIR/none; return 204; } }";
    let proxy = Proxy::start(http);
    proxy.get("/a?name=one");
    assert_eq!(proxy.log("by-one.log"), "/a\n");
    proxy.get("/rootless?name=two");
    proxy.get("/a?name=/../three");
    assert!(!proxy.path("by-two.log").exists() && !proxy.path("three.log").exists());
    let refused = test_config("server { access_log DIR/$host.log combined buffer=4k; }");
    assert!(!refused.status.success());
}

#[test]
fn stub_status_counts_connections_and_requests() {
    let http = "server { listen unix:DIR/front.sock; location = /status { stub_status; }
        location / { return 200 '$connections_active $connections_reading $connections_writing $connections_waiting'; } }";
    let proxy = Proxy::start(http);
    let idle = proxy.connect();
    let page = wait_for("the idle connection", || {
        let page = proxy.get("/status");
        page.contains("Active connections: 2 ").then_some(page)
    });
    let (_, body) = page.split_once("\r\n\r\n").expect("a head");
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(lines[1], "server accepts handled requests");
    assert_eq!(lines[3], "Reading: 0 Writing: 1 Waiting: 1 ");
    assert!(page.contains("Content-Type: text/plain\r\n"), "{page}");
    assert!(proxy.get("/").ends_with("2 0 1 1"));
    drop(idle);
    let post = proxy.ask(b"POST /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
}
