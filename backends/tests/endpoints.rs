//! One backend over real sockets, as a proxy or a student sees it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use backends::{Config, Crashed};
use reqwest::{Client, Response};
use service::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

struct Backend {
    address: SocketAddr,
    shutdown: Shutdown,
    running: JoinHandle<Result<(), Crashed>>,
}

async fn start() -> Backend {
    let listener = service::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let config = Config {
        name: "Server 7".into(),
    };
    let running = tokio::spawn(backends::run(listener, config, shutdown.clone()));
    Backend {
        address,
        shutdown,
        running,
    }
}

impl Backend {
    async fn get(&self, path: &str) -> Response {
        Client::new()
            .get(format!("http://{}{path}", self.address))
            .send()
            .await
            .unwrap()
    }

    async fn get_with(&self, path: &str, name: &str, value: &str) -> Response {
        let request = Client::new().get(format!("http://{}{path}", self.address));
        request.header(name, value).send().await.unwrap()
    }

    /// Sends these bytes on one connection, and gives back all that comes until it closes.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // An error is a close, too: the crash cuts connections off.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_greeting_is_exact_and_the_modules_client_finds_the_number() {
    let body = start().await.get("/").await.text().await.unwrap();
    assert_eq!(body, "Hello from Server 7!");
    // int(msg.rsplit(' ', maxsplit=1)[-1][:-1])
    let (_, last) = body.rsplit_once(' ').unwrap();
    assert_eq!(last[..last.len() - 1].parse(), Ok(7));
}

