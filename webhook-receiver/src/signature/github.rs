//! GitHub: `X-Hub-Signature-256: sha256=<hex>` over the raw body; in a form delivery that is `payload=...` itself, not
//! the JSON inside. `X-Hub-Signature` is the same with SHA-1, kept for receivers that never moved on.

use super::mac::{from_hex, same, sha1, sha256, to_hex};
use super::{Delivery, Outcome, Refusal};

/// Both header values for a body.
pub fn sign(secret: &str, body: &[u8]) -> (String, String) {
    let new = to_hex(&sha256(secret.as_bytes(), &[body]));
    let old = to_hex(&sha1(secret.as_bytes(), body));
    (format!("sha256={new}"), format!("sha1={old}"))
}

pub(super) fn check_sha256(delivery: &Delivery<'_>, secret: &str) -> Outcome {
    let value = delivery.header("x-hub-signature-256")?;
    let signature = value
        .strip_prefix("sha256=")
        .and_then(from_hex)
        .filter(|signature| signature.len() == 32)
        .ok_or(Refusal::Malformed("sha256= and 64 hex digits"))?;
    let signs = |body: &[u8]| same(&sha256(secret.as_bytes(), &[body]), &signature);
    verdict(delivery.body, signs)
}

pub(super) fn check_sha1(delivery: &Delivery<'_>, secret: &str) -> Outcome {
    let value = delivery.header("x-hub-signature")?;
    let signature = value
        .strip_prefix("sha1=")
        .and_then(from_hex)
        .filter(|signature| signature.len() == 20)
        .ok_or(Refusal::Malformed("sha1= and 40 hex digits"))?;
    verdict(delivery.body, |body| {
        same(&sha1(secret.as_bytes(), body), &signature)
    })
}

/// Valid for the body alone; the two mistakes that everybody makes once are recognised and named.
fn verdict(body: &[u8], signs: impl Fn(&[u8]) -> bool) -> Outcome {
    if signs(body) {
        return Ok(None);
    }
    let mut with_newline = body.to_vec();
    with_newline.push(b'\n');
    let hint = if signs(body.strip_suffix(b"\n").unwrap_or(body)) || signs(&with_newline) {
        "; it fits with the last line feed the other way (curl: --data-binary, echo: -n)"
    } else if payload_of_form(body).is_some_and(|json| signs(&json)) {
        "; it fits the JSON inside of the form, but the form itself is what is to be signed"
    } else {
        ""
    };
    Err(Refusal::Mismatch(hint))
}

/// The JSON in `payload=...`, percent-decoded.
fn payload_of_form(body: &[u8]) -> Option<Vec<u8>> {
    let encoded = body.strip_prefix(b"payload=")?;
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [*bytes.next()?, *bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(decoded)
}
