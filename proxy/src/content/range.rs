//! `Range: bytes=…` on files (RFC 9110 section 14): one range is served, several are answered
//! with the whole, as section 14.2 allows.

use std::io::{Seek as _, SeekFrom};

use crate::exchange::Exchange;
use crate::http1::head::matches_variable;
use crate::respond::{Content, Reply};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// No range that we could serve: the whole answer.
    Whole,
    /// First byte and length.
    Part(u64, u64),
    /// Beyond the end.
    Unsatisfiable,
}

/// Narrows a 200 to the range that the request asks for, if it asks.
pub(super) fn apply(ex: &Exchange, reply: Reply) -> Reply {
    let head = &ex.request.head.head;
    let field = |name: &[u8]| {
        head.iter()
            .find(|h| matches_variable(h.name, name))
            .map(|h| h.value)
    };
    let (Some(value), Content::File(_, total)) = (field(b"range"), &reply.content) else {
        return reply;
    };
    // If-Range: the part is of use only to who has the rest of this very version.
    let same = field(b"if_range").is_none_or(|tag| {
        reply
            .etag
            .as_ref()
            .is_some_and(|etag| etag.as_bytes() == tag)
    });
    let total = *total;
    match parse(value, total) {
        Range::Part(first, length) if same => part(reply, first, length, total),
        Range::Unsatisfiable if same => Reply {
            content_range: Some(format!("bytes */{total}")),
            ..Reply::error(ex, 416)
        },
        _ => reply,
    }
}

fn part(reply: Reply, first: u64, length: u64, total: u64) -> Reply {
    let Content::File(mut file, _) = reply.content else {
        return reply;
    };
    if file.seek(SeekFrom::Start(first)).is_err() {
        return Reply {
            content: Content::File(file, total),
            ..reply
        };
    }
    let last = first + length - 1;
    Reply {
        status: 206,
        content_range: Some(format!("bytes {first}-{last}/{total}")),
        content: Content::File(file, length),
        ..reply
    }
}

fn parse(value: &[u8], total: u64) -> Range {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|set| set.split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (first.trim(), number(first), last.trim(), number(last)) {
        // The last n bytes.
        ("", _, _, Some(count)) if count > 0 && total > 0 => {
            let count = count.min(total);
            Range::Part(total - count, count)
        }
        ("", _, _, Some(_)) => Range::Unsatisfiable,
        (_, Some(first), "", _) if first < total => Range::Part(first, total - first),
        (_, Some(first), _, Some(last)) if first <= last && first < total => {
            Range::Part(first, last.min(total - 1) - first + 1)
        }
        (_, Some(first), _, Some(last)) if first <= last => Range::Unsatisfiable,
        (_, Some(_), "", _) => Range::Unsatisfiable,
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_everything_else_is_the_whole() {
        let table = [
            ("bytes=0-3", Range::Part(0, 4)),
            ("bytes=5-", Range::Part(5, 5)),
            ("bytes=-3", Range::Part(7, 3)),
            ("bytes=-30", Range::Part(0, 10)),
            ("bytes=8-99", Range::Part(8, 2)),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=10-12", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=3-1", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("lines=0-1", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("", Range::Whole),
        ];
        for (value, expected) in table {
            assert_eq!(parse(value.as_bytes(), 10), expected, "{value}");
        }
    }
}