#[tokio::test]
async fn whoami_shows_the_headers_as_they_were_on_the_wire() {
    let backend = start().await;
    let answer = backend
        .raw("GET /whoami?a=1 HTTP/1.1\r\nHost: lab\r\nX-Real-IP: 10.0.0.1\r\nx-b:  two\r\nX-real-ip: again\r\nConnection: close\r\n\r\n")
        .await;
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    let whoami: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(whoami["name"], "Server 7");
    assert_eq!(whoami["pid"], std::process::id());
    assert_eq!(
        (&whoami["target"], &whoami["version"]),
        (&"/whoami?a=1".into(), &"HTTP/1.1".into())
    );
    assert!(whoami["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(!whoami["host"].as_str().unwrap().is_empty());
    let expected = [
        "Host: lab",
        "X-Real-IP: 10.0.0.1",
        "x-b:  two",
        "X-real-ip: again",
        "Connection: close",
    ];
    assert_eq!(whoami["headers"], serde_json::json!(expected));
}

#[tokio::test]
async fn the_second_request_of_a_connection_is_shown_with_its_own_headers() {
    let backend = start().await;
    let mut stream = TcpStream::connect(backend.address).await.unwrap();
    for number in ["One", "Two"] {
        stream
            .write_all(
                format!("GET /echo HTTP/1.1\r\nX-{number}: here\r\nHost: lab\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        let mut answer = String::new();
        while !answer.ends_with("Host: lab\n\n") {
            let mut piece = [0; 1024];
            let n = stream.read(&mut piece).await.unwrap();
            assert_ne!(n, 0, "closed after {answer}");
            answer.push_str(std::str::from_utf8(&piece[..n]).unwrap());
        }
        assert!(
            answer.ends_with(&format!(
                "\r\n\r\nGET /echo HTTP/1.1\nX-{number}: here\nHost: lab\n\n"
            )),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn echo_returns_method_headers_and_body_and_refuses_too_much() {
    let backend = start().await;
    let answer = backend
        .raw("PUT /echo HTTP/1.1\r\nHost: lab\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        .await;
    let echoed = "PUT /echo HTTP/1.1\nHost: lab\nContent-Length: 5\nConnection: close\n\nhello";
    assert!(answer.ends_with(echoed), "{answer}");
    let large = Client::new()
        .post(format!("http://{}/echo", backend.address))
        .body(vec![b'x'; 1024 * 1024 + 1]);
    assert_eq!(large.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_body_that_looks_like_a_head_is_not_shown_as_one() {
    let fake = "POST /whoami HTTP/1.1\r\nX-Fake: 1\r\n\r\n";
    let request = format!(
        "POST /whoami HTTP/1.1\r\nHost: lab\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{fake}",
        fake.len()
    );
    let answer = start().await.raw(&request).await;
    assert!(
        answer.contains("\"Host: lab\"") && !answer.contains("X-Fake"),
        "{answer}"
    );
}

#[tokio::test]
async fn parameters_out_of_bounds_misspelt_or_unknown_are_explained() {
    let backend = start().await;
    for (path, fault) in [
        ("/slow?ms=60001", "ms=60001 is outside 0 to 60000"),
        ("/slow?ms=soon", "ms: invalid digit"),
        ("/slow?s=1", "unknown field `s`"),
        ("/fail?status=200", "status=200 is outside 400 to 599"),
        ("/fail?rate=1.5", "rate=1.5 is outside 0 to 1"),
        ("/fail?rate=NaN", "rate=NaN is outside 0 to 1"),
        ("/bytes?n=67108865", "n=67108865 is outside 0 to 67108864"),
        ("/bytes?n=-1", "n: invalid digit"),
        ("/stream?n=10001", "n=10001 is outside 0 to 10000"),
        ("/stream?ms=60001", "ms=60001 is outside 0 to 60000"),
    ] {
        let response = backend.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(fault), "{path}: {text}");
    }
}

#[tokio::test]
async fn slow_waits_before_it_greets() {
    let started = Instant::now();
    let body = start().await.get("/slow?ms=60").await.text().await.unwrap();
    assert_eq!(body, "Hello from Server 7!");
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn fail_fails_with_the_status_and_at_the_rate_asked_for() {
    let backend = start().await;
    assert_eq!(backend.get("/fail").await.status(), 500);
    assert_eq!(backend.get("/fail?status=503").await.status(), 503);
    assert_eq!(
        backend.get("/fail?rate=0").await.text().await.unwrap(),
        "Hello from Server 7!"
    );
    let mut failed = 0;
    for _ in 0..200 {
        failed += u32::from(backend.get("/fail?rate=0.5").await.status() == 500);
    }
    // Ten standard deviations: never outside by chance.
    assert!((30..=170).contains(&failed), "{failed} of 200 failed");
}

#[tokio::test]
async fn hang_gives_no_answer_until_the_service_stops() {
    let backend = start().await;
    let client = Client::builder()
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let hung = client
        .get(format!("http://{}/hang", backend.address))
        .send()
        .await;
    assert!(hung.unwrap_err().is_timeout());
    let mut waiting = TcpStream::connect(backend.address).await.unwrap();
    // The answer to the first request proves that the second one arrived before the shutdown.
    let requests = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\nGET /hang HTTP/1.1\r\nHost: lab\r\n\r\n";
    waiting.write_all(requests).await.unwrap();
    let mut answer = vec![0; 1];
    waiting.read_exact(&mut answer).await.unwrap();
    backend.shutdown.trigger();
    backend.running.await.unwrap().unwrap();
    waiting.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("Hello from Server 7!"), "{answer}");
}

#[tokio::test]
async fn crash_cuts_the_connection_off_and_ends_the_service() {
    let backend = start().await;
    assert_eq!(
        backend
            .raw("GET /crash HTTP/1.1\r\nHost: lab\r\n\r\n")
            .await,
        ""
    );
    assert!(backend.running.await.unwrap().is_err());
    assert!(TcpStream::connect(backend.address).await.is_err());
}

#[tokio::test]
async fn bytes_have_a_length_and_streams_have_chunks() {
    let backend = start().await;
    let bytes = backend.get("/bytes?n=200000").await;
    assert_eq!(header(&bytes, "content-length"), "200000");
    assert_eq!(bytes.bytes().await.unwrap().len(), 200_000);
    assert_eq!(
        backend.get("/bytes?n=0").await.bytes().await.unwrap().len(),
        0
    );
    let stream = backend
        .raw("GET /stream?n=2&ms=1 HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
        .await;
    assert!(stream.contains("transfer-encoding: chunked"), "{stream}");
    assert!(
        stream.ends_with("\r\n\r\nC\r\nline 1 of 2\n\r\nC\r\nline 2 of 2\n\r\n0\r\n\r\n"),
        "{stream}"
    );
}

#[tokio::test]
async fn a_sample_is_sent_once_and_then_only_confirmed() {
    let backend = start().await;
    let first = backend.get("/files/minute.txt").await;
    assert_eq!(
        (first.status().as_u16(), header(&first, "cache-control")),
        (200, "public, max-age=60")
    );
    let (tag, date) = (header(&first, "etag"), header(&first, "last-modified"));
    for (name, value, status) in [
        ("if-none-match", tag, 304),
        ("if-none-match", &format!("\"other\", W/{tag}"), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", date, 304),
        ("if-modified-since", "Thu, 01 Jan 2015 00:00:00 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        let again = backend.get_with("/files/minute.txt", name, value).await;
        assert_eq!(again.status(), status, "{name}: {value}");
        assert_eq!(header(&again, "etag"), tag);
        assert_eq!(again.text().await.unwrap().is_empty(), status == 304);
    }
}

#[tokio::test]
async fn the_counter_tells_every_fetch_from_the_one_before() {
    let backend = start().await;
    let first = backend.get("/files/counter.txt").await;
    let tag = header(&first, "etag").to_owned();
    let second = backend
        .get_with("/files/counter.txt", "if-none-match", &tag)
        .await;
    assert_eq!(
        second.text().await.unwrap(),
        "Server 7 was asked for this 2 times.\n"
    );
}

#[tokio::test]
async fn every_listed_sample_and_endpoint_exists() {
    let backend = start().await;
    let list = backend.get("/files/").await.text().await.unwrap();
    assert_eq!(list.lines().count(), 6);
    for line in list.lines() {
        let (path, cache_control) = line.split_once(' ').unwrap();
        let sample = backend.get(path).await;
        assert!(
            cache_control.ends_with(header(&sample, "cache-control")),
            "{line}"
        );
    }
    assert_eq!(backend.get("/files/other.txt").await.status(), 404);
    assert_eq!(backend.get("/healthz").await.text().await.unwrap(), "ok\n");
    let lost = backend.get("/lost").await;
    assert_eq!(lost.status(), 404);
    assert!(lost.text().await.unwrap().contains("/whoami"));
}
