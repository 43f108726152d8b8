//! Whatever is malformed or ambiguous is refused, and never reaches a backend.

use crate::harness::{Backend, Proxy};

const FRONT: &str = "server { listen unix:DIR/front.sock; client_max_body_size 100;
  location / { proxy_pass http://unix:DIR/back.sock; } }";

fn lab() -> (Proxy, Backend) {
    let dir = tempfile::tempdir().expect("a folder");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    let backend = Backend::answering(dir.path(), "back.sock", answer);
    (Proxy::start_in(dir, FRONT), backend)
}

#[test]
fn malformed_and_ambiguous_requests_are_refused_and_never_forwarded() {
    let (proxy, backend) = lab();
    let long = "x".repeat(9000);
    let many = "X-A: b\r\n".repeat(1100);
    let table = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(), 501),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 3\r\n\r\nabc".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned(), 400),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), 505),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 405),
        ("\x16\x03\x01\x02\r\n\r\n".to_owned(), 400),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n".to_owned(), 413),
        (format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n", "y".repeat(101)), 413),
    ];
    for (request, status) in table {
        let answer = proxy.ask(request.as_bytes());
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:.90?} got {answer:.60?}"
        );
        assert!(
            answer.contains("\r\nConnection: close\r\n"),
            "{request:.90?} stays open"
        );
    }
    assert_eq!(
        backend.seen(),
        Vec::<String>::new(),
        "nothing of it reached the backend"
    );
}

#[test]
fn a_smuggled_second_request_is_not_answered() {
    let (proxy, backend) = lab();
    let answer = proxy.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n\
          0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(
        answer.matches("HTTP/1.1 ").count(),
        1,
        "one answer: {answer}"
    );
    assert!(answer.starts_with("HTTP/1.1 400 "));
    assert!(backend.seen().is_empty());
}

#[test]
fn fields_of_one_connection_are_not_passed_on_and_the_rest_keeps_case_and_order() {
    let (proxy, backend) = lab();
    let answer = proxy.ask(
        b"GET /a%20b?c HTTP/1.1\r\nHost: Example\r\nX-oDD: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\n\
          Proxy-Connection: x\r\nA-Second: 2\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    let expected = "GET /a%20b?c HTTP/1.1\r\nHost: localhost\r\nX-oDD: 1\r\nA-Second: 2\r\n\r\n";
    assert_eq!(backend.seen(), [expected]);
}
