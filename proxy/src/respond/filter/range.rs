//! `Range: bytes=…` (RFC 9110 section 14): one part of the body, several as
//! `multipart/byteranges`, or 416. What a body that passes by can't give (parts out of order) is
//! answered with the whole.

use super::draft::Ranges;
use super::skip::Skip;
use super::{Draft, Step};
use crate::clock;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http1::Known;

/// Bytes that are sent of a body that is at hand: some text, then from `start` to `end`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) before: Vec<u8>,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) parts: Vec<Part>,
    pub(crate) after: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// First byte and the one after the last, of each part.
    Parts(Vec<(u64, u64)>),
    Unsatisfiable,
}

pub(super) fn apply(ex: &mut Exchange, draft: &mut Draft<'_>) -> Result<(), Fault> {
    let most = ex.location.conditions.max_ranges;
    let (Some(total), 200, 1..) = (draft.length, draft.status, most) else {
        return Ok(());
    };
    if draft.ranges == Ranges::No || ex.inner {
        return Ok(());
    }
    draft.accepts_ranges = true;
    draft.change(Known::AcceptRanges);
    let most = if draft.ranges == Ranges::One { 1 } else { most };
    let Some(value) = ex.request.head.head.get(Known::Range) else {
        return Ok(());
    };
    if ex.error_status.is_some() || !same_version(ex, draft) {
        return Ok(());
    }
    match parse(value, total, most) {
        Wanted::Whole => {}
        Wanted::Parts(parts) => narrow(draft, &parts, total),
        Wanted::Unsatisfiable => {
            ex.unsatisfied = Some(total);
            return Err(Fault::status(416));
        }
    }
    Ok(())
}

/// If-Range: the part is of use only to who has the rest of this very version.
fn same_version(ex: &Exchange, draft: &Draft<'_>) -> bool {
    match ex.request.head.head.get(Known::IfRange) {
        None => true,
        Some(tag) if tag.ends_with(b"\"") => {
            draft.etag.as_deref() == Some(tag) && !tag.starts_with(b"W/")
        }
        Some(date) => {
            let date = std::str::from_utf8(date)
                .ok()
                .and_then(clock::parse_http_date);
            date.is_some() && date == draft.last_modified
        }
    }
}

fn narrow(draft: &mut Draft<'_>, parts: &[(u64, u64)], total: u64) {
    draft.status = 206;
    draft.accepts_ranges = false;
    draft.change(Known::ContentRange);
    draft.change(Known::ContentLength);
    if let [(start, end)] = *parts {
        draft.content_range = Some(format!("bytes {start}-{}/{total}", end - 1));
        draft.length = Some(end - start);
        if draft.ranges == Ranges::One {
            let skip = Step::Skip(Skip::new(start, end, draft.offset));
            let sliced = match draft.steps.first_mut() {
                Some(Step::Slices(slices)) => {
                    slices.narrow(start, end);
                    true
                }
                _ => false,
            };
            draft.steps.insert(usize::from(sliced), skip);
        } else {
            let before = Vec::new();
            let parts = vec![Part { before, start, end }];
            draft.cut = Some(Cut {
                parts,
                after: Vec::new(),
            });
        }
        return;
    }
    let boundary = format!("{:020}", rand::random::<u64>() % 10_u64.pow(19));
    let cut = multipart(parts, total, &draft.content_type, &boundary);
    let sum = cut
        .parts
        .iter()
        .map(|part| part.before.len() as u64 + part.end - part.start);
    draft.length = Some(sum.sum::<u64>() + cut.after.len() as u64);
    draft.content_type = format!("multipart/byteranges; boundary={boundary}")
        .into_bytes()
        .into();
    draft.change(Known::ContentType);
    draft.cut = Some(cut);
}

