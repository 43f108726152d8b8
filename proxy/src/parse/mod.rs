//! Stage "parse": takes the bytes of a connection, decides whether a well-formed request is there,
//! hands on a `Request` with its path, host and framing.

mod authority;
mod host;
pub(crate) mod real_ip;
mod uri;

pub(crate) use authority::parse_authority;
pub(crate) use host::parse_host;
pub(crate) use uri::{escape_path, normalize};

use crate::config::Server;
use crate::exchange::Request;
use crate::fault::{Blame, Fault};
use crate::http1::framing::{self, BadFraming};
use crate::http1::request::BadHead;
use crate::http1::{Framing, Known, RequestHead, Version, head};

/// The path and query of the target, still encoded, and the authority of an absolute form.
struct Target<'a> {
    authority: Option<&'a [u8]>,
    path: &'a [u8],
}

// ANCHOR: parse
/// Turns a head into a request, or says why it can't be one (RFC 9112 sections 3 and 6).
pub(crate) fn request(
    mut head: Box<RequestHead>,
    server: &Server,
) -> Result<Request, (Box<RequestHead>, Fault)> {
    match understand(&mut head, server) {
        Ok(mut request) => {
            request.head = head;
            Ok(request)
        }
        Err(fault) => Err((head, fault)),
    }
}

fn understand(head: &mut RequestHead, server: &Server) -> Result<Request, Fault> {
    let framing = framing::of_request(head).map_err(bad_framing)?;
    match head.method() {
        b"CONNECT" => return connect(head, framing),
        b"TRACE" => return Err(not_served("client sent method that is not served")),
        _ => {}
    }
    let target = target(head.target())?;
    let (host, port) = host_of(head, target.authority)?;
    let (path, args, clean) = normalize(target.path, server.merge_slashes)
        .map_err(|()| Fault::bad_request("client sent invalid URI"))?;
    Ok(Request {
        path,
        args,
        untouched: clean,
        path_at: head.target().len() - target.path.len(),
        host,
        port,
        framing,
        keep_alive: wants_keep_alive(head),
        received: head.head.raw().len() as u64,
        body: None,
        method: None,
        expects_continue: expects_continue(head),
        head: Box::default(),
    })
}
// ANCHOR_END: parse

// ANCHOR: connect
/// A CONNECT names no path and has no body (RFC 9110 section 9.3.6). Whether its server serves any is asked later.
/// nginx wants HTTP/1.1; Python's clients (pip among them) speak HTTP/1.0 here.
fn connect(head: &RequestHead, framing: Framing) -> Result<Request, Fault> {
    if !matches!(framing, Framing::None | Framing::Length(0)) {
        let why = "client sent CONNECT request with body";
        return Err(Fault::bad_request(why));
    }
    host_of(head, None)?;
    let (host, port) = parse_authority(head.target())
        .ok_or_else(|| Fault::bad_request("client sent invalid authority in CONNECT request"))?;
    Ok(Request {
        path: b"/".to_vec(),
        path_at: head.target().len(),
        host,
        port,
        received: head.head.raw().len() as u64,
        ..Request::refused(Box::default())
    })
}
// ANCHOR_END: connect

pub(crate) fn not_served(why: &str) -> Fault {
    Fault {
        closes: true,
        ..Fault::new(405, Blame::Client, why)
    }
}

fn bad_framing(why: BadFraming) -> Fault {
    let mut fault = Fault::bad_request(format!("client {why}"));
    if why == BadFraming::UnknownEncoding {
        fault.status = 501;
    }
    fault
}

/// The fault of a head that does not parse.
pub(crate) fn bad_head(why: BadHead) -> Fault {
    let mut fault = Fault::bad_request(why.to_string());
    fault.status = match why {
        BadHead::UriTooLong => 414,
        // nginx's own 494, shown to the client as 400.
        BadHead::TooLarge | BadHead::TooManyHeaders => 494,
        BadHead::Version => 505,
        BadHead::RequestLine | BadHead::HeaderLine => 400,
    };
    fault
}

/// Origin form or absolute form (RFC 9112 section 3.2).
fn target(target: &[u8]) -> Result<Target<'_>, Fault> {
    if target.starts_with(b"/") {
        return Ok(Target {
            authority: None,
            path: target,
        });
    }
    let invalid = || Fault::bad_request("client sent invalid request target");
    let scheme = target
        .windows(3)
        .position(|w| w == b"://")
        .ok_or_else(invalid)?;
    if !target[..scheme].iter().all(u8::is_ascii_alphanumeric) || scheme == 0 {
        return Err(invalid());
    }
    let rest = &target[scheme + 3..];
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    Ok(Target {
        authority: Some(&rest[..end]),
        path: &rest[end..],
    })
}

/// Exactly one Host in HTTP/1.1 (RFC 9112 section 3.2); an authority in the target goes before it.
fn host_of(head: &RequestHead, authority: Option<&[u8]>) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    if head.head.count(Known::Host) > 1 {
        return Err(Fault::bad_request("client sent duplicate host header"));
    }
    let field = head.head.get(Known::Host);
    if field.is_none() && head.version == Version::Http11 {
        return Err(Fault::bad_request(
            "client sent HTTP/1.1 request without \"Host\" header",
        ));
    }
    let invalid = || Fault::bad_request("client sent invalid host header");
    let from_field = field
        .map(|value| parse_host(value).ok_or_else(invalid))
        .transpose()?;
    match authority {
        Some(text) => parse_host(text)
            .ok_or_else(|| Fault::bad_request("client sent invalid host in request line")),
        None => Ok(from_field.unwrap_or_default()),
    }
}

fn wants_keep_alive(request: &RequestHead) -> bool {
    let mut keep_alive = request.version == Version::Http11;
    for header in request.head.iter().filter(|h| h.known == Known::Connection) {
        if head::has_token(header.value, b"close") {
            return false;
        }
        if head::has_token(header.value, b"keep-alive") {
            keep_alive = true;
        }
    }
    keep_alive
}

fn expects_continue(request: &RequestHead) -> bool {
    let expects = request.head.get(Known::Expect);
    request.version == Version::Http11
        && expects.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}
