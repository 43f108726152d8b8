//! The program as people call it: what it prints, and its exit status.

use std::process::{Command, Output};

use crate::server::{Server, balanced, hello};

fn load_tester(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_load-tester"));
    command
        .env_remove("LAB_TARGET")
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn the_first_line_is_the_map_and_nothing_goes_to_stderr() {
    let (front, _backends) = balanced();
    let output = load_tester(&[&front.url()]);
    assert_eq!(
        stdout(&output).lines().next(),
        Some("{1: 334, 2: 333, 3: 333}")
    );
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        stderr(&output)
    );
}

#[test]
fn who_reads_only_the_first_line_gets_it_without_a_complaint() {
    let server = Server::answering(hello(1));
    let script = r#""$0" "$1" -n 20 --verbose | head -1"#;
    let program = env!("CARGO_BIN_EXE_load-tester");
    let output = Command::new("sh")
        .args(["-c", script, program, &server.url()])
        .output()
        .unwrap();
    assert!(stdout(&output).ends_with(": Hello from Server 1!\n"));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_target_may_come_from_the_environment() {
    let server = Server::answering(hello(2));
    let mut command = Command::new(env!("CARGO_BIN_EXE_load-tester"));
    let output = command
        .env("LAB_TARGET", server.url())
        .args(["-n", "3"])
        .output()
        .unwrap();
    assert_eq!(stdout(&output).lines().next(), Some("{2: 3}"));
}

#[test]
fn verbose_prints_every_answer_with_its_number() {
    let server = Server::answering(hello(3));
    let output = load_tester(&[&server.url(), "-n", "20", "--verbose"]);
    let lines: Vec<_> = stdout(&output).lines().collect();
    let mut answers = lines[..20].to_vec();
    answers.sort_by_key(|line| line.split(':').next().unwrap().parse::<u32>().unwrap());
    let expected: Vec<_> = (0..20)
        .map(|number| format!("{number}: Hello from Server 3!"))
        .collect();
    assert_eq!(
        (answers, lines[20]),
        (expected.iter().map(String::as_str).collect(), "{3: 20}")
    );
}

#[test]
fn an_expectation_decides_the_exit_status_and_says_why() {
    let (front, _backends) = balanced();
    let one = Server::answering(hello(1));
    let broken = Server::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let silent = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let (front, one, broken, silent) = (front.url(), one.url(), broken.url(), silent.url());
    for (url, expect, tolerance, status, why) in [
        (&front, "1:1:1", "0", 0, ""),
        (&front, "333:333:334", "0.1%", 0, ""),
        (&one, "1", "1", 0, ""),
        (
            &one,
            "1:1:1",
            "1",
            1,
            "3 server(s) should have answered, {1: 300} shows 1",
        ),
        (
            &front,
            "5:1:1",
            "1",
            1,
            "server 1 answered 100 requests, expected were 214, give or take 3: {1: 100, 2: 100, 3: 100}",
        ),
        (&front, "5:1:1", "50", 0, ""),
        (
            &broken,
            "1",
            "1",
            1,
            "300 of 300 requests got no good answer, the most frequent reason is: HTTP 502",
        ),
        (&silent, "1", "1", 1, "300 of 300 answers name no server"),
        (&front, "1:0", "1", 2, "write parts above zero"),
        (&front, "1:1:1", "200", 2, "not between 0 and 100"),
    ] {
        let output = load_tester(&[
            url,
            "-n",
            "300",
            "--expect",
            expect,
            "--tolerance",
            tolerance,
        ]);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{expect} of {url}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(why),
            "{expect} of {url}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn json_is_one_document_with_these_fields() {
    let server = Server::answering(hello(1));
    let output = load_tester(&[&server.url(), "-n", "50", "--rate", "1000", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = vec![
        "target",
        "method",
        "requests",
        "requests_per_second",
        "seconds",
        "rate",
        "connections",
        "connections_opened",
        "keepalive",
        "retries",
        "bytes_received",
        "servers",
        "unknown",
        "unknown_sample",
        "errors",
        "statuses",
        "latency",
        "latency_uncorrected",
        "timeline",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (&json["requests"], &json["statuses"]["200"]),
        (&50.into(), &50.into())
    );
    assert_eq!(
        (&json["servers"][0]["id"], &json["servers"][0]["count"]),
        (&1.into(), &50.into())
    );
    for latency in [
        &json["latency"],
        &json["latency_uncorrected"],
        &json["servers"][0]["latency"],
    ] {
        let figures = [
            "min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms", "max_ms",
        ];
        let figures = figures.map(|name| latency[name].as_f64().unwrap());
        assert!(figures.is_sorted() && figures[0] > 0.0, "{figures:?}");
        assert_eq!(latency["count"], 50);
    }
    let answers = json["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| moment["servers"][0].as_u64().unwrap());
    assert_eq!(answers.sum::<u64>(), 50);
}

#[test]
fn failures_are_explained_and_nothing_answered_exits_with_1() {
    let broken = Server::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let output = load_tester(&[&broken.url(), "-n", "9"]);
    assert_eq!(
        (output.status.code(), stdout(&output).lines().next()),
        (Some(1), Some("{}"))
    );
    assert!(
        stdout(&output)
            .contains("9  HTTP 502\n            the proxy got no good answer from a backend")
    );
}

#[test]
fn the_page_needs_nothing_else_and_shows_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("load.html");
    let hostile = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n<script>alert(1)</script>";
    for (server, wanted) in [
        (Server::answering(hello(1)), "{1: 30}"),
        (
            Server::answering(hostile),
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
        (
            Server::answering("HTTP/1.1 504 Timeout\r\nContent-Length: 0\r\n\r\n"),
            "see proxy_read_timeout",
        ),
    ] {
        load_tester(&[
            &server.url(),
            "-n",
            "30",
            "--rate",
            "1000",
            "--html",
            page.to_str().unwrap(),
        ]);
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(html.contains(wanted) && html.contains("prefers-color-scheme: dark"));
        assert!(html.matches("<svg").count() >= 4);
        let outside = ["src=", "href=", "url(", "@import", "<script", "NaN", "inf"];
        assert_eq!(outside.iter().find(|part| html.contains(**part)), None);
    }
}

#[test]
fn method_header_and_body_reach_the_server() {
    let server = crate::server::Server::start(|_, mut stream| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\nquestion") {
            request.push(stream.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&request);
        let good = text.starts_with("PUT / HTTP/1.1\r\n") && text.contains("\r\nX-Debug: 1\r\n");
        stream.write_all(hello(usize::from(good)).as_bytes()).await
    });
    let output = load_tester(&[
        &server.url(),
        "-n",
        "2",
        "-m",
        "PUT",
        "-H",
        "X-Debug: 1",
        "--body",
        "question",
    ]);
    assert_eq!(stdout(&output).lines().next(), Some("{1: 2}"));
}

#[test]
fn wrong_arguments_exit_with_2_and_say_what_is_meant() {
    for (arguments, why) in [
        (
            ["https://localhost/", "-n", "1"],
            "https is not spoken here",
        ),
        (["localhost", "-d", "5 parsecs"], "is no unit of time"),
        (["localhost", "-H", "no colon"], "write `Name: value`"),
        (["localhost", "--tolerance", "1"], "--expect"),
        (
            ["localhost", "-c", "0"],
            "the number of connections must be more than zero",
        ),
        (
            ["localhost", "-H", "Content-Length: 3"],
            "is written by the load tester itself",
        ),
    ] {
        let output = load_tester(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(why),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}
