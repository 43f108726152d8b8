//! Bodies arrive as they were sent, in either direction, whatever their framing and size.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use crate::harness::{Backend, Proxy, wait_for};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

fn front(extra: &str) -> String {
    format!(
        "server {{ listen unix:DIR/front.sock; {extra} location / {{ proxy_pass http://unix:DIR/back.sock; }} }}"
    )
}

#[test]
fn a_chunked_request_is_buffered_into_a_length_or_streamed_as_chunks() {
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n";
    for (streamed, extra, expected) in [
        (false, "", "Content-Length: 7\r\n\r\nabcdefg"),
        (
            true,
            "proxy_request_buffering off;",
            "Transfer-Encoding: chunked\r\n\r\n7\r\nabcdefg\r\n0\r\n\r\n",
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let backend = Backend::answering(dir.path(), "back.sock", OK);
        let proxy = Proxy::start_in(dir, &front(extra));
        let mut stream = proxy.connect();
        stream.write_all(request).expect("sent");
        // A streamed body reaches the backend before its end is here; a buffered one does not.
        if streamed {
            wait_for("the backend", || (backend.connections() > 0).then_some(()));
        }
        stream.write_all(b"0\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.ends_with("ok"), "{answer}");
        let seen = backend.seen().join("");
        assert!(seen.ends_with(expected), "{seen:?}");
    }
}

#[test]
fn a_large_answer_reaches_a_slow_client_whole_while_the_peer_is_long_gone() {
    const SIZE: usize = 6 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let (sent, done) = std::sync::mpsc::channel();
    let _backend = Backend::start(dir.path(), "back.sock", move |mut stream, _| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
        let body: Vec<u8> = (0..SIZE).map(|at| b'a' + (at % 23) as u8).collect();
        stream.write_all(head.as_bytes()).expect("head");
        stream.write_all(&body).expect("body");
        sent.send(()).expect("the test waits");
    });
    let proxy = Proxy::start_in(dir, &front(""));
    let mut stream = proxy.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .expect("sent");
    // Nothing is read yet: memory and then a file hold the answer (`proxy_buffering on`).
    done.recv_timeout(crate::harness::PATIENCE)
        .expect("the peer could send it all");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer");
    let body = &answer[answer.len() - SIZE..];
    assert!(
        body.iter()
            .enumerate()
            .all(|(at, &b)| b == b'a' + (at % 23) as u8)
    );
}

#[test]
fn an_answer_without_length_is_chunked_for_http_11_and_closed_for_http_10() {
    let dir = tempfile::tempdir().expect("a folder");
    let _backend = Backend::answering(dir.path(), "back.sock", "HTTP/1.0 200 OK\r\n\r\nhello");
    let proxy = Proxy::start_in(dir, &front(""));
    let new = proxy.get("/");
    assert!(new.contains("\r\nTransfer-Encoding: chunked\r\n"), "{new}");
    assert!(new.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{new}");
    let old = proxy.ask(b"GET / HTTP/1.0\r\n\r\n");
    assert!(
        old.ends_with("\r\n\r\nhello") && !old.contains("chunked"),
        "{old}"
    );
}

#[test]
fn a_cut_answer_is_cut_for_the_client_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
    let _backend = Backend::answering(dir.path(), "back.sock", cut);
    let proxy = Proxy::start_in(dir, &front(""));
    let answer = proxy.get("/");
    assert!(
        answer.contains("hel") && !answer.ends_with("0\r\n\r\n"),
        "{answer:?}"
    );
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock; location / { return 200 \"$uri\\n\"; } }",
    );
    let answer = proxy.ask(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
          GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    let order: Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with('/'))
        .collect();
    assert_eq!(order, ["/1", "/2", "/3"], "{answer}");
}

#[test]
fn a_client_that_expects_100_gets_it_before_its_body_is_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let backend = Backend::answering(dir.path(), "back.sock", OK);
    let proxy = Proxy::start_in(dir, &front(""));
    let mut stream = proxy.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").expect("sent");
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).expect("an interim answer");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(backend.seen()[0].ends_with("\r\n\r\nbody"));
    assert!(
        !backend.seen()[0].contains("Expect"),
        "it was between the client and us"
    );
}

#[test]
fn an_answer_may_begin_before_the_request_has_ended() {
    const SIZE: usize = 2 << 20;
    for extra in ["", "proxy_request_buffering off;"] {
        let dir = tempfile::tempdir().expect("a folder");
        // Answers at once, then sends back what it reads.
        let listener = UnixListener::bind(dir.path().join("back.sock")).expect("listens");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let (mut bytes, mut head) = (vec![0; 65536], Vec::new());
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                let count = stream.read(&mut bytes).expect("a head");
                head.extend_from_slice(&bytes[..count]);
            }
            let end = head
                .windows(4)
                .position(|w| w == b"\r\n\r\n")
                .expect("an end")
                + 4;
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").expect("a head");
            let (mut echoed, mut held) = (0, head.split_off(end));
            while echoed < SIZE {
                stream.write_all(&held).expect("echo");
                echoed += held.len();
                let count = if echoed < SIZE {
                    stream.read(&mut bytes).expect("more")
                } else {
                    0
                };
                held = bytes[..count].to_vec();
            }
        });
        let front = format!("client_max_body_size 0; {}", front(extra));
        let proxy = Proxy::start_in(dir, &front);
        let mut stream = proxy.connect();
        let body: Vec<u8> = (0..SIZE).map(|at| b'a' + (at % 19) as u8).collect();
        let mut writer = stream.try_clone().expect("two halves");
        let sent = body.clone();
        let writing = std::thread::spawn(move || {
            write!(
                writer,
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n"
            )
            .expect("sent");
            writer.write_all(&sent).expect("sent");
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        writing.join().expect("the body was taken");
        assert!(answer.ends_with(&body), "{} bytes came back", answer.len());
    }
}
