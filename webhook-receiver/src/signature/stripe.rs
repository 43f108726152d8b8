//! Stripe: `Stripe-Signature: t=<unix>,v1=<hex>[,v1=<hex>]` over `t.body`; v0 is for tests of theirs and ignored.

use super::mac::{from_hex, same, sha256};
use super::{Delivery, Outcome, Refusal};

pub(super) fn check(delivery: &Delivery<'_>, secret: &str) -> Outcome {
    const SHAPE: Refusal = Refusal::Malformed("t=<unix seconds>,v1=<64 hex digits>");
    let value = delivery.header("stripe-signature")?;
    let fields = || {
        value
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
    };
    let timestamp = fields().find(|(name, _)| *name == "t").ok_or(SHAPE)?.1;
    let signed: i64 = timestamp.parse().map_err(|_| SHAPE)?;
    let mut signatures = fields()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, signature)| from_hex(signature))
        .peekable();
    if signatures.peek().is_none() {
        return Err(SHAPE);
    }
    let parts: [&[u8]; 3] = [timestamp.as_bytes(), b".", delivery.body];
    let ours = sha256(secret.as_bytes(), &parts);
    let fits = signatures.fold(false, |found, theirs| found | same(&ours, &theirs));
    if fits {
        delivery.age(signed)
    } else {
        Err(Refusal::Mismatch(""))
    }
}
