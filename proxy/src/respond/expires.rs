//! `expires`: two fields that say how long an answer keeps (ngx_http_headers_module).

use crate::clock;
use crate::config::{Expires, ExpiresWhen};
use crate::exchange::Exchange;

/// `Expires` and `Cache-Control` for this answer, if the location wants them.
pub(super) fn fields(ex: &Exchange, last_modified: Option<u64>) -> Option<(String, String)> {
    let when = match ex.location.expires.as_ref()? {
        Expires::When(when) => when.clone(),
        Expires::Variable { value, modified } => {
            let text = String::from_utf8_lossy(&value.evaluate(ex)).into_owned();
            ExpiresWhen::parse(&text, *modified)?
        }
    };
    let now = clock::since_epoch().as_secs();
    let at = |time: u64| {
        let control = match time.checked_sub(now) {
            Some(age) => format!("max-age={age}"),
            None => "no-cache".to_owned(),
        };
        (clock::http_date(time), control)
    };
    let base = last_modified.unwrap_or(now);
    Some(match when {
        ExpiresWhen::Off => return None,
        ExpiresWhen::Epoch => (
            "Thu, 01 Jan 1970 00:00:01 GMT".to_owned(),
            "no-cache".to_owned(),
        ),
        ExpiresWhen::Max => (
            "Thu, 31 Dec 2037 23:55:55 GMT".to_owned(),
            "max-age=315360000".to_owned(),
        ),
        ExpiresWhen::After(time) => at(now + time.as_secs()),
        ExpiresWhen::Ago(time) => (
            clock::http_date(now.saturating_sub(time.as_secs())),
            "no-cache".to_owned(),
        ),
        ExpiresWhen::Modified(time) => at(base + time.as_secs()),
        ExpiresWhen::ModifiedAgo(time) => at(base.saturating_sub(time.as_secs())),
        ExpiresWhen::Daily(time) => {
            let today = now - now % 86_400 + time.as_secs();
            at(if today > now { today } else { today + 86_400 })
        }
    })
}