fn multipart(parts: &[(u64, u64)], total: u64, content_type: &[u8], boundary: &str) -> Cut {
    let before = |start: u64, end: u64| {
        let mut text = format!("\r\n--{boundary}\r\n").into_bytes();
        if !content_type.is_empty() {
            super::super::line(&mut text, b"Content-Type", content_type);
        }
        let range = format!("bytes {start}-{}/{total}", end - 1);
        super::super::line(&mut text, b"Content-Range", range.as_bytes());
        text.extend_from_slice(b"\r\n");
        text
    };
    let part = |&(start, end): &(u64, u64)| Part {
        before: before(start, end),
        start,
        end,
    };
    Cut {
        parts: parts.iter().map(part).collect(),
        after: format!("\r\n--{boundary}--\r\n").into_bytes(),
    }
}

/// nginx's reading: `most` parts or fewer, together no longer than the whole; what is no range of
/// bytes at all is ignored, what is a wrong one can't be satisfied.
fn parse(value: &[u8], total: u64, most: usize) -> Wanted {
    let Some(set) = value
        .get(..6)
        .filter(|unit| unit.eq_ignore_ascii_case(b"bytes="))
        .map(|_| &value[6..])
    else {
        return Wanted::Whole;
    };
    let (mut parts, mut sum) = (Vec::new(), 0_u64);
    for one in set.split(|&b| b == b',') {
        let Some((start, end)) = one_range(one, total) else {
            return Wanted::Unsatisfiable;
        };
        if start < end {
            if parts.len() == most {
                return Wanted::Whole;
            }
            sum = sum.saturating_add(end - start);
            parts.push((start, end));
        }
    }
    match parts.len() {
        // Nothing can be cut out of nothing; the whole does as well.
        0 if total == 0 => Wanted::Whole,
        0 => Wanted::Unsatisfiable,
        _ if sum > total => Wanted::Whole,
        _ => Wanted::Parts(parts),
    }
}

/// `first-last`, `first-` or `-count`, as first byte and the one after the last; an empty range
/// lies beyond the end. `None` is no range.
fn one_range(text: &[u8], total: u64) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(text).ok()?;
    let (first, last) = text.split_once('-')?;
    let number = |text: &str| {
        let text = text.trim_matches(' ');
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number past all numbers is past all ends.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first.trim_matches(' '), last.trim_matches(' ')) {
        ("", _) => Some((total.saturating_sub(number(last)?), total)),
        (_, "") => Some((number(first)?, total)),
        _ => Some((number(first)?, number(last)?.saturating_add(1).min(total))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_nginx_reads_them() {
        let parts = |list: &[(u64, u64)]| Wanted::Parts(list.to_vec());
        let table = [
            ("bytes=0-3", parts(&[(0, 4)])),
            ("Bytes=5-", parts(&[(5, 10)])),
            ("bytes=-3", parts(&[(7, 10)])),
            ("bytes=-30", parts(&[(0, 10)])),
            ("bytes= 8 - 99 ", parts(&[(8, 10)])),
            ("bytes=8-18446744073709551616", parts(&[(8, 10)])),
            ("bytes=0-1,4-5", parts(&[(0, 2), (4, 6)])),
            ("bytes=4-5, 0-1,99-", parts(&[(4, 6), (0, 2)])),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-12", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=3-1", Wanted::Unsatisfiable),
            ("bytes=a-b", Wanted::Unsatisfiable),
            ("bytes=5", Wanted::Unsatisfiable),
            ("bytes=", Wanted::Unsatisfiable),
            ("bytes=1-2 4-5", Wanted::Unsatisfiable),
            ("bytes=0-9,0-0", Wanted::Whole),
            ("bytes=0-0,1-1,2-2,3-3", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ];
        for (value, expected) in table {
            assert_eq!(parse(value.as_bytes(), 10, 3), expected, "{value}");
        }
        assert_eq!(parse(b"bytes=0-0", 0, 3), Wanted::Whole);
    }

    #[test]
    fn several_parts_say_what_each_is() {
        let cut = multipart(&[(0, 2), (4, 10)], 10, b"text/plain", "77");
        let second = String::from_utf8(cut.parts[1].before.clone()).expect("text");
        let expected =
            "\r\n--77\r\nContent-Type: text/plain\r\nContent-Range: bytes 4-9/10\r\n\r\n";
        assert_eq!(second, expected);
        assert_eq!(cut.after, b"\r\n--77--\r\n");
    }
}
