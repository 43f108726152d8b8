//! The head of an answer and the framing of its body, in nginx's order: status, Server, Date,
//! Content-Type, Content-Length, Last-Modified, Location, Transfer-Encoding, Connection, then
//! everything else.

use std::io::Write as _;

use super::filter::{self, Chain, Cut, Draft, Origin};
use super::{Outgoing, Reply, expires, reason};
use crate::accept::Client;
use crate::clock;
use crate::config::ProxySettings;
use crate::decimal;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::forward::{Passed, pass_header};
use crate::http1::{Framing, Known, ResponseHead, Version};
use crate::worker::Worker;

/// What an answer is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    Own(&'a Reply),
    /// A peer's head with the framing of its body, the location's `proxy_…` settings, and where
    /// the answer comes from now.
    Peer(&'a ResponseHead, Framing, &'a ProxySettings, Origin),
}

impl Source<'_> {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Own(reply) => reply.status,
            Self::Peer(head, ..) => head.status,
        }
    }
}

/// Appends the head of an answer to the client's output, as the filters leave it; answers how its
/// body is framed, and which parts are sent of a body that is at hand whole.
pub(crate) fn write(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    source: Source<'_>,
) -> Result<(Outgoing, Option<Cut>), Fault> {
    let mut draft = filter::draft(ex, source)?;
    let status = match &draft {
        Some(draft) => draft.status,
        None => ex.status_overwrite.unwrap_or(source.status()),
    };
    ex.sent.status = status;
    if ex.sub.inserted {
        return Ok((insert(ex, draft), None));
    }
    let outgoing = framing(ex, status, source, draft.as_ref());
    settle_keep_alive(worker, ex, client, outgoing);
    let mut out = std::mem::take(&mut client.out);
    let start = out.len();
    status_line(status, source, &mut out);
    if !matches!(source, Source::Peer(_, _, settings, _) if lets_through(settings, Known::Server)) {
        let tokens = ex.location.client.server_tokens;
        line(
            &mut out,
            b"Server",
            if tokens {
                crate::cli::SERVER
            } else {
                crate::cli::NAME
            }
            .as_bytes(),
        );
    }
    let has_date = |head: &ResponseHead| head.head.get(Known::Date).is_some();
    if !matches!(source, Source::Peer(head, _, settings, _) if lets_through(settings, Known::Date) && has_date(head))
    {
        clock::with(|now| line(&mut out, b"Date", now.http().as_bytes()));
    }
    let modified = match (source, &draft) {
        (Source::Own(reply), Some(draft)) => own_fields(ex, reply, draft, outgoing, &mut out),
        (Source::Own(_), None) => None,
        (Source::Peer(head, framing, settings, _), draft) => {
            let answer = (head, framing, settings);
            peer_fields(ex, answer, draft.as_ref(), outgoing, &mut out)
        }
    };
    if let Some(cookie) = &ex.sticky_cookie {
        line(&mut out, b"Set-Cookie", cookie);
    }
    if let Some(challenge) = &ex.challenge {
        match status {
            401 => line(&mut out, b"WWW-Authenticate", challenge),
            407 => line(&mut out, b"Proxy-Authenticate", challenge),
            _ => {}
        }
    }
    connection_fields(ex, outgoing, &mut out);
    if draft.as_ref().is_some_and(|draft| draft.varies) {
        line(&mut out, b"Vary", b"Accept-Encoding");
    }
    added_fields(ex, status, modified, start, &mut out);
    out.extend_from_slice(b"\r\n");
    ex.sent.bytes += (out.len() - start) as u64;
    if ex.config.keeps_sent_head || ex.notes.is_some() {
        ex.sent.head = out[start..].to_vec();
    }
    client.out = out;
    let Some(draft) = &mut draft else {
        return Ok((outgoing, None));
    };
    if !draft.steps.is_empty() && outgoing != Outgoing::Nothing {
        let steps = std::mem::take(&mut draft.steps);
        ex.chain = Some(Box::new(Chain::new(steps, outgoing)));
    }
    Ok((outgoing, draft.cut.take()))
}

/// A part of another answer has no head, and a body as it comes.
fn insert(ex: &mut Exchange, draft: Option<Draft<'_>>) -> Outgoing {
    if matches!(ex.sent.status, 204 | 304) {
        return Outgoing::Nothing;
    }
    let steps = draft.map(|draft| draft.steps).unwrap_or_default();
    if !steps.is_empty() {
        ex.chain = Some(Box::new(Chain::new(steps, Outgoing::Close)));
    }
    Outgoing::Close
}

