//! The `$upstream_…` variables: one value for each peer that was asked, `, ` between them.

use std::net::SocketAddr;

use super::Plain;
use super::evaluate::{cookie, put, write_seconds};
use crate::exchange::{Exchange, Try};
use crate::forward;
use crate::http1::Known;

pub(super) fn write(variable: Plain, ex: &Exchange, out: &mut Vec<u8>) -> bool {
    let caching = ex.caching.as_ref();
    match variable {
        Plain::UpstreamCacheStatus => return put(out, caching.map(|c| c.status.as_str())),
        Plain::UpstreamCacheKey => return put(out, caching.map(|c| &c.key)),
        _ => {}
    }
    let Some(last) = ex.tries.last() else {
        return false;
    };
    match variable {
        Plain::UpstreamLastAddr => return write_ip(&last.address, out),
        Plain::UpstreamLastNetwork => {
            let network = forward::network_of(&last.address);
            out.extend_from_slice(network.map_or("", |network| network.as_str()).as_bytes());
            return network.is_some();
        }
        _ => {}
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

/// Without the port; a path as it is.
fn write_ip(address: &str, out: &mut Vec<u8>) -> bool {
    match address.parse::<SocketAddr>() {
        Ok(address) => out.extend_from_slice(address.ip().to_string().as_bytes()),
        Err(_) => out.extend_from_slice(address.as_bytes()),
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
