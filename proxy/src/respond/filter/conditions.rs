//! `If-Match`, `If-Unmodified-Since`, `If-None-Match`, `If-Modified-Since` (RFC 9110 section 13)
//! on any answer that is ours to judge: decides whether the client is sent it, a 304 or a 412.

use super::Draft;
use crate::clock;
use crate::config::IfModifiedSince;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::http1::Known;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) -> Result<(), Fault> {
    let fields = &ex.request.head.head;
    // A page shown for an error is not what the condition is about, nor is a part of a page.
    if draft.status != 200
        || ex.inner
        || ex.error_status.is_some()
        || !fields.has_any(super::CONDITIONAL)
    {
        return Ok(());
    }
    if is_other_than_asked(ex, draft) {
        return Err(Fault::new(412, Blame::Client, ""));
    }
    if is_known(ex, draft) {
        draft.status = 304;
        draft.content_type = Default::default();
        draft.change(Known::ContentType);
        draft.rewrite_body();
        draft.set_encoding(None);
    }
    Ok(())
}

fn date(ex: &Exchange, known: Known) -> Option<Option<u64>> {
    let text = ex.request.head.head.get(known)?;
    Some(
        std::str::from_utf8(text)
            .ok()
            .and_then(clock::parse_http_date),
    )
}

/// The client wants this one version or nothing.
fn is_other_than_asked(ex: &Exchange, draft: &Draft<'_>) -> bool {
    if let Some(list) = ex.request.head.head.get(Known::IfMatch) {
        // Comparison is strong: a weak tag fits none.
        let fits = |tag: &[u8]| {
            tag == b"*"
                || draft
                    .etag
                    .as_ref()
                    .is_some_and(|etag| tag == &etag[..] && !tag.starts_with(b"W/"))
        };
        if !tags(list).any(fits) {
            return true;
        }
    }
    match date(ex, Known::IfUnmodifiedSince) {
        Some(Some(date)) => draft.last_modified.is_none_or(|modified| modified > date),
        // A date that can't be read is no condition.
        Some(None) | None => false,
    }
}

/// The client has it already: If-None-Match decides, If-Modified-Since only without it.
fn is_known(ex: &Exchange, draft: &Draft<'_>) -> bool {
    if let Some(list) = ex.request.head.head.get(Known::IfNoneMatch) {
        let etag = draft.etag.as_deref().map(bare);
        return tags(list).any(|tag| tag == b"*" || etag.is_some_and(|etag| bare(tag) == etag));
    }
    let (Some(Some(since)), Some(modified)) =
        (date(ex, Known::IfModifiedSince), draft.last_modified)
    else {
        return false;
    };
    match ex.location.conditions.if_modified_since {
        IfModifiedSince::Off => false,
        IfModifiedSince::Exact => since == modified,
        IfModifiedSince::Before => modified <= since,
    }
}

fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == b',').map(<[u8]>::trim_ascii)
}

fn bare(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}
