//! Chapter 6: answers that no backend gave, answers that must not be kept, and what does not pass.
use anyhow::Result;

use super::Finding;
use super::witness::Witness;

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    witness.answer("/files/minute.txt").await?;
    let before = tries(witness).await?;
    let stored = witness.answer("/files/minute.txt").await?;
    let after = tries(witness).await?;
    witness.answer("/files/never.txt").await?;
    let never = witness.answer("/files/never.txt").await?;
    let refused = witness.answer("/setup.exe").await?;
    let says_hit = |answer: &reqwest::Response| {
        let header = answer.headers().get("x-cache");
        header.is_some_and(|value| value == "HIT")
    };
    Ok(vec![
        Finding::new(
            before == after,
            "the second request for /files/minute.txt reaches no backend",
            "in `http`: proxy_cache_path; in `location /`: proxy_cache",
        ),
        Finding::new(
            says_hit(&stored),
            "its answer says so: X-Cache: HIT",
            "in `location /`: add_header X-Cache $upstream_cache_status;",
        ),
        Finding::new(
            never.status().is_success() && !says_hit(&never),
            "/files/never.txt is not kept",
            "somebody ignores Cache-Control: is there a proxy_ignore_headers?",
        ),
        Finding::new(
            refused.status() == 403,
            format!("programs do not pass: {} for /setup.exe", refused.status()),
            "in `server`: location ~* \\.(exe|scr|bat)$ { return 403; }",
        ),
    ])
}

async fn tries(witness: &Witness) -> Result<u64> {
    let status = witness.status().await?;
    let peers = status.servers()?.peers.iter();
    Ok(peers.map(|peer| peer.requests).sum())
}
