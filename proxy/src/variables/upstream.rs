//! The `$upstream_…` variables: one value for each peer that was asked, `, ` between them.

use super::Plain;
use super::evaluate::{cookie, write_seconds};
use crate::exchange::{Exchange, Try};
use crate::http1::Known;

pub(super) fn write(variable: Plain, ex: &Exchange, out: &mut Vec<u8>) -> bool {
    if ex.tries.is_empty() {
        return false;
    }
    for (index, one) in ex.tries.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        if !write_one(variable, one, out) {
            out.push(b'-');
        }
    }
    true
}

fn write_one(variable: Plain, one: &Try, out: &mut Vec<u8>) -> bool {
    let mut text = |value: String| {
        out.extend_from_slice(value.as_bytes());
        true
    };
    match variable {
        Plain::UpstreamAddr => text(one.address.clone()),
        Plain::UpstreamStatus => one.status.is_some_and(|status| text(status.to_string())),
        Plain::UpstreamBytesSent => text(one.sent.to_string()),
        Plain::UpstreamBytesReceived => text(one.received.to_string()),
        Plain::UpstreamResponseLength => text(one.body_received.to_string()),
        Plain::UpstreamConnectTime => one.connect_time.is_some_and(|t| write_seconds(t, out)),
        Plain::UpstreamHeaderTime => one.header_time.is_some_and(|t| write_seconds(t, out)),
        Plain::UpstreamResponseTime => one.response_time.is_some_and(|t| write_seconds(t, out)),
        _ => false,
    }
}

/// `$upstream_cookie_name`: the value in the last `Set-Cookie` of that name.
pub(super) fn set_cookie(ex: &Exchange, name: &[u8]) -> Option<Vec<u8>> {
    let head = &ex.upstream_head.as_ref()?.head;
    let values = head.iter().filter(|h| h.known == Known::SetCookie);
    values
        .filter_map(|header| {
            let pair = header.value.split(|&b| b == b';').next()?;
            cookie(pair, name)
        })
        .next()
}
