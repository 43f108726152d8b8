//! Chapter 7: one id for a request everywhere, and counters that agree with each other.
use anyhow::Result;

use super::Finding;
use super::witness::Witness;

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let (told, seen) = witness.request_ids().await?;
    let (_, seen_again) = witness.request_ids().await?;
    let status = witness.status().await?;
    let counted = witness.counted_tries().await?;
    let tries: u64 = status
        .servers()?
        .peers
        .iter()
        .map(|peer| peer.requests)
        .sum();
    Ok(vec![
        Finding::new(
            seen.is_some() && seen != seen_again,
            "every request reaches the backend with an id of its own",
            "in `location /`: proxy_set_header X-Request-ID $request_id;",
        ),
        Finding::new(
            told.is_some() && told == seen,
            format!(
                "client and backend know the same id: {}",
                told.as_deref().unwrap_or("none")
            ),
            "in `location /`: add_header X-Request-ID $request_id;",
        ),
        Finding::new(
            tries == counted,
            format!("status API and /metrics count the same: {counted} tries at the backends"),
            "somebody else sent requests just now; ask again",
        ),
    ])
}
