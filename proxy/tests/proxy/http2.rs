//! HTTP/2 on TLS, by hyper's client: requests, bodies, many streams, and their end.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::signal::Signal;
use rustls::pki_types::ServerName;

use crate::harness::{Backend, Proxy, test_config, wait_for};
use crate::tls::Lab;

const TLS: &str = "ssl_certificate a.test.crt; ssl_certificate_key a.test.key; http2 on;";

async fn connect(lab: &Arc<rustls::ClientConfig>, proxy: &Proxy) -> SendRequest<Full<Bytes>> {
    let mut config = rustls::ClientConfig::clone(lab);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let socket = proxy.connect();
    socket.set_nonblocking(true).expect("a socket");
    let socket = tokio::net::UnixStream::from_std(socket).expect("a socket");
    let name = ServerName::try_from("a.test").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, socket).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn request(method: Method, path: &str, body: &[u8]) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("https://a.test{path}"))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::copy_from_slice(body)))
        .expect("a request")
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> (u16, Vec<u8>) {
    sender.ready().await.expect("open");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.version(), Version::HTTP_2);
    for gone in ["connection", "keep-alive", "transfer-encoding"] {
        assert!(!answer.headers().contains_key(gone), "{gone}");
    }
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a whole body");
    (status, body.to_bytes().to_vec())
}

#[tokio::test]
async fn a_request_by_http2_meets_the_same_pipeline() {
    let lab = Lab::new(&["a.test"]);
    let client = lab.client(None);
    std::fs::write(lab.dir.path().join("large"), vec![b'x'; 3 << 20]).expect("write");
    let backend = Backend::answering(
        lab.dir.path(),
        "back.sock",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Kind: h1\r\n\r\nwhole",
    );
    let http = format!(
        "log_format line '$request|$status|$http2'; access_log DIR/access.log line; {TLS}\n\
         server {{ listen unix:DIR/front.sock ssl; root DIR; client_max_body_size 10m;\n\
           location = /about {{ return 200 '$server_protocol $host $scheme $http_cookie $ssl_alpn_protocol'; }}\n\
           location /back {{ proxy_pass http://unix:DIR/back.sock:; }} }}"
    );
    let proxy = Proxy::start_in(lab.dir, &http);
    let mut sender = connect(&client, &proxy).await;
    let about = ask(&mut sender, request(Method::GET, "/about?x=1", b"")).await;
    let expected = b"HTTP/2.0 a.test https a=1; b=2 h2".to_vec();
    assert_eq!(about, (200, expected));
    let (status, body) = ask(&mut sender, request(Method::GET, "/large", b"")).await;
    assert_eq!((status, body.len()), (200, 3 << 20));
    let (status, body) = ask(&mut sender, request(Method::HEAD, "/large", b"")).await;
    assert_eq!((status, body.len()), (200, 0));
    let posted = vec![b'y'; 300_000];
    let answer = ask(&mut sender, request(Method::POST, "/back", &posted)).await;
    assert_eq!(answer, (200, b"whole".to_vec()));
    let seen = backend.seen().join("");
    assert!(seen.starts_with("POST /back HTTP/1."), "{seen:.80}");
    assert!(seen.to_lowercase().contains("content-length: 300000"));
    assert!(seen.ends_with("yyyy"));
    assert_eq!(
        ask(&mut sender, request(Method::GET, "/none", b"")).await.0,
        404
    );
    wait_for("the log", || {
        let log = proxy.log("access.log");
        log.contains("GET /about?x=1 HTTP/2.0|200|h2").then_some(())
    });
}

#[tokio::test]
async fn many_streams_are_served_at_once_and_the_last_ones_before_the_end() {
    let lab = Lab::new(&["a.test"]);
    let client = lab.client(None);
    let backend = Backend::start(lab.dir.path(), "slow.sock", |mut stream, _| {
        std::thread::spawn(move || {
            use std::io::Write as _;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
            // The rest comes when the proxy has been told to quit.
            let mut byte = [0];
            let _ = std::io::Read::read(&mut stream.try_clone().expect("a socket"), &mut byte);
        });
    });
    let http = format!(
        "{TLS} server {{ listen unix:DIR/front.sock ssl; location / {{ return 200 $connection_requests; }}\n\
         location /slow {{ proxy_read_timeout 1s; proxy_pass http://unix:DIR/slow.sock:; }} }}"
    );
    let mut proxy = Proxy::start_in(lab.dir, &http);
    let mut sender = connect(&client, &proxy).await;
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { ask(&mut sender, request(Method::GET, "/", b"")).await })
        })
        .collect();
    let mut counted = Vec::new();
    for one in asked {
        let (status, body) = one.await.expect("no panic");
        assert_eq!(status, 200);
        counted.push(
            String::from_utf8_lossy(&body)
                .parse::<u32>()
                .expect("a number"),
        );
    }
    counted.sort_unstable();
    assert_eq!(counted, (1..=100).collect::<Vec<_>>());
    // A stream under way keeps the proxy from going; its end, even a bad one, lets it.
    let slow = sender.send_request(request(Method::GET, "/slow", b""));
    let answer = slow.await.expect("a head");
    assert_eq!(backend.connections(), 1);
    proxy.signal(Signal::SIGQUIT);
    let cut = answer.into_body().collect().await;
    assert!(cut.is_err(), "a body that was cut is not told to be whole");
    wait_for("the end", || proxy.ended().then_some(()));
}

#[test]
fn the_settings_of_http2_are_understood() {
    for http in [
        "server { listen 1; http2 on; http2_max_concurrent_streams 7; http2_chunk_size 8k; }",
        "ssl_reject_handshake on; server { listen 1 ssl http2; }",
    ] {
        let output = test_config(http);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{http}: {text}");
    }
}
