//! The admin pages through their router, as a browser or a program sees them.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::balance::{ClientAddr, Method, PickKey};
use crate::limit::SMALLEST;
use crate::upstream::{Failure, ServerConfig, Tried, UpstreamConfig};

/// Three peers; the first answered twice, the second refused once, the third has no address. And the first two on a
/// ring; and a limit of five requests, two of which came.
fn sources() -> Sources {
    let servers = ["127.0.0.1:1", "127.0.0.1:2", "backend3:5000"]
        .map(|name| ServerConfig::new(name, 80).unwrap());
    let config = UpstreamConfig {
        name: "flask_servers".to_owned(),
        servers: servers.to_vec(),
        method: Method::RoundRobin,
        queue: None,
    };
    let upstream = Arc::new(Upstream::new(config));
    let now = Instant::now();
    upstream.lost(2, "Name or service not known", now);
    let key = PickKey {
        client: ClientAddr::Unix,
        hash_key: b"",
    };
    let pick = || upstream.pick(&key, &mut Tried::default(), now).unwrap();
    pick().succeed(
        Duration::from_millis(4),
        Duration::from_millis(5),
        200,
        100,
        now,
    );
    pick().fail(Failure::Connect(std::io::ErrorKind::ConnectionRefused), now);
    pick().succeed(
        Duration::from_millis(4),
        Duration::from_millis(5),
        404,
        100,
        now,
    );
    let ring = Arc::new(Upstream::new(UpstreamConfig {
        name: "ring".to_owned(),
        servers: servers[..2].to_vec(),
        method: Method::Hash { consistent: true },
        queue: None,
    }));
    let limits = Zones::default();
    let often = limits.requests("often", SMALLEST);
    for _ in 0..2 {
        assert!(often.one_more(b"key", 0, 0, 4000, true).is_ok());
    }
    let counters = Arc::new(Counters::new(2));
    counters.worker(1).connection_accepted();
    counters.worker(1).request();
    let ports = vec![Port {
        written: 80,
        bound: "127.0.0.1:8088".parse().unwrap(),
        tls: false,
        upstream: Some("flask_servers".to_owned()),
    }];
    let loaded = SystemTime::UNIX_EPOCH;
    // A zone is reported while a configuration holds it.
    let limits = move || (&often, limits.clone()).1;
    let view = move || View {
        generation: 7,
        loaded,
        upstreams: vec![Arc::clone(&upstream), Arc::clone(&ring)],
        caches: Vec::new(),
        limits: limits(),
        ports: ports.clone(),
        files: Vec::new(),
    };
    Sources {
        counters,
        view: Box::new(view),
        started: SystemTime::now(),
        writers: "127.0.0.0/8,::1".parse().unwrap(),
        load: Load::default(),
    }
}

async fn get_as(host: &str, path: &str) -> Response {
    let request = Request::get(path)
        .header("host", host)
        .body(Body::empty())
        .unwrap();
    router(sources()).oneshot(request).await.unwrap()
}

