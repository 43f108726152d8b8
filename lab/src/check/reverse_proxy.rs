//! Chapter 2: requests go to three servers in turn, and a changed file works after a reload.
use anyhow::Result;

use super::Finding;
use super::witness::Witness;

const ROUND: usize = 30;

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let status = witness.status().await?;
    let upstream = status.servers()?;
    let numbers = witness.servers(ROUND).await?;
    let shares = [1, 2, 3].map(|id| numbers.iter().filter(|number| **number == id).count());
    let (fits, rule) = match upstream.method.as_str() {
        "ip_hash" => (
            shares.contains(&ROUND),
            "one server has all, because you have one address",
        ),
        "least_conn" => (
            !shares.contains(&0),
            "each has some, because none is ever busy for long",
        ),
        _ => (
            shares == [ROUND / 3; 3],
            "each has a third, because they take turns",
        ),
    };
    Ok(vec![
        Finding::new(
            upstream.peers.len() == 3,
            format!("the upstream {} has three servers", upstream.name),
            "proxy/conf/nginx.conf should name backend1, backend2 and backend3",
        ),
        Finding::new(
            fits,
            format!(
                "{}: of {ROUND} requests the servers had {shares:?}; {rule}",
                upstream.method
            ),
            "is a server down? `docker compose ps` or `cargo lab status`, and the dashboard",
        ),
        Finding::new(
            status.generation > 1,
            format!(
                "the proxy has read its configuration {} times",
                status.generation
            ),
            "change proxy/conf/nginx.conf, then `docker compose exec proxy proxy -s reload` or `cargo lab reload`",
        ),
    ])
}
