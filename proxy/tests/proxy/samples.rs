//! What the dashboard is told of a finished request: every try, the heads of both sides, nothing secret.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Backend, PATIENCE, Proxy, wait_for};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-From: b\r\nSet-Cookie: sid=hunter2; Path=/\r\n\
                  Connection: close\r\n\r\nok";
const FRONT: &str = "upstream u { server unix:DIR/a.sock; server unix:DIR/b.sock; }
  server { listen unix:DIR/front.sock;
    location / { proxy_pass http://u; proxy_set_header X-Ours yes; } }";

/// The address of the admin listener, as the log names it.
fn admin(proxy: &Proxy) -> String {
    wait_for("the admin listener", || {
        let log = proxy.log("stderr");
        let (_, rest) = log.split_once("http://127.0.0.1:")?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (port.len() < rest.len()).then(|| format!("127.0.0.1:{port}"))
    })
}

fn ask(admin: &str, request: &str) -> Value {
    let mut stream = TcpStream::connect(admin).expect("the admin listener is there");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {answer}"))
}

fn get(admin: &str, path: &str) -> Value {
    ask(
        admin,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

fn post(admin: &str, path: &str, body: &str) -> Value {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(admin, &head)
}

fn start(dir: tempfile::TempDir, front: &str) -> (Proxy, String) {
    let stderr = std::fs::File::create(dir.path().join("stderr")).expect("a file");
    let proxy = Proxy::start_with(dir, front, |command| {
        command
            .args(["--admin", "127.0.0.1:0"])
            .stdout(Stdio::from(stderr.try_clone().expect("a file")))
            .stderr(Stdio::from(stderr));
    });
    let admin = admin(&proxy);
    (proxy, admin)
}

/// Waits until the worker has handed the sample over: that is after the client has its answer.
fn sample(admin: &str) -> Value {
    wait_for("a sample", || {
        let samples = get(admin, "/api/samples?after=0");
        samples["samples"].as_array()?.first().cloned()
    })
}

fn field<'a>(head: &'a Value, name: &str) -> Option<&'a str> {
    let fields = head["fields"].as_array()?;
    fields.iter().find(|field| field[0] == name)?[1].as_str()
}

#[test]
fn a_retried_request_is_shown_with_both_tries() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = Backend::answering(dir.path(), "a.sock", "");
    let _b = Backend::answering(dir.path(), "b.sock", OK);
    let (proxy, admin) = start(dir, FRONT);
    let answer = proxy.ask(
        b"GET /x?token=hunter2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.ends_with("ok"), "{answer}");
    let sample = sample(&admin);
    assert!(!sample.to_string().contains("hunter2"), "{sample}");
    assert_eq!(
        (&sample["status"], &sample["upstream"]),
        (&200.into(), &"u".into())
    );
    assert_eq!(sample["target"], "/x?token=[redacted]");

    let [first, second] = &sample["tries"].as_array().expect("tries")[..] else {
        panic!("{sample}")
    };
    assert_eq!(
        (&first["status"], &second["status"]),
        (&502.into(), &200.into())
    );
    let failure = first["failure"].as_str().expect("a failure");
    assert!(
        failure.starts_with("upstream prematurely closed"),
        "{failure}"
    );
    assert_eq!(
        (&second["failure"], &first["answer"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(field(&first["request"], "X-Ours"), Some("yes"));
    assert_eq!(field(&second["answer"], "X-From"), Some("b"));
    assert_eq!(
        field(&second["answer"], "Set-Cookie"),
        Some("sid=[redacted]; Path=/")
    );
    let why = [first, second].map(|one| one["choice"]["why"].as_str().expect("a reason"));
    assert!(why[0].contains("largest current weight, 1,"), "{why:?}");
    assert!(why[1].ends_with("is the only one left"), "{why:?}");
    assert_eq!(
        field(&sample["request"], "Authorization"),
        Some("Bearer [redacted]")
    );
    assert_eq!(sample["answer"]["line"], "HTTP/1.1 200 OK");

    let spans: Vec<_> = sample["spans"]
        .as_array()
        .expect("spans")
        .iter()
        .map(|span| {
            (
                span["phase"].as_str().expect("a phase"),
                span["try"].as_u64(),
            )
        })
        .collect();
    let expected = [
        ("parse", None),
        ("route", None),
        ("limit", None),
        ("access", None),
        ("upload", None),
        ("balance", Some(0)),
        ("connect", Some(0)),
        ("first_byte", Some(0)),
        ("balance", Some(1)),
        ("connect", Some(1)),
        ("first_byte", Some(1)),
        ("body", Some(1)),
    ];
    assert_eq!(spans, expected);
    // Lines of the file.
    let place = |block: &Value| {
        (
            block["place"]["from"].as_u64(),
            block["place"]["to"].as_u64(),
        )
    };
    assert_eq!(place(&sample["server"]), (Some(7), Some(8)));
    assert_eq!(place(&sample["location"]), (Some(8), Some(8)));
}

#[test]
fn an_answer_of_our_own_has_no_try_and_a_line_in_the_shown_configuration() {
    let dir = tempfile::tempdir().expect("a folder");
    let (proxy, admin) = start(
        dir,
        "server { listen unix:DIR/front.sock;\nlocation /own {\nreturn 404;\n} }",
    );
    assert!(proxy.get("/own").starts_with("HTTP/1.1 404"));
    let sample = sample(&admin);
    assert_eq!(sample["tries"], serde_json::json!([]));
    let last = sample["spans"]
        .as_array()
        .and_then(|spans| spans.last())
        .expect("a span");
    assert_eq!(last["phase"], "respond");
    let config = get(&admin, "/api/config");
    let file = &config["files"][0];
    assert_eq!(file["path"], sample["location"]["place"]["file"]);
    let line = sample["location"]["place"]["from"]
        .as_u64()
        .expect("a line");
    let text = file["text"].as_str().expect("a text");
    let shown = text.lines().nth(usize::try_from(line).expect("small") - 1);
    assert_eq!(shown, Some("location /own {"));
}

#[test]
fn a_reset_counts_anew_and_the_next_request_is_the_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let _a = Backend::answering(dir.path(), "a.sock", OK);
    let (proxy, admin) = start(
        dir,
        "server { listen unix:DIR/front.sock; location / { proxy_pass http://unix:DIR/a.sock; } }",
    );
    let counted = |requests: u64| {
        wait_for("the counters", || {
            let status = get(&admin, "/api/status");
            let peer = &status["upstreams"][0]["peers"][0];
            let all = [
                &status["requests"],
                &status["responses"]["2xx"],
                &peer["requests"],
            ];
            all.iter().all(|count| **count == requests).then_some(())
        });
    };
    for _ in 0..3 {
        proxy.get("/");
    }
    counted(3);
    assert_eq!(post(&admin, "/api/reset", "{}")["done"], true);
    counted(0);
    proxy.get("/");
    counted(1);
}
