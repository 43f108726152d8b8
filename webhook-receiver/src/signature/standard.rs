//! Standard Webhooks: `webhook-signature: v1,<base64>` over `id.timestamp.body`. The id is what makes a repeated
//! delivery recognisable, the time is what makes an overheard one useless after five minutes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::mac::{same, sha256};
use super::{Delivery, Outcome, Refusal};

/// The value of `webhook-signature`; None for a secret that is not base64.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = key(secret).ok()?;
    let signature = sha256(&key, &signed_parts(id, &timestamp.to_string(), body));
    Some(format!("v1,{}", STANDARD.encode(signature)))
}

pub(super) fn check(delivery: &Delivery<'_>, secret: &str) -> Outcome {
    let id = delivery.header("webhook-id")?;
    let timestamp = delivery.header("webhook-timestamp")?;
    let signed: i64 = timestamp
        .parse()
        .map_err(|_| Refusal::Malformed("webhook-timestamp in unix seconds"))?;
    let signatures = delivery.header("webhook-signature")?;
    let key = key(secret)?;
    let ours = sha256(&key, &signed_parts(id, timestamp, delivery.body));
    let mut symmetric = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .peekable();
    if symmetric.peek().is_none() {
        return Err(Refusal::Malformed(
            "v1, and base64 (v1a needs a public key)",
        ));
    }
    // Several signatures mean that the sender is changing its secret: one that fits is enough.
    let fits = symmetric
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .fold(false, |found, theirs| found | same(&ours, &theirs));
    if fits {
        delivery.age(signed)
    } else {
        Err(Refusal::Mismatch(""))
    }
}

fn signed_parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

fn key(secret: &str) -> Result<Vec<u8>, Refusal> {
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    STANDARD.decode(encoded).map_err(|_| {
        Refusal::Secret("Standard Webhooks wants whsec_ and base64, such as whsec_bGFiLTg=")
    })
}
