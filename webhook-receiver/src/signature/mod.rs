//! Who sent this? Takes a delivery's headers and exact body, the secrets that the student typed in, and the time;
//! says valid, invalid and why, or unsigned. Three schemes: GitHub's, Standard Webhooks' and Stripe's. Pure: nothing
//! here reads a clock or a store.

mod github;
mod mac;
mod standard;
mod stripe;

use axum::http::HeaderMap;
use serde::Serialize;

pub use github::sign as sign_github;
pub use standard::sign as sign_standard;

/// How far a signed time may be from ours, both ways: a signature that was overheard can be replayed for this long.
pub const REPLAY_WINDOW_SECONDS: i64 = 300;

/// What one delivery's signature is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `github`, `github-sha1`, `standard-webhooks` or `stripe`; null without a signature.
    pub scheme: Option<&'static str>,
    pub verdict: Verdict,
    /// Why it is not valid, in words for the page.
    pub reason: Option<String>,
    /// Our clock minus the signed time, where the scheme signs one.
    pub age_seconds: Option<i64>,
}

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Valid,
    Invalid,
    Unsigned,
}

/// Why a signature doesn't count. Each names what the student can look at next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the header is malformed: expected {0}")]
    Malformed(&'static str),
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("this secret can't be used: {0}")]
    Secret(&'static str),
    #[error("signed {0} s ago: outside of the replay window of 300 s")]
    TooOld(i64),
    #[error("signed {0} s in the future: outside of the replay window of 300 s")]
    TooNew(i64),
    #[error("another secret, or the body changed on the way{0}")]
    Mismatch(&'static str),
}

/// What a scheme found: the age of the signed time, if the scheme has one.
type Outcome = Result<Option<i64>, Refusal>;

/// Everything that a scheme decides with.
struct Delivery<'a> {
    headers: &'a HeaderMap,
    body: &'a [u8],
    now: i64,
}

impl Delivery<'_> {
    /// A header's text; the first one counts, as in every client library of these schemes.
    fn header(&self, name: &'static str) -> Result<&str, Refusal> {
        let value = self.headers.get(name).ok_or(Refusal::Missing(name))?;
        value
            .to_str()
            .map_err(|_| Refusal::Malformed("visible ASCII"))
    }

    /// The age of a signed time, refused outside of the window.
    fn age(&self, signed: i64) -> Outcome {
        match self.now.saturating_sub(signed) {
            age if age > REPLAY_WINDOW_SECONDS => Err(Refusal::TooOld(age)),
            age if age < -REPLAY_WINDOW_SECONDS => Err(Refusal::TooNew(age.saturating_neg())),
            age => Ok(Some(age)),
        }
    }
}

type Check = fn(&Delivery<'_>, &str) -> Outcome;

/// The header that gives a scheme away, in the order in which they are tried.
const SCHEMES: [(&str, &str, Check); 4] = [
    ("x-hub-signature-256", "github", github::check_sha256),
    ("x-hub-signature", "github-sha1", github::check_sha1),
    ("webhook-signature", "standard-webhooks", standard::check),
    ("stripe-signature", "stripe", stripe::check),
];

/// Judges one delivery. `secrets` holds one secret a line, so that an old and a new one work while they are changed.
pub fn check(secrets: &str, headers: &HeaderMap, body: &[u8], now: i64) -> Report {
    let delivery = Delivery { headers, body, now };
    let scheme = SCHEMES
        .iter()
        .find(|(header, ..)| headers.contains_key(*header));
    let Some((_, scheme, check)) = scheme else {
        return Report {
            scheme: None,
            verdict: Verdict::Unsigned,
            reason: Some("no signature header".to_owned()),
            age_seconds: None,
        };
    };
    let mut outcome = Err(Refusal::Secret("it is empty"));
    for secret in secrets.lines().filter(|line| !line.is_empty()) {
        outcome = check(&delivery, secret);
        if outcome.is_ok() {
            break;
        }
    }
    let verdict = if outcome.is_ok() {
        Verdict::Valid
    } else {
        Verdict::Invalid
    };
    Report {
        scheme: Some(scheme),
        verdict,
        reason: outcome.as_ref().err().map(ToString::to_string),
        age_seconds: outcome.unwrap_or_default(),
    }
}

/// The name under which a sender repeats a delivery: two requests with one id are one event, to be acted on once.
pub fn delivery_id(headers: &HeaderMap) -> Option<String> {
    ["x-github-delivery", "webhook-id", "idempotency-key"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= 256)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests;
