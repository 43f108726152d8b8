//! Whether a client gets an answer compressed (ngx_http_core_module's part of gzip).

use std::time::Duration;

use super::Draft;
use crate::clock;
use crate::config::{GzipPolicy, Proxied};
use crate::exchange::Exchange;
use crate::http1::{Head, Known};
use crate::respond::Source;

/// Whether the client takes gzip and the location's policy lets it have it. Without a draft the
/// answer is a file that has no head yet.
pub(crate) fn accepts(ex: &Exchange, policy: &GzipPolicy, draft: Option<&Draft<'_>>) -> bool {
    let fields = &ex.request.head.head;
    // The parts of a page are put together plain.
    !ex.inner
        && fields.get(Known::AcceptEncoding).is_some_and(lists_gzip)
        && ex.request.head.version >= policy.http_version
        && (!fields.has_any(Known::Via.bit()) || proxied(policy.proxied, fields, draft))
        && !disabled(policy, fields)
}

/// `gzip`, unless its weight is nothing.
fn lists_gzip(value: &[u8]) -> bool {
    value.split(|&b| b == b',').any(|one| {
        let mut parts = one.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"gzip"));
        named && parts.all(|parameter| !is_nothing(parameter))
    })
}

/// `q=0`, `q=0.000`
fn is_nothing(parameter: &[u8]) -> bool {
    let Some((b'q' | b'Q', rest)) = parameter.split_first() else {
        return false;
    };
    let value = rest
        .trim_ascii_start()
        .strip_prefix(b"=")
        .map(<[u8]>::trim_ascii);
    value.is_some_and(|value| {
        value.first() == Some(&b'0') && value.iter().all(|b| matches!(b, b'0' | b'.'))
    })
}

/// `gzip_proxied`: the request came through another proxy.
fn proxied(rules: Proxied, request: &Head, draft: Option<&Draft<'_>>) -> bool {
    if rules.off {
        return false;
    }
    if rules.any || (rules.auth && request.has_any(Known::Authorization.bit())) {
        return true;
    }
    let answer = match draft.map(|draft| draft.source) {
        Some(Source::Peer(head, ..)) => Some(&head.head),
        Some(Source::Own(_)) | None => None,
    };
    if let Some(expires) = answer.and_then(|head| head.get(Known::Expires)) {
        return rules.expired && has_expired(expires, answer);
    }
    if let Some(control) = answer.and_then(|head| head.joined(Known::CacheControl, b", ")) {
        let says = |word: &[u8]| memchr::memmem::find(&control, word).is_some();
        return (rules.no_cache && says(b"no-cache"))
            || (rules.no_store && says(b"no-store"))
            || (rules.private && says(b"private"));
    }
    let modified = draft.is_some_and(|draft| draft.last_modified.is_some());
    let tagged = draft.is_some_and(|draft| draft.etag.is_some());
    let unwanted = (rules.no_last_modified && modified) || (rules.no_etag && tagged);
    !unwanted
}

fn has_expired(expires: &[u8], answer: Option<&Head>) -> bool {
    let date = |text: &[u8]| {
        std::str::from_utf8(text)
            .ok()
            .and_then(clock::parse_http_date)
    };
    let now = answer.and_then(|head| head.get(Known::Date)).and_then(date);
    let now = now
        .map_or_else(clock::since_epoch, Duration::from_secs)
        .as_secs();
    date(expires).is_some_and(|expires| expires < now)
}

fn disabled(policy: &GzipPolicy, request: &Head) -> bool {
    if policy.disabled.is_empty() && !policy.msie6 {
        return false;
    }
    let agent = request.get_named(b"user_agent").unwrap_or_default();
    (policy.msie6 && is_old_explorer(agent))
        || policy.disabled.iter().any(|regex| regex.is_match(agent))
}

/// MSIE 4 to 6, but not 6 of Windows XP's second service pack, which can.
fn is_old_explorer(agent: &[u8]) -> bool {
    let find = |text: &[u8]| memchr::memmem::find(agent, text);
    find(b"MSIE ").is_some_and(|at| match agent.get(at + 5..at + 7) {
        Some([b'4' | b'5', b'.']) => true,
        Some(b"6.") => find(b"SV1").is_none(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_nothing_is_a_refusal() {
        for yes in [
            "gzip",
            "deflate, gzip",
            "br;q=1.0, GZIP;q=0.5",
            "gzip ; q=0.001",
        ] {
            assert!(lists_gzip(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "br",
            "x-gzipped",
            "gzip;q=0",
            "gzip; q = 0.000",
            "deflate",
        ] {
            assert!(!lists_gzip(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn only_old_explorers_are_old() {
        assert!(is_old_explorer(
            b"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"
        ));
        assert!(!is_old_explorer(
            b"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"
        ));
        assert!(!is_old_explorer(b"Mozilla/4.0 (compatible; MSIE 7.0)"));
    }
}
