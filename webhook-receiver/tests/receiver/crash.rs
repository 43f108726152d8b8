//! `kill -9` under load: what was acknowledged is there, once. `KILL_ROUNDS` sets how often.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{DEADLINE, Receiver};

/// Senders at the same time.
const SENDERS: usize = 16;
/// Acknowledged events of a round before the kill.
const EVENTS: usize = 60;

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let rounds: usize = std::env::var("KILL_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(50);
    let folder = TempDir::new().unwrap();
    let (mut total, mut sent) = (0, 0);
    for round in 0..rounds {
        let receiver = Receiver::start(folder.path(), &[]);
        let token = receiver.token(json!({"request_limit": 10_000})).await;
        let acknowledged = load(&receiver, &token).await;
        receiver.kill();
        let receiver = Receiver::start(folder.path(), &[]);
        let kept = kept(&receiver, &token).await;
        let distinct: HashSet<_> = kept.iter().collect();
        assert_eq!(
            distinct.len(),
            kept.len(),
            "round {round}: something is there twice"
        );
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|id| !distinct.contains(id))
            .collect();
        assert!(
            lost.is_empty(),
            "round {round}: {} of {} lost",
            lost.len(),
            acknowledged.len()
        );
        total += acknowledged.len();
        sent += kept.len();
    }
    println!("{rounds} kills: {total} acknowledged, none lost, none doubled ({sent} kept)");
}

/// Sends until enough is acknowledged, and leaves the senders at it; gives back the ids that were answered with 200.
async fn load(receiver: &Receiver, token: &str) -> Vec<String> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let url = receiver.url(&format!("/{token}"));
    for sender in 0..SENDERS {
        let (client, url, acknowledged) =
            (receiver.client.clone(), url.clone(), acknowledged.clone());
        tokio::spawn(async move {
            for number in 0.. {
                // Each event says which it is, so that one that is there twice shows.
                let request = client.post(&url).body(format!("{sender}-{number}"));
                match request.send().await {
                    Ok(response) if response.status() == 200 => {
                        acknowledged
                            .lock()
                            .unwrap()
                            .push(format!("{sender}-{number}"));
                    }
                    _ => return,
                }
            }
        });
    }
    let began = Instant::now();
    while acknowledged.lock().unwrap().len() < EVENTS {
        assert!(began.elapsed() < DEADLINE, "nothing is acknowledged");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let acknowledged = acknowledged.lock().unwrap();
    acknowledged.clone()
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