fn framing(ex: &Exchange, status: u16, source: Source<'_>, draft: Option<&Draft<'_>>) -> Outgoing {
    if ex.request.is_head() || matches!(status, 204 | 304) || status < 200 {
        return Outgoing::Nothing;
    }
    let known = match (draft, source) {
        (Some(draft), _) => draft.length.is_some(),
        (None, Source::Own(_)) => true,
        (None, Source::Peer(_, framing, ..)) => {
            matches!(framing, Framing::Length(_) | Framing::None)
        }
    };
    // A length can't be promised before trailers that are to be added.
    if known && ex.location.add_trailers.is_empty() {
        Outgoing::Length
    } else if ex.request.head.version == Version::Http11 && ex.location.client.chunked {
        Outgoing::Chunked
    } else if known {
        Outgoing::Length
    } else {
        Outgoing::Close
    }
}

/// Whether the connection goes on after this answer; the head has to say so.
fn settle_keep_alive(worker: &Worker, ex: &mut Exchange, client: &Client, outgoing: Outgoing) {
    let settings = &ex.location.client;
    let worn = client.requests >= settings.keepalive_requests
        || ex.started.duration_since(ex.connection.since) >= settings.keepalive_time;
    if outgoing == Outgoing::Close
        || settings.keepalive_timeout.is_zero()
        || worn
        || worker.is_draining()
        || is_disabled_browser(ex)
    {
        ex.request.keep_alive = false;
    }
}

/// Browsers that have trouble with it (`keepalive_disable`): `msie6` after a POST, old `safari`.
fn is_disabled_browser(ex: &Exchange) -> bool {
    let settings = &ex.location.client;
    let post = ex.request.method() == b"POST";
    let safari = settings
        .keepalive_disable
        .iter()
        .any(|name| name == "safari");
    let msie6 = post
        && settings
            .keepalive_disable
            .iter()
            .any(|name| name == "msie6");
    if !safari && !msie6 {
        return false;
    }
    let agent = ex
        .request
        .head
        .head
        .by_variable(b"user_agent", b" ")
        .unwrap_or_default();
    let has = |text: &[u8]| memchr::memmem::find(&agent, text);
    let old_ie = || has(b"MSIE ").is_some_and(|at| matches!(agent.get(at + 5), Some(b'4'..=b'6')));
    let mac_safari = || has(b"Safari/").is_some() && has(b"Mac OS X").is_some();
    (msie6 && old_ie()) || (safari && mac_safari())
}

fn status_line(status: u16, source: Source<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal::write(out, status.into(), 3);
    let phrase = match source {
        Source::Peer(head, ..) if head.status == status => head.reason(),
        _ => reason::phrase(status).as_bytes(),
    };
    // The space stands there even before an empty phrase (RFC 9112 section 4).
    out.push(b' ');
    out.extend_from_slice(phrase);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn content_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    decimal::write(out, length, 1);
    out.extend_from_slice(b"\r\n");
}

fn own_fields(
    ex: &Exchange,
    reply: &Reply,
    draft: &Draft<'_>,
    outgoing: Outgoing,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let status = draft.status;
    if !matches!(status, 204 | 304) {
        if !draft.content_type.is_empty() {
            line(out, b"Content-Type", &draft.content_type);
        }
        let told =
            outgoing == Outgoing::Length || (outgoing == Outgoing::Nothing && ex.request.is_head());
        if let Some(length) = draft.length.filter(|_| told) {
            content_length(out, length);
        }
    }
    let replaces = |name: &[u8]| {
        ex.location
            .add_headers
            .iter()
            .any(|add| add.name.eq_ignore_ascii_case(name))
    };
    // An error page's date says nothing about what was asked for.
    let modified = draft
        .last_modified
        .filter(|_| matches!(status, 200 | 206 | 304));
    if let Some(modified) = modified.filter(|_| !replaces(b"last-modified")) {
        line(out, b"Last-Modified", clock::http_date(modified).as_bytes());
    }
    if let Some(location) = &reply.location {
        line(out, b"Location", location);
    }
    if let Some(range) = draft
        .content_range
        .as_ref()
        .or(reply.content_range.as_ref())
    {
        line(out, b"Content-Range", range.as_bytes());
    } else if draft.accepts_ranges {
        line(out, b"Accept-Ranges", b"bytes");
    }
    if let Some(etag) = draft.etag.as_ref().filter(|_| !replaces(b"etag")) {
        line(out, b"ETag", etag);
    }
    if let Some(encoding) = &draft.encoding {
        line(out, b"Content-Encoding", encoding);
    }
    modified
}

