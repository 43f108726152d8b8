//! Traces: the context that a peer is told, and the spans that a collector gets.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use serde_json::Value;

use crate::harness::{Backend, PATIENCE, Proxy, test_config};

const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn ask(proxy: &Proxy, path: &str, fields: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n");
    proxy.ask(request.as_bytes())
}

fn seen<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    let fields = request.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_context_is_passed_on_made_or_left_alone_as_the_location_says() {
    let http = "server { listen unix:DIR/front.sock;
        location / { proxy_pass http://unix:DIR/back.sock:; }
        location /propagate { otel_trace on; otel_trace_context propagate; proxy_pass http://unix:DIR/back.sock:;
            add_header X-Trace '$otel_trace_id $otel_parent_id $otel_parent_sampled'; }
        location /inject { otel_trace_context inject; proxy_pass http://unix:DIR/back.sock:; } }";
    let dir = tempfile::tempdir().expect("a folder");
    let answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    let backend = Backend::answering(dir.path(), "back.sock", answer);
    let proxy = Proxy::start_in(dir, http);
    let fields = format!("traceparent: {CONTEXT}\r\ntracestate: a=1\r\n");
    ask(&proxy, "/", &fields);
    let told = ask(&proxy, "/propagate", &fields);
    ask(&proxy, "/propagate", "traceparent: 00-junk\r\n");
    ask(&proxy, "/inject", &fields);
    let requests = backend.seen();
    let one = |at: usize| {
        let values = seen(&requests[at], "traceparent");
        assert_eq!(values.len(), 1, "{}", requests[at]);
        values[0]
    };
    assert_eq!(one(0), CONTEXT);
    // The same trace, another parent, and the vendor's word stays.
    assert_eq!(one(1)[..36], CONTEXT[..36]);
    assert_ne!(one(1), CONTEXT);
    assert_eq!(seen(&requests[1], "tracestate"), ["a=1"]);
    let expected = "X-Trace: 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 1\r\n";
    assert!(told.contains(expected), "{told}");
    // Nobody's trace begins here.
    assert!(one(2).starts_with("00-") && one(2).ends_with("-01") && one(2).len() == 55);
    assert_ne!(one(3)[..36], CONTEXT[..36]);
    assert!(seen(&requests[3], "tracestate").is_empty());
}

#[test]
fn finished_requests_reach_the_collector_as_spans() {
    let collector = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = collector.local_addr().expect("an address");
    let (sender, batches) = mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for stream in collector.incoming().map_while(Result::ok) {
            let _ = sender.send(take_batch(stream));
        }
    });
    let http = format!(
        "otel_exporter {{ endpoint http://{address}; interval 50ms; header X-Key secret; }}
        otel_service_name front; otel_trace $http_x_traced;
        server {{ listen unix:DIR/front.sock; otel_trace_context extract;
            location /named {{ otel_span_name '$request_method named'; otel_span_attr user ada;
                error_page 404 =200 /x; }} }}"
    );
    let proxy = Proxy::start(&http);
    ask(&proxy, "/untraced", "");
    ask(
        &proxy,
        "/named",
        &format!("X-Traced: 1\r\ntraceparent: {CONTEXT}\r\n"),
    );
    let (head, batch) = batches.recv_timeout(PATIENCE).expect("a batch");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-key: secret\r\n"), "{head}");
    let resource = &batch["resourceSpans"][0];
    assert_eq!(
        resource["resource"]["attributes"][0]["value"]["stringValue"],
        "front"
    );
    let spans = resource["scopeSpans"][0]["spans"]
        .as_array()
        .expect("spans");
    assert_eq!(spans.len(), 1, "{batch}");
    let span = &spans[0];
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(span["kind"], 2);
    let time = |name: &str| {
        span[name]
            .as_str()
            .and_then(|text| text.parse::<u128>().ok())
    };
    assert!(time("startTimeUnixNano").expect("a time") <= time("endTimeUnixNano").expect("a time"));
    let attribute = |key: &str| {
        let all = span["attributes"].as_array().expect("attributes");
        let found = all.iter().find(|one| one["key"] == key);
        found.map(|one| one["value"].clone())
    };
    assert_eq!(
        attribute("http.method"),
        Some(serde_json::json!({"stringValue": "GET"}))
    );
    assert!(attribute("http.status_code").is_some());
}

/// Reads one request, answers it, and gives its head and its JSON.
fn take_batch(mut stream: TcpStream) -> (String, Value) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).expect("a request");
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(count > 0, "cut off: {text}");
            continue;
        };
        if let Ok(batch) = serde_json::from_str(body) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            return (format!("{head}\r\n"), batch);
        }
        assert!(count > 0, "cut off: {text}");
    }
}

#[test]
fn an_exporter_that_can_not_be_is_refused_by_name() {
    for (block, why) in [
        ("endpoint https://a:1;", "invalid endpoint"),
        ("interval 5s;", "requires \"endpoint\""),
        ("endpoint a:1; colour red;", "unknown directive \"colour\""),
        (
            "endpoint a:1; trusted_certificate ca.pem;",
            "not implemented",
        ),
    ] {
        let output = test_config(&format!("otel_exporter {{ {block} }}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(why),
            "{block}: {said}"
        );
    }
}
