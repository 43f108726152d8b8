//! What a peer is sent: request line, Host, the `proxy_set_header` fields, our own, then the
//! client's fields as they came, without those that were replaced or belong to one connection
//! only (RFC 9110 section 7.6.1).

use std::io::Write as _;

use super::redirect::{Aim, Destination};
use crate::config::ProxySettings;
use crate::exchange::Exchange;
use crate::http1::{Framing, Header, Known, Version};
use crate::parse::escape_path;

/// How the request's body goes to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyPlan {
    None,
    /// From `proxy_set_body`; it is in the head's buffer already.
    Own,
    /// Held in the exchange.
    Held(u64),
    /// As the client sends it.
    Streamed {
        chunked: bool,
    },
}

// ANCHOR: request_head
/// Appends the head for the peer to `out`.
pub(super) fn write_head(
    ex: &Exchange,
    settings: &ProxySettings,
    destination: &Destination,
    out: &mut Vec<u8>,
) -> BodyPlan {
    let own_body = settings.set_body.as_ref().map(|body| body.evaluate(ex));
    let plan = plan(ex, settings, own_body.is_some());
    write_line(ex, settings, destination, out);
    write_host(ex, settings, out);
    for (name, value) in &settings.set_headers {
        write_field(ex, &name.text, value, out);
    }
    write_trace(ex, settings, out);
    match (plan, &own_body) {
        (_, Some(body)) => {
            let _ = write!(out, "Content-Length: {}\r\n", body.len());
        }
        (BodyPlan::Held(length), None) => {
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        (BodyPlan::Streamed { chunked: true }, None) => {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        _ => {}
    }
    let caching = ex.caching.as_deref();
    if let Some(caching) = caching {
        for (name, value) in caching.conditions() {
            let set = settings.set_headers.iter();
            if !set
                .clone()
                .any(|(own, _)| own.text.eq_ignore_ascii_case(name.as_bytes()))
            {
                crate::respond::line(out, name.as_bytes(), value);
            }
        }
    }
    if settings.pass_request_headers {
        for header in ex.request.head.head.iter() {
            if passes(ex, header, plan, own_body.is_some(), settings)
                && !caching.is_some_and(|caching| caching.hides(header.name))
                && !ex
                    .trace
                    .as_ref()
                    .is_some_and(|trace| trace.replaces(header.name))
            {
                crate::respond::line(out, header.name, header.value);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    if let Some(body) = own_body {
        out.extend_from_slice(&body);
    }
    plan
}
// ANCHOR_END: request_head

fn plan(ex: &Exchange, settings: &ProxySettings, own: bool) -> BodyPlan {
    match (&ex.request.body, ex.request.framing) {
        _ if own => BodyPlan::Own,
        _ if !settings.pass_request_body => BodyPlan::None,
        (Some(body), Framing::Chunked) => BodyPlan::Held(body.len()),
        (Some(body), _) if body.len() > 0 => BodyPlan::Held(body.len()),
        (None, Framing::Chunked) => BodyPlan::Streamed { chunked: true },
        (None, Framing::Length(_)) => BodyPlan::Streamed { chunked: false },
        _ => BodyPlan::None,
    }
}

fn write_line(
    ex: &Exchange,
    settings: &ProxySettings,
    destination: &Destination,
    out: &mut Vec<u8>,
) {
    match &settings.method {
        Some(method) => method.write(ex, out),
        None => out.extend_from_slice(method(ex)),
    }
    out.push(b' ');
    write_target(ex, &destination.aim, out);
    out.push(b' ');
    out.extend_from_slice(settings.http_version.as_str().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A cache asks by GET for what a client asks by HEAD.
fn method(ex: &Exchange) -> &[u8] {
    let own = ex.request.method();
    let by_get = own == b"HEAD" && ex.caching.as_ref().is_some_and(|c| c.asks_by_get());
    if by_get { b"GET" } else { own }
}

/// Whether a peer answers with a head alone.
pub(super) fn is_head(ex: &Exchange, settings: &ProxySettings) -> bool {
    settings.method.is_none() && ex.request.is_head() && method(ex) == b"HEAD"
}

/// The client's target untouched where that is possible; else the path in place of the
/// location's prefix, encoded again, with the arguments.
fn write_target(ex: &Exchange, aim: &Aim, out: &mut Vec<u8>) {
    let request = &ex.request;
    match &aim.path {
        Some(path) if aim.whole => out.extend_from_slice(path),
        None if request.untouched => {
            // A fragment is not part of a target (RFC 9112 section 3.2.1).
            out.extend_from_slice(request.uri());
        }
        path => {
            let mut rest = &request.path[..];
            if let Some(path) = path {
                out.extend_from_slice(path);
                rest = rest
                    .strip_prefix(&ex.location.prefix[..])
                    .unwrap_or_default();
            }
            escape_path(rest, out);
            if !request.args.is_empty() {
                out.push(b'?');
                out.extend_from_slice(&request.args);
            }
        }
    }
}

/// The URL that a peer is asked for, as far as it is known before one is chosen.
pub(super) fn url(ex: &Exchange, aim: &Aim) -> Vec<u8> {
    let mut url = aim.scheme.as_str().as_bytes().to_vec();
    url.extend_from_slice(b"://");
    url.extend_from_slice(ex.proxied_to.host.as_bytes());
    write_target(ex, aim, &mut url);
    url
}

fn write_host(ex: &Exchange, settings: &ProxySettings, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(b"Host: ");
    let value = out.len();
    match &settings.host {
        Some(template) => template.write(ex, out),
        None => out.extend_from_slice(ex.proxied_to.host.as_bytes()),
    }
    if out.len() == value {
        out.truncate(start);
        // HTTP/1.1 needs a Host, if only an empty one (RFC 9112 section 3.2).
        if settings.http_version == Version::Http11 {
            out.extend_from_slice(b"Host: \r\n");
        }
        return;
    }
    out.extend_from_slice(b"\r\n");
}

/// A field without a value is not sent at all.
fn write_field(ex: &Exchange, name: &[u8], value: &crate::config::Template, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let before = out.len();
    value.write(ex, out);
    if out.len() == before {
        out.truncate(start);
        return;
    }
    out.extend_from_slice(b"\r\n");
}

/// `traceparent`, unless the configuration sets its own.
fn write_trace(ex: &Exchange, settings: &ProxySettings, out: &mut Vec<u8>) {
    let Some(context) = ex.trace.as_ref().and_then(|trace| trace.injected()) else {
        return;
    };
    let mut set = settings.set_headers.iter();
    if !set.any(|(name, _)| name.is(b"traceparent", Known::Other)) {
        out.extend_from_slice(b"traceparent: ");
        context.write(out);
        out.extend_from_slice(b"\r\n");
    }
}

fn passes(
    ex: &Exchange,
    header: Header<'_>,
    plan: BodyPlan,
    own_body: bool,
    settings: &ProxySettings,
) -> bool {
    match header.known {
        Known::Host
        | Known::Connection
        | Known::ProxyConnection
        | Known::KeepAlive
        | Known::Te
        | Known::TransferEncoding
        | Known::Upgrade
        | Known::Expect => false,
        // Passed as it came when the body is, an empty one too; otherwise ours stands above.
        Known::ContentLength => match plan {
            BodyPlan::Streamed { chunked } => !chunked && !own_body,
            BodyPlan::None => settings.pass_request_body && header.value == b"0",
            BodyPlan::Own | BodyPlan::Held(_) => false,
        },
        // What was asked for here is for nobody else (RFC 9110 section 11.7.2).
        Known::ProxyAuthorization if ex.location.asks_as_proxy(ex.request.method()) => false,
        known => !settings
            .set_headers
            .iter()
            .any(|(name, _)| name.is(header.name, known)),
    }
}
