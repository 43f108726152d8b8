//! `kill -9` under load, with a forwarder and a forwarding rule attached: what was acknowledged is there, once, and both
//! deliver it. `KILL_ROUNDS` sets how often.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::routing::post;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::harness::{DEADLINE, Database, Front, Receiver};

/// Senders at the same time.
const SENDERS: usize = 16;
/// Acknowledged events of a round before the kill.
const EVENTS: usize = 60;
/// Most that a token keeps; with more, events would go because of their number.
const LIMIT: usize = 10_000;
/// In every so many rounds the forwarder is killed, too.
const FORWARDER_TOO: usize = 5;

type Seen = Arc<Mutex<HashSet<String>>>;

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let rounds: usize = std::env::var("KILL_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3);
    kill(rounds, &[]).await;
    if let Some(database) = Database::make().await {
        kill(rounds, &["--database", &database.url]).await;
        database.remove().await;
    }
}

async fn kill(rounds: usize, more: &[&str]) {
    let folder = TempDir::new().unwrap();
    let front = Front::open().await;
    let target = Target::open().await;
    let mut receiver = Receiver::start(folder.path(), more);
    front.lead_to(&receiver);
    let token = receiver.token(json!({"request_limit": LIMIT})).await;
    attach_rule(&receiver, &token, &target).await;
    let start_forwarder =
        || Forwarder::start(&front, &token, &target, &folder.path().join("state"));
    let mut forwarder = start_forwarder();
    let acknowledged = Seen::default();
    for round in 0..rounds {
        load(round, receiver, &token, &acknowledged).await;
        if round % FORWARDER_TOO == FORWARDER_TOO - 1 {
            drop(forwarder);
            forwarder = start_forwarder();
        }
        receiver = Receiver::start(folder.path(), more);
        front.lead_to(&receiver);
    }
    let kept = kept(&receiver, &token).await;
    let distinct: HashSet<_> = kept.iter().cloned().collect();
    assert!(kept.len() < LIMIT, "too many events for one inbox");
    assert_eq!(distinct.len(), kept.len(), "something is there twice");
    let acknowledged = acknowledged.lock().unwrap().clone();
    let lost = acknowledged.difference(&distinct).count();
    assert_eq!(lost, 0, "lost, of {} acknowledged", acknowledged.len());
    target.has(&distinct).await;
    println!(
        "{rounds} kills: {} acknowledged, none lost; {} kept, none doubled; the forwarder and the rule delivered all",
        acknowledged.len(),
        kept.len()
    );
}

/// A server that remembers what came to each of its two paths.
struct Target {
    url: String,
    seen: [(&'static str, Seen); 2],
}

impl Target {
    async fn open() -> Self {
        let seen = [("forwarder", Seen::default()), ("rule", Seen::default())];
        let take = |State(seen): State<[(&'static str, Seen); 2]>,
                    UrlPath(by): UrlPath<String>,
                    body: String| async move {
            let (_, bodies) = seen.iter().find(|(name, _)| *name == by).unwrap();
            bodies.lock().unwrap().insert(body);
        };
        let app = Router::new()
            .route("/{by}", post(take))
            .with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    /// Waits until all of `wanted` came both ways, for as long as any still come.
    async fn has(&self, wanted: &HashSet<String>) {
        for (by, seen) in &self.seen {
            let (mut before, mut since) = (0, Instant::now());
            loop {
                let (count, missing) = {
                    let seen = seen.lock().unwrap();
                    (seen.len(), wanted.difference(&seen).count())
                };
                if missing == 0 {
                    break;
                }
                if count > before {
                    (before, since) = (count, Instant::now());
                }
                assert!(
                    since.elapsed() < 3 * DEADLINE,
                    "the {by} does not deliver {missing} events"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn attach_rule(receiver: &Receiver, token: &str, target: &Target) {
    let rule = json!({
        "target": format!("{}/rule", target.url), "keep_url": true, "pause_ms": 20, "attempts": 20,
    });
    let url = receiver.url(&format!("/token/{token}/forwards"));
    let began = Instant::now();
    // Where instances may share a store, one must first have become the one that runs the rules.
    while receiver
        .client
        .post(&url)
        .json(&rule)
        .send()
        .await
        .unwrap()
        .status()
        != 201
    {
        assert!(began.elapsed() < DEADLINE, "the rule is refused");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Our own forwarder; killed when dropped.
struct Forwarder(Child);

impl Forwarder {
    fn start(front: &Front, token: &str, target: &Target, state: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webhook-receiver"));
        command.args([
            "forward",
            "--from-start",
            "--listen-timeout",
            "0",
            "--pause-ms",
            "20",
        ]);
        command.args([
            "--keep-url",
            "--target",
            &format!("{}/forwarder", target.url),
        ]);
        command.args([
            "--token",
            token,
            "--server",
            &format!("http://{}", front.address),
        ]);
        command.arg("--state").arg(state).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends until enough is acknowledged, and kills the receiver while the senders are at it. Notes what was answered 200.
async fn load(round: usize, receiver: Receiver, token: &str, acknowledged: &Seen) {
    let url = receiver.url(&format!("/{token}"));
    let before = acknowledged.lock().unwrap().len();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (client, url, acknowledged) =
            (receiver.client.clone(), url.clone(), acknowledged.clone());
        senders.spawn(async move {
            for number in 0.. {
                // Each event says which it is, so that one that is there twice shows.
                let event = format!("{round}-{sender}-{number}");
                match client.post(&url).body(event.clone()).send().await {
                    Ok(response) if response.status() == 200 => {
                        acknowledged.lock().unwrap().insert(event);
                    }
                    _ => return,
                }
            }
        });
    }
    let began = Instant::now();
    while acknowledged.lock().unwrap().len() < before + EVENTS {
        assert!(began.elapsed() < DEADLINE, "nothing is acknowledged");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    receiver.kill();
    senders.join_all().await;
}

/// The bodies of all events of a token.
async fn kept(receiver: &Receiver, token: &str) -> Vec<String> {
    let mut kept = Vec::new();
    for page in 1.. {
        let list = receiver
            .json(&format!("/token/{token}/requests?per_page=100&page={page}"))
            .await;
        let data = list["data"].as_array().unwrap();
        kept.extend(
            data.iter()
                .map(|record| record["content"].as_str().unwrap().to_owned()),
        );
        if list["is_last_page"] == true {
            break;
        }
    }
    kept
}
