//! `Upgrade`: after a 101 bytes go both ways; without being asked for, a 101 is an error.

use std::io::{Read, Write};

use crate::harness::{Backend, Proxy};

const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

fn echo() -> (Proxy, Backend) {
    let dir = tempfile::tempdir().expect("a folder");
    let backend = Backend::start(dir.path(), "back.sock", |mut stream, _| {
        stream.write_all(SWITCH).expect("switch");
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            stream
                .write_all(&bytes[..count].to_ascii_uppercase())
                .expect("echo");
        }
    });
    let front = "server { listen unix:DIR/front.sock; location / {
      proxy_pass http://unix:DIR/back.sock; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade; }
      location /deaf { proxy_pass http://unix:DIR/back.sock; } }";
    (Proxy::start_in(dir, front), backend)
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

#[test]
fn bytes_go_both_ways_after_the_switch() {
    let (proxy, backend) = echo();
    let mut stream = proxy.connect();
    // The first bytes of the new protocol come right behind the request.
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ",
        )
        .expect("sent");
    let head = read_head(&mut stream);
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nUpgrade: echo\r\n"), "{head}");
    stream.write_all(b"and late").expect("sent");
    let mut answer = [0; 14];
    stream.read_exact(&mut answer).expect("echoed");
    assert_eq!(&answer, b"EARLY AND LATE");
    let seen = backend.seen().remove(0);
    assert!(
        seen.contains("\r\nUpgrade: echo\r\n") && seen.contains("\r\nConnection: upgrade\r\n"),
        "{seen}"
    );
}

#[test]
fn a_switch_that_nobody_asked_for_is_a_bad_gateway() {
    let (proxy, _backend) = echo();
    assert!(
        proxy
            .get("/deaf")
            .starts_with("HTTP/1.1 502 Bad Gateway\r\n")
    );
}
