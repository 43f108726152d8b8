//! The whole lab end to end, without Docker: the module's flow, and what it must survive without losing a request.
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use lab::binaries::Binaries;
use lab::health;
use lab::private_lab::PrivateLab;
use serde_json::Value;

fn start_lab() -> PrivateLab {
    static BUILD: Once = Once::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    BUILD.call_once(|| {
        Binaries::beside_this_executable()
            .unwrap()
            .build_if_stale(root)
            .unwrap();
    });
    let program = Path::new(env!("CARGO_BIN_EXE_lab"));
    PrivateLab::start(program, root, &["proxy", "backends"]).unwrap()
}

/// Runs the load tester against the main lab.
fn load(lab: &PrivateLab, args: &[&str]) -> Child {
    let program = Binaries::beside_this_executable()
        .unwrap()
        .path("load-tester");
    let url = lab.url("/");
    Command::new(program)
        .arg(url)
        .arg("--json")
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn report(load: Child) -> Value {
    let output = load.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many requests each server answered, by its number.
fn counts(report: &Value) -> Vec<(u64, u64)> {
    let servers = report["servers"].as_array().unwrap();
    servers
        .iter()
        .map(|server| {
            (
                server["id"].as_u64().unwrap(),
                server["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// Every request got the answer of a server, and none needed a second try by the client.
fn assert_nothing_lost(report: &Value) {
    assert_eq!(
        report["errors"],
        serde_json::json!([]),
        "{:#}",
        report["errors"]
    );
    assert_eq!(report["unknown"], 0, "{}", report["unknown_sample"]);
    let statuses = report["statuses"].as_object().unwrap();
    assert_eq!(statuses.keys().collect::<Vec<_>>(), ["200"]);
    assert_eq!(statuses["200"], report["requests"]);
}

async fn get(lab: &PrivateLab, path: &str) -> String {
    health::text(&health::client(), &lab.url(path))
        .await
        .unwrap()
}

/// The peer of the status API with this name, whatever else the API tells.
async fn peer(lab: &PrivateLab, name: &str) -> Value {
    let status = health::json(&health::client(), &health::status_url(&lab.ports))
        .await
        .unwrap();
    let upstreams = status["upstreams"].as_array().unwrap();
    let mut peers = upstreams
        .iter()
        .flat_map(|upstream| upstream["peers"].as_array().unwrap());
    peers
        .find(|peer| peer.to_string().contains(name))
        .unwrap_or_else(|| panic!("no {name} in {status:#}"))
        .clone()
}

/// Asks the status API until the peer is as wanted.
async fn peer_becomes(lab: &PrivateLab, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let peer = peer(lab, name).await;
        if wanted(&peer) {
            return peer;
        }
        assert!(Instant::now() < deadline, "{peer:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_answer_in_turn() {
    let lab = start_lab();
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(get(&lab, "/").await);
    }
    let expected: Vec<_> = [1, 2, 3, 1, 2, 3]
        .map(|id| format!("Hello from Server {id}!"))
        .into();
    assert_eq!(answers, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_concurrent_requests_are_shared_equally() {
    let lab = start_lab();
    let report = report(load(&lab, &[]));
    assert_nothing_lost(&report);
    let mut shares: Vec<_> = counts(&report)
        .into_iter()
        .map(|(_, count)| count)
        .collect();
    shares.sort_unstable();
    assert_eq!(shares, [333, 333, 334]);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_change_with_a_reload() {
    let lab = start_lab();
    lab.edit("# least_conn;", "least_conn;").unwrap();
    lab.run(&["reload"]).unwrap();
    let fewest = report(load(&lab, &[]));
    assert_nothing_lost(&fewest);
    assert_eq!(counts(&fewest).len(), 3, "{fewest:#}");

    lab.edit("least_conn;", "# least_conn;").unwrap();
    lab.edit("# ip_hash;", "ip_hash;").unwrap();
    lab.run(&["reload"]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let hashed = report(load(&lab, &[]));
        assert_nothing_lost(&hashed);
        if matches!(counts(&hashed)[..], [(_, 1000)]) {
            break;
        }
        // The reload is a signal: the first load may have met the old configuration.
        assert!(Instant::now() < deadline, "{:?}", counts(&hashed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_refused_and_the_old_one_stays() {
    let lab = start_lab();
    lab.edit("proxy_pass", "proxy_pas").unwrap();
    let refused = lab.command(&["reload"]).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("proxy_pas") && said.contains("nginx.conf:"),
        "{said}"
    );
    assert!(get(&lab, "/").await.starts_with("Hello from Server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backend_costs_not_one_request_and_the_status_says_why() {
    let lab = start_lab();
    let running = load(&lab, &["-d", "4s", "-c", "32"]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    lab.run(&["kill", "backend2"]).unwrap();
    let out = peer_becomes(&lab, "backend2", |peer| peer["state"] != "up").await;
    assert!(
        out["why"].as_str().is_some_and(|why| !why.is_empty()),
        "{out:#}"
    );
    assert_nothing_lost(&report(running));

    lab.run(&["start", "backend2"]).unwrap();
    // A peer that was out gets a request again when fail_timeout has passed, and is back if it answers.
    let deadline = Instant::now() + Duration::from_secs(30);
    while peer(&lab, "backend2").await["state"] != "up" {
        assert!(
            Instant::now() < deadline,
            "{:#}",
            peer(&lab, "backend2").await
        );
        get(&lab, "/").await;
    }
    assert_nothing_lost(&report(load(&lab, &[])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_backend_is_started_again() {
    let lab = start_lab();
    let before = lab.place().pid("backend3").unwrap();
    let url = format!("http://127.0.0.1:{}/crash", lab.ports.backends[2]);
    // It dies while answering, so what the client sees of it does not matter.
    let _ = health::client().get(url).send().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while !lab.command(&["status"]).output().unwrap().status.success()
        || lab.place().pid("backend3") == Some(before)
    {
        assert!(Instant::now() < deadline, "{}", lab.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        lab.said().contains("starting it again in 1 s"),
        "{}",
        lab.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_reloads_under_load_lose_not_one_request() {
    let lab = start_lab();
    let pid = lab.place().pid("proxy").unwrap();
    let mut running = load(&lab, &["-d", "6s", "-c", "32"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..50 {
        assert!(
            running.try_wait().unwrap().is_none(),
            "the load ended before the reloads"
        );
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGHUP,
        )
        .unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    let report = report(running);
    assert_nothing_lost(&report);
    assert_eq!(
        lab.place().pid("proxy"),
        Some(pid),
        "the proxy was started anew:\n{}",
        lab.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_leaves_no_process_behind() {
    let lab = start_lab();
    let pids: Vec<_> = ["proxy", "backend1", "backend2", "backend3"]
        .map(|name| lab.place().pid(name).unwrap())
        .into();
    let said = lab.stop().unwrap();
    assert!(said.contains("the lab is down"), "{said}");
    for pid in pids {
        assert!(!lab::place::alive(pid), "{pid} still runs\n{said}");
    }
}
