//! How fast a client is answered: `limit_rate`, and who may say something else.

use std::time::{Duration, Instant};

use crate::harness::Proxy;

/// The length of the body of `path`, and how long it took.
fn ask(proxy: &Proxy, path: &str) -> (usize, Duration) {
    let start = Instant::now();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = proxy.ask(request.as_bytes());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    (body.len(), start.elapsed())
}

#[test]
fn a_file_goes_out_no_faster_than_the_location_or_the_peer_says() {
    let http = "server { listen unix:DIR/front.sock; root DIR; limit_rate 1k;
            location = /free { limit_rate 0; alias DIR/data; }
            location = /set { set $limit_rate 0; alias DIR/data; }
            location = /slow { internal; limit_rate 0; alias DIR/data; }
            location = /handed-on { proxy_pass http://unix:DIR/back.sock:; } }
        server { listen unix:DIR/back.sock;
            location / { add_header X-Accel-Redirect /slow; add_header X-Accel-Limit-Rate 1k; return 204; } }";
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("data"), "x".repeat(2300)).expect("a file");
    let proxy = Proxy::start_in(dir, http);
    for path in ["/data", "/handed-on"] {
        let (length, took) = ask(&proxy, path);
        assert_eq!(length, 2300, "{path}");
        assert!(took >= Duration::from_secs(1), "{path} took {took:?}");
    }
    for path in ["/free", "/set"] {
        let (length, took) = ask(&proxy, path);
        assert_eq!(length, 2300, "{path}");
        assert!(took < Duration::from_secs(1), "{path} took {took:?}");
    }
}
