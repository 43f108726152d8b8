//! Chapter 4: what the proxy tells the backend, and what of it a client can forge.
use anyhow::Result;

use super::Finding;
use super::witness::{Witness, header};

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let forged = witness.echo("X-Forwarded-For", "203.0.113.7").await?;
    let list = header(&forged, "X-Forwarded-For").unwrap_or_default();
    let proto = header(&forged, "X-Forwarded-Proto").unwrap_or_default();
    let replaced = witness.echo("X-Real-IP", "203.0.113.7").await?;
    let real = header(&replaced, "X-Real-IP").unwrap_or_default();
    let hop = witness.echo("Keep-Alive", "timeout=5").await?;
    Ok(vec![
        Finding::new(
            list.starts_with("203.0.113.7, "),
            format!(
                "X-Forwarded-For believes whoever asks, and appends what the proxy saw: {list:?}"
            ),
            "nginx.conf should set X-Forwarded-For to $proxy_add_x_forwarded_for",
        ),
        Finding::new(
            !real.is_empty() && real != "203.0.113.7",
            format!("X-Real-IP can't be forged from outside: {real:?}"),
            "nginx.conf should set X-Real-IP to $remote_addr",
        ),
        Finding::new(
            proto == "http",
            "X-Forwarded-Proto says how you came in: http",
            "nginx.conf should set X-Forwarded-Proto to $scheme",
        ),
        Finding::new(
            header(&hop, "Keep-Alive").is_none(),
            "Keep-Alive was about your connection, so it ended at the proxy",
            "this is the proxy's fault, not yours: please report it",
        ),
    ])
}
