//! Chapter 3: a server failed, nobody noticed, and it came back.
use anyhow::Result;

use super::Finding;
use super::witness::{Peer, Witness};

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let mut answered = 0;
    for _ in 0..12 {
        answered += usize::from(witness.get("/").await?.starts_with("Hello from Server "));
    }
    let status = witness.status().await?;
    let peers = &status.servers()?.peers;
    let failed: Vec<_> = peers.iter().filter(|peer| peer.fails > 0).collect();
    let back = failed.iter().find(|peer| peer.state == "up");
    let out: Vec<_> = peers
        .iter()
        .filter(|peer| peer.state != "up" && peer.state != "down")
        .map(reason)
        .collect();
    Ok(vec![
        Finding::new(
            answered == 12,
            "twelve requests, twelve answers",
            "look at the dashboard: who is up?",
        ),
        Finding::new(
            !failed.is_empty(),
            failed
                .first()
                .map_or("a server has failed".to_owned(), |peer| {
                    format!(
                        "{} has failed {} times, and the clients were served by others",
                        peer.name, peer.fails
                    )
                }),
            "`docker compose kill backend2` or `cargo lab kill backend2`, then ask the lab some times",
        ),
        Finding::new(
            back.is_some(),
            back.map_or("it came back".to_owned(), |peer| {
                format!(
                    "{} came back and has {} requests by now",
                    peer.name, peer.requests
                )
            }),
            "start it again, wait for fail_timeout (10 s) and ask the lab some times",
        ),
        Finding::new(
            out.is_empty(),
            "no server is out at this moment",
            out.join("; "),
        ),
    ])
}

fn reason(peer: &Peer) -> String {
    format!(
        "{} is {}: {}",
        peer.name,
        peer.state,
        peer.why.as_deref().unwrap_or("nobody says why")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_out_is_named_with_its_reason() {
        let text = r#"{"name": "backend2:5000", "state": "unavailable", "why": "refused", "requests": 1, "fails": 1}"#;
        let peer: Peer = serde_json::from_str(text).unwrap();
        assert_eq!(reason(&peer), "backend2:5000 is unavailable: refused");
    }
}
