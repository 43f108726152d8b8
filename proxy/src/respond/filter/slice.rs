//! `slice`: a large file asked for in stretches of one length, each of which a cache can keep
//! (ngx_http_slice_module). The first is the answer to the client's request, the others are
//! sub-requests that continue it.

use super::draft::Ranges;
use super::{Draft, Step};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::http1::Known;
use crate::respond::Source;

/// What a sub-request asks for, and what its answer has to agree with.
#[derive(Clone, Debug)]
pub(crate) struct NextSlice {
    pub(crate) start: u64,
    etag: Option<Vec<u8>>,
}

/// The answer, slice by slice.
#[derive(Debug)]
pub(crate) struct Slices {
    size: u64,
    /// Where the next one starts.
    next: u64,
    end: u64,
    etag: Option<Vec<u8>>,
    /// The one before is through.
    between: bool,
}

/// `$slice_range`: what a peer is asked for.
pub(crate) fn range(ex: &Exchange) -> Option<String> {
    let size = ex.location.slice?;
    if ex.inner && ex.sub.slice.is_none() {
        return None;
    }
    let start = start(ex, size);
    Some(format!("bytes={start}-{}", start + size - 1))
}

fn start(ex: &Exchange, size: u64) -> u64 {
    match &ex.sub.slice {
        Some(slice) => slice.start,
        None => size * (first_byte(ex) / size),
    }
}

/// Where the client's range starts, if it says so plainly.
fn first_byte(ex: &Exchange) -> u64 {
    let fields = &ex.request.head.head;
    if fields.has_any(Known::IfRange.bit()) {
        return 0;
    }
    let range = fields.get(Known::Range).unwrap_or_default();
    let set = range
        .get(..6)
        .filter(|unit| unit.eq_ignore_ascii_case(b"bytes="))
        .and_then(|_| std::str::from_utf8(&range[6..]).ok());
    let first = set
        .and_then(|set| set.split_once('-'))
        .map(|(first, _)| first.trim());
    // Far past the end of every file, but not of the numbers.
    first
        .and_then(|first| first.parse().ok())
        .unwrap_or(0)
        .min(u64::MAX >> 2)
}

/// Makes one whole answer of the peer's first slice, or checks that a later one continues it.
pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) -> Result<(), Fault> {
    let (Some(size), Source::Peer(head, ..)) = (ex.location.slice, draft.source) else {
        return Ok(());
    };
    let expected = ex.sub.slice.as_ref();
    if expected.is_none() && ex.inner {
        return Ok(());
    }
    let bad = |why: String| Err(Fault::new(502, Blame::Upstream, why));
    if draft.status != 206 {
        return match expected {
            None => Ok(()),
            Some(_) => bad(format!(
                "unexpected status code {} in slice response",
                draft.status
            )),
        };
    }
    if let Some(expected) = expected
        && expected.etag.as_deref() != draft.etag.as_deref()
    {
        return bad("etag mismatch in slice response".to_owned());
    }
    let value = head.head.get(Known::ContentRange).unwrap_or_default();
    let Some((first, end, total)) = content_range(value) else {
        return bad("invalid range in slice response".to_owned());
    };
    let start = start(ex, size);
    if first != start || end != total.min(start + size) {
        return bad(format!("unexpected range in slice response: {first}-{end}"));
    }
    if expected.is_some() {
        return Ok(());
    }
    draft.status = 200;
    draft.length = Some(total);
    draft.change(Known::ContentLength);
    draft.change(Known::ContentRange);
    draft.change(Known::AcceptRanges);
    draft.ranges = Ranges::One;
    draft.offset = start;
    draft.steps.push(Step::Slices(Slices {
        size,
        next: start + size,
        end: total,
        etag: draft.etag.as_deref().map(<[u8]>::to_vec),
        between: false,
    }));
    Ok(())
}

/// First byte, the one after the last, and the length of the whole.
fn content_range(value: &[u8]) -> Option<(u64, u64, u64)> {
    let text = std::str::from_utf8(value).ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (first, last, total) = (number(first)?, number(last)?, number(total)?);
    let end = last.checked_add(1)?;
    (first < end && end <= total).then_some((first, end, total))
}

impl Slices {
    /// Only these bytes are wanted of the whole.
    pub(super) fn narrow(&mut self, start: u64, end: u64) {
        if self.next <= start {
            self.next = self.size * (start / self.size);
        }
        self.end = end;
    }

    pub(super) fn end_of_one(&mut self) {
        self.between = true;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.between && self.next < self.end
    }

    pub(super) fn take_next(&mut self) -> NextSlice {
        let start = self.next;
        self.next += self.size;
        NextSlice {
            start,
            etag: self.etag.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_whole_or_nothing() {
        let read = |text: &str| content_range(text.as_bytes());
        assert_eq!(read("bytes 0-1/16"), Some((0, 2, 16)));
        assert_eq!(read("bytes 14-15/16"), Some((14, 16, 16)));
        for bad in [
            "bytes",
            "bytes 0-1/*",
            "bytes */16",
            "bytes 2-1/16",
            "bytes 0-16/16",
            "0-1/2",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn slices_follow_until_what_is_wanted_is_there() {
        let mut slices = Slices {
            size: 4,
            next: 4,
            end: 16,
            etag: None,
            between: false,
        };
        assert!(!slices.is_waiting(), "the first is still on its way");
        slices.end_of_one();
        slices.narrow(9, 13);
        let mut starts = Vec::new();
        while slices.is_waiting() {
            starts.push(slices.take_next().start);
        }
        assert_eq!(starts, [8, 12]);
    }
}