async fn text(path: &str) -> String {
    let response = get_as("localhost:8080", path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    String::from_utf8(
        to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn the_status_says_who_has_what_and_why() {
    let status: Value = serde_json::from_str(&text("/api/status").await).unwrap();
    assert_eq!(
        (&status["generation"], &status["requests"]),
        (&7.into(), &1.into())
    );
    assert_eq!(
        status["connections"],
        serde_json::json!({"active": 1, "accepted": 1})
    );
    assert_eq!(status["workers"].as_array().unwrap().len(), 2);
    assert_eq!(status["services"][0]["port"], 8088);
    let upstream = &status["upstreams"][0];
    assert_eq!(
        (&upstream["name"], &upstream["method"]),
        (&"flask_servers".into(), &"round_robin".into())
    );
    let [first, second, third] = [0, 1, 2].map(|n| &upstream["peers"][n]);
    assert_eq!(
        (&first["state"], &first["why"]),
        (&"up".into(), &Value::Null)
    );
    assert_eq!(
        (&first["requests"], &first["share_percent"]),
        (&2.into(), &66.7.into())
    );
    assert_eq!(
        (&first["responses"]["2xx"], &first["responses"]["4xx"]),
        (&1.into(), &1.into())
    );
    assert!((4.0..4.3).contains(&first["latency_ms"]["p99"].as_f64().unwrap()));
    assert_eq!(second["state"], "unavailable");
    assert_eq!(second["why"], "1 failure in 10s: connection refused");
    assert!(second["since"].as_str().unwrap() < second["until"].as_str().unwrap());
    assert_eq!(
        (&third["state"], &third["address"]),
        (&"unresolved".into(), &Value::Null)
    );
    assert_eq!(
        third["why"],
        "does not resolve yet: Name or service not known"
    );
}

#[tokio::test]
async fn the_metrics_are_what_prometheus_reads() {
    let page = text("/metrics").await;
    for line in [
        "# TYPE proxy_upstream_peer_requests_total counter",
        "# TYPE proxy_upstream_peer_current_weight gauge",
        r#"proxy_upstream_peer_effective_weight{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1"} 1"#,
        r#"proxy_upstream_peer_promised_percent{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1"} 100"#,
        r#"proxy_upstream_peer_promised_percent{upstream="flask_servers",peer="127.0.0.1:2",address="127.0.0.1:2"} 0"#,
        r#"proxy_upstream_peer_requests_total{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1"} 2"#,
        r#"proxy_upstream_peer_up{upstream="flask_servers",peer="127.0.0.1:2",address="127.0.0.1:2"} 0"#,
        r#"proxy_upstream_peer_responses_total{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1",class="4xx"} 1"#,
        r#"proxy_upstream_peer_first_byte_seconds_bucket{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1",le="0.002048"} 0"#,
        r#"proxy_upstream_peer_first_byte_seconds_bucket{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1",le="0.004096"} 2"#,
        r#"proxy_upstream_peer_first_byte_seconds_bucket{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1",le="+Inf"} 2"#,
        r#"proxy_upstream_peer_first_byte_seconds_sum{upstream="flask_servers",peer="127.0.0.1:1",address="127.0.0.1:1"} 0.008"#,
        "# TYPE proxy_upstream_peer_ring_percent gauge",
        r#"proxy_limit_fullest{zone="often",kind="requests"} 2"#,
        r#"proxy_limit_capacity{zone="often",kind="requests"} 5"#,
        r#"proxy_requests_total{worker="1"} 1"#,
        "proxy_config_generation 7",
    ] {
        assert!(
            page.lines().any(|found| found == line),
            "no {line} in\n{page}"
        );
    }
}

#[tokio::test]
async fn the_metrics_have_the_ring_that_the_status_has() {
    let status: Value = serde_json::from_str(&text("/api/status").await).unwrap();
    let ring = status["upstreams"][1]["ring"].as_array().unwrap();
    let first = ring.iter().filter(|owner| **owner == 0).count();
    assert!((1..ring.len()).contains(&first));
    let percent = (first as f64 / ring.len() as f64 * 1000.0).round() / 10.0;
    let labels = r#"upstream="ring",peer="127.0.0.1:1",address="127.0.0.1:1""#;
    let line = format!("proxy_upstream_peer_ring_percent{{{labels}}} {percent}");
    let page = text("/metrics").await;
    assert!(page.lines().any(|found| found == line), "no {line}");
    assert!(!page.contains(r#"ring_percent{upstream="flask_servers""#));
}

#[tokio::test]
async fn every_metric_has_one_head_and_every_sample_its_own_labels() {
    let page = text("/metrics").await;
    let mut seen = std::collections::HashSet::new();
    for line in page.lines() {
        let name = if line.starts_with('#') {
            line
        } else {
            line.rsplit_once(' ').unwrap().0
        };
        assert!(seen.insert(name), "twice: {name}");
    }
}

#[tokio::test]
async fn the_home_has_all_that_it_names() {
    let home = text("/").await;
    for asset in ["/lab.css", "/home.css", "/home.js"] {
        assert!(home.contains(asset));
    }
    for asset in ["home", "dom", "peers", "flow", "requests", "conf"] {
        text(&format!("/{asset}.js")).await;
    }
    assert_eq!(text("/healthz").await, "ok\n");
}

#[tokio::test]
async fn a_foreign_host_name_sees_nothing() {
    for path in ["/", "/api/status", "/metrics", "/nowhere"] {
        let response = get_as("evil.example", path).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let two = Request::get("/")
        .header("host", "localhost")
        .header("host", "evil.example");
    let response = router(sources())
        .oneshot(two.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    for (host, path) in [
        ("localhost", "/"),
        ("localhost", "/nowhere"),
        ("evil.example", "/"),
    ] {
        let response = get_as(host, path).await;
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'self'"));
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}

/// A change as curl on this machine sends it, but for `headers`.
fn change(path: &str, body: &'static str, peer: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::patch(path).header("host", "localhost:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    let peer: std::net::SocketAddr = peer.parse().unwrap();
    request
        .extensions_mut()
        .insert(axum::extract::ConnectInfo(peer));
    request
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PEER: &str = "/api/upstreams/flask_servers/peers/127.0.0.1:1";
const DRAIN_IT: &str = r#"{"state": "drain"}"#;

#[tokio::test]
async fn a_change_is_in_the_next_status() {
    let app = router(sources());
    for (path, body) in [
        (PEER, DRAIN_IT),
        (PEER, r#"{"weight": 7}"#),
        (
            "/api/upstreams/flask_servers",
            r#"{"method": "least_conn"}"#,
        ),
    ] {
        let request = change(path, body, "127.0.0.1:9", &[JSON]);
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{body}");
    }
    let request = Request::get("/api/status").header("host", "localhost");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await;
    let body = to_bytes(response.unwrap().into_body(), 1 << 20)
        .await
        .unwrap();
    let status: Value = serde_json::from_slice(&body).unwrap();
    let upstream = &status["upstreams"][0];
    assert_eq!(upstream["method"], "least_conn");
    assert_eq!(upstream["peers"][0]["state"], "draining");
    assert_eq!(upstream["peers"][0]["weight"], 7);
}

#[tokio::test]
async fn nobody_else_changes_anything() {
    let (own, foreign) = (
        ("origin", "http://localhost:8080"),
        ("origin", "http://evil.example"),
    );
    let local = "127.0.0.1:9";
    for (peer, headers, expected) in [
        (
            local,
            vec![JSON, own, ("sec-fetch-site", "same-origin")],
            200,
        ),
        ("10.0.0.1:9", vec![JSON], 403),
        (local, vec![], 415),
        (local, vec![("content-type", "text/plain")], 415),
        (
            local,
            vec![("content-type", "application/x-www-form-urlencoded"), own],
            415,
        ),
        (local, vec![JSON, foreign], 403),
        (local, vec![JSON, ("origin", "null")], 403),
        (local, vec![JSON, ("sec-fetch-site", "cross-site")], 403),
        (local, vec![JSON, own, ("sec-fetch-site", "same-site")], 403),
    ] {
        let request = change(PEER, DRAIN_IT, peer, &headers);
        let response = router(sources()).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{peer} {headers:?}");
    }
    let unknown = Request::patch(PEER)
        .header("host", "localhost")
        .header(JSON.0, JSON.1);
    let response = router(sources()).oneshot(unknown.body(Body::from(DRAIN_IT)).unwrap());
    assert_eq!(
        response.await.unwrap().status(),
        StatusCode::FORBIDDEN,
        "no address"
    );
}

#[tokio::test]
async fn what_is_no_change_says_why() {
    for (path, body, expected) in [
        (PEER, "{}", 400),
        (PEER, "", 400),
        (PEER, r#"{"state": "asleep"}"#, 400),
        (PEER, r#"{"wieght": 1}"#, 400),
        (PEER, r#"{"weight": 0}"#, 400),
        (PEER, r#"{"weight": -1}"#, 400),
        ("/api/upstreams/flask_servers/peers/nobody", DRAIN_IT, 404),
        ("/api/upstreams/nobody/peers/127.0.0.1:1", DRAIN_IT, 404),
        ("/api/upstreams/flask_servers", r#"{"method": "hash"}"#, 400),
        ("/api/status", DRAIN_IT, 405),
    ] {
        let request = change(path, body, "[::1]:9", &[JSON]);
        let response = router(sources()).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path} {body}");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(expected == 405 || body.starts_with(b"{\n  \"error\": "));
    }
}

#[tokio::test]
async fn what_the_balancer_promises_and_remembers_is_shown() {
    let status: Value = serde_json::from_str(&text("/api/status").await).unwrap();
    let peers = status["upstreams"][0]["peers"].as_array().unwrap();
    let promised: Vec<_> = peers.iter().map(|peer| &peer["promised_percent"]).collect();
    // The second is out and the third has no address.
    assert_eq!(promised, [100.0, 0.0, 0.0]);
    assert_eq!(peers[0]["effective_weight"], 1);
    assert_eq!(status["limits"][0]["levels"], serde_json::json!([2.0]));
    assert_eq!(status["limits"][0]["capacity"], 5.0);
    assert_eq!(status["load"]["running"], false);
    assert_eq!(status["services"][0]["upstream"], "flask_servers");
}

#[tokio::test]
async fn a_reset_and_a_run_are_for_writers_and_a_run_has_bounds() {
    let (local, far) = ("[::1]:9", "10.0.0.1:9");
    for (path, body, peer, headers, expected) in [
        ("/api/reset", "{}", local, &[JSON][..], 200),
        ("/api/reset", "{}", local, &[], 415),
        ("/api/reset", "{}", far, &[JSON], 403),
        ("/api/reset", r#"{"a": 1}"#, local, &[JSON], 400),
        (
            "/api/load",
            r#"{"requests": 1, "port": 80}"#,
            far,
            &[JSON],
            403,
        ),
        (
            "/api/load",
            r#"{"requests": 0, "port": 80}"#,
            local,
            &[JSON],
            400,
        ),
        (
            "/api/load",
            r#"{"requests": 1, "port": 22}"#,
            local,
            &[JSON],
            400,
        ),
        (
            "/api/load",
            r#"{"requests": 1, "port": 80, "path": "x"}"#,
            local,
            &[JSON],
            400,
        ),
    ] {
        let mut request = change(path, body, peer, headers);
        *request.method_mut() = axum::http::Method::POST;
        let response = router(sources()).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path} {body} {peer}");
    }
}

#[tokio::test]
async fn a_viewer_pays_for_the_next_samples() {
    let sources = sources();
    let counters = Arc::clone(&sources.counters);
    let taken = || {
        let ring = counters.worker(0).ring();
        (0..1000).filter(|_| ring.takes_one()).count()
    };
    taken();
    assert_eq!(taken(), 0, "nobody looks");
    let request = Request::get("/api/samples?after=0").header("host", "localhost");
    let response = router(sources).oneshot(request.body(Body::empty()).unwrap());
    assert_eq!(response.await.unwrap().status(), StatusCode::OK);
    assert_eq!(taken(), 32, "64 for two workers");
}