/// Passes a peer's fields on, in their order, without those that stay here.
fn peer_fields(
    ex: &Exchange,
    (head, framing, settings): (&ResponseHead, Framing, &ProxySettings),
    draft: Option<&Draft<'_>>,
    outgoing: Outgoing,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let mut modified = None;
    let changed = draft.map_or(0, |draft| draft.changed);
    let mut seen = 0_u64;
    for header in head.head.iter() {
        // A second value for what has only one is dropped, the first stands.
        let bit = header.known.bit();
        if is_single(header.known) && seen & bit != 0 {
            continue;
        }
        seen |= bit;
        if changed & bit != 0 {
            continue;
        }
        if header.known == Known::LastModified {
            let text = std::str::from_utf8(header.value).ok();
            modified = text.and_then(clock::parse_http_date);
        }
        match pass_header(ex, settings, header) {
            Passed::AsIs => line(out, header.name, header.value),
            Passed::Changed(value) => line(out, header.name, &value),
            Passed::No => {}
        }
    }
    if let Some(draft) = draft {
        changed_fields(ex, draft, out);
    }
    let length = match (draft, framing) {
        (Some(draft), _) => draft.length,
        (None, Framing::Length(length)) => Some(length),
        // The answer to a HEAD says how long the body would have been.
        (None, Framing::None) if outgoing == Outgoing::Nothing => None,
        (None, Framing::None) => Some(0),
        (None, Framing::Chunked | Framing::Close) => None,
    };
    match (outgoing, length) {
        (Outgoing::Length, Some(length)) => {
            content_length(out, length);
        }
        (Outgoing::Nothing, _) if changed & Known::ContentLength.bit() == 0 => {
            if let Some(length) = head
                .head
                .get(Known::ContentLength)
                .filter(|_| ex.sent.status != 204)
            {
                line(out, b"Content-Length", length);
            }
        }
        (Outgoing::Nothing, Some(length)) if ex.request.is_head() => content_length(out, length),
        _ => {}
    }
    modified
}

/// What the filters have put in place of a peer's fields.
fn changed_fields(ex: &Exchange, draft: &Draft<'_>, out: &mut Vec<u8>) {
    let changed = |known: Known| draft.changed & known.bit() != 0;
    if changed(Known::ContentType) && !draft.content_type.is_empty() {
        line(out, b"Content-Type", &draft.content_type);
    }
    let replaced = |add: &crate::config::AddHeader| add.name.eq_ignore_ascii_case(b"etag");
    if let Some(etag) = draft.etag.as_ref().filter(|_| changed(Known::Etag))
        && !ex.location.add_headers.iter().any(replaced)
    {
        line(out, b"ETag", etag);
    }
    if let Some(encoding) = draft
        .encoding
        .as_ref()
        .filter(|_| changed(Known::ContentEncoding))
    {
        line(out, b"Content-Encoding", encoding);
    }
    if let Some(range) = &draft.content_range {
        line(out, b"Content-Range", range.as_bytes());
    } else if draft.accepts_ranges {
        line(out, b"Accept-Ranges", b"bytes");
    }
}

fn is_single(known: Known) -> bool {
    matches!(
        known,
        Known::ContentType
            | Known::Date
            | Known::Etag
            | Known::Expires
            | Known::LastModified
            | Known::Location
            | Known::Refresh
            | Known::Server
    )
}

fn lets_through(settings: &ProxySettings, known: Known) -> bool {
    !settings.hidden.iter().any(|name| name.known == known)
}

fn connection_fields(ex: &Exchange, outgoing: Outgoing, out: &mut Vec<u8>) {
    if outgoing == Outgoing::Chunked {
        line(out, b"Transfer-Encoding", b"chunked");
    }
    if !ex.request.keep_alive {
        line(out, b"Connection", b"close");
        return;
    }
    line(out, b"Connection", b"keep-alive");
    if let Some(time) = ex
        .location
        .client
        .keepalive_header
        .filter(|time| !time.is_zero())
    {
        let _ = write!(out, "Keep-Alive: timeout={}\r\n", time.as_secs());
    }
}

/// `expires` and `add_header`; those without `always` only where nginx adds them.
fn added_fields(
    ex: &mut Exchange,
    status: u16,
    modified: Option<u64>,
    start: usize,
    out: &mut Vec<u8>,
) {
    let location = std::sync::Arc::clone(&ex.location);
    let usual = matches!(
        status,
        200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
    );
    if usual && let Some((expires, control)) = expires::fields(ex, modified) {
        line(out, b"Expires", expires.as_bytes());
        line(out, b"Cache-Control", control.as_bytes());
    }
    if ex.config.keeps_sent_head {
        ex.sent.head = out[start..].to_vec();
    }
    for (at, add) in location.add_headers.iter().enumerate() {
        // Of a field that has one value only the last line counts, if only to remove it.
        let later = &location.add_headers[at + 1..];
        let single = matches!(Known::of(&add.name), Known::Etag | Known::LastModified);
        let replaced = single && later.iter().any(|l| l.name.eq_ignore_ascii_case(&add.name));
        if replaced || (!usual && !add.always) {
            continue;
        }
        let value = add.value.evaluate(ex);
        if !value.is_empty() {
            line(out, &add.name, &value);
        }
    }
}
