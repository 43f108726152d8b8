//! What each variable is worth for one exchange.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use regex::bytes::Captures;

use super::{Family, Plain, Var, tls, upstream};
use crate::accept::proxy_protocol::Ends;
use crate::admin::totals;
use crate::clock;
use crate::config::Class;
use crate::decimal;
use crate::exchange::Exchange;
use crate::http1::{Known, head};
use crate::identity;
use crate::limit::Verdict;
use crate::respond;
use crate::trace::Part;

impl Var {
    /// Appends the value; answers whether there is one.
    pub(crate) fn write(
        &self,
        exchange: &Exchange,
        captures: Option<&Captures<'_>>,
        out: &mut Vec<u8>,
    ) -> bool {
        match self {
            Self::Plain(plain) => plain.write(exchange, out),
            Self::Family(Family::Http, name) => {
                let separator = if **name == *b"cookie" { b"; " } else { b", " };
                exchange
                    .request
                    .head
                    .head
                    .write_by_variable(name, separator, out)
            }
            Self::Family(family, name) => put(out, family_value(*family, name, exchange)),
            Self::Tlv(tlv) => {
                let told = exchange.connection.told.as_ref();
                put(out, told.and_then(|told| told.tlv(*tlv)))
            }
            Self::User(index) => put(out, exchange.vars.get(*index).and_then(Option::as_deref)),
            Self::UserOr(index, other) => match exchange.vars.get(*index) {
                Some(Some(value)) => put(out, Some(value)),
                _ => other.write(exchange, captures, out),
            },
            Self::Class(index) => Class::write(exchange, *index, out),
            Self::Capture(group) => match captures {
                Some(captures) => put(out, captures.get(*group).map(|m| m.as_bytes())),
                None => put(
                    out,
                    exchange.captures.get(*group).and_then(Option::as_deref),
                ),
            },
        }
    }
}

/// The client's own, not that of the pipe inside.
fn protocol(ex: &Exchange) -> &'static str {
    if ex.connection.http2 {
        "HTTP/2.0"
    } else {
        ex.request.head.version.as_str()
    }
}

/// As the client would have written it.
fn write_line(ex: &Exchange, out: &mut Vec<u8>) -> bool {
    let line = ex.request.head.line();
    match line.strip_suffix(b"HTTP/1.1") {
        Some(start) if ex.connection.http2 => {
            out.extend_from_slice(start);
            put(out, Some(protocol(ex)))
        }
        _ => put(out, Some(line)),
    }
}

/// `$http2`: how it was agreed on.
fn http2(ex: &Exchange) -> Option<&'static str> {
    let word = if ex.connection.security.tls().is_some() {
        "h2"
    } else {
        "h2c"
    };
    Some(if ex.connection.http2 { word } else { "" })
}

pub(super) fn put<T: AsRef<[u8]>>(out: &mut Vec<u8>, value: Option<T>) -> bool {
    value.is_some_and(|value| {
        out.extend_from_slice(value.as_ref());
        true
    })
}

/// Numbers and addresses are written in place, without a string in between.
macro_rules! show {
    ($out:expr, $($arg:tt)*) => {{
        // Writing to a vector can't fail.
        let _ = write!($out, $($arg)*);
        true
    }};
}

impl Plain {
    fn write(self, ex: &Exchange, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Args | Self::QueryString => put(out, Some(&ex.request.args)),
            Self::ContentLength => put(out, ex.request.head.head.get(Known::ContentLength)),
            Self::ContentType => put(out, ex.request.head.head.get(Known::ContentType)),
            Self::DocumentUri | Self::Uri => put(out, Some(&ex.request.path)),
            Self::Host => put(out, Some(ex.host())),
            Self::IsArgs => put(out, Some(if ex.request.args.is_empty() { "" } else { "?" })),
            Self::IsRequestPort => {
                put(out, Some(if ex.request.port.is_empty() { "" } else { ":" }))
            }
            Self::Request => write_line(ex, out),
            Self::RequestMethod => put(out, Some(ex.request.method())),
            Self::RequestPort => put(out, Some(&ex.request.port)),
            Self::RequestUri => put(out, Some(ex.request.uri())),
            Self::Scheme => put(out, Some(if secure(ex) { "https" } else { "http" })),
            Self::Https => put(out, Some(if secure(ex) { "on" } else { "" })),
            Self::ServerName => put(out, Some(ex.server.name.as_bytes())),
            Self::ServerProtocol => put(out, Some(protocol(ex))),
            Self::Http2 => put(out, http2(ex)),
            Self::RequestBody => put(
                out,
                ex.request.body.as_ref().and_then(|body| body.in_memory()),
            ),
            Self::RequestBodyFile => put(
                out,
                ex.request.body.as_ref().and_then(|body| body.file_name()),
            ),
            Self::ProxyAddXForwardedFor => write_forwarded_for(ex, out),
            Self::ProxyHost => put(out, Some(ex.proxied_to.host.as_bytes())),
            Self::ProxyPort => put(out, Some(ex.proxied_to.port.as_bytes())),
            Self::DocumentRoot | Self::RealpathRoot => put(out, Some(ex.location.root_path(ex))),
            Self::RequestFilename => put(out, Some(ex.location.file_path(ex))),
            Self::InvalidReferer => {
                let invalid =
                    ex.location.referers.as_ref().is_some_and(|known| {
                        !known.hold(ex.request.head.head.get_named(b"referer"))
                    });
                put(out, Some(if invalid { "1" } else { "" }))
            }
            Self::SecureLink => put(
                out,
                ex.location
                    .secure_link
                    .as_ref()
                    .and_then(|link| link.value(ex)),
            ),
            Self::SecureLinkExpires => put(
                out,
                ex.location
                    .secure_link
                    .as_ref()
                    .and_then(|link| link.expires(ex)),
            ),
            Self::RemoteUser => put(out, identity::basic_user(ex)),
            _ => self.write_connection(ex, out),
        }
    }

    fn write_connection(self, ex: &Exchange, out: &mut Vec<u8>) -> bool {
        let connection = &ex.connection;
        match self {
            Self::BinaryRemoteAddr => match connection.remote.map(|a| a.ip()) {
                Some(IpAddr::V4(ip)) => put(out, Some(ip.octets())),
                Some(IpAddr::V6(ip)) => put(out, Some(ip.octets())),
                None => put(out, Some("unix:")),
            },
            Self::Connection => show!(out, "{}", connection.serial),
            Self::ConnectionRequests => show!(out, "{}", ex.connection_requests),
            Self::ConnectionTime => write_seconds(connection.since.elapsed(), out),
            Self::OriginalDst => match &connection.original {
                Some(original) => show!(out, "{}", original.address),
                None => false,
            },
            Self::SslPrereadServerName => {
                let original = connection.original.as_ref();
                put(
                    out,
                    original.map(|o| o.server_name.as_deref().unwrap_or_default()),
                )
            }
            Self::ProxyProtocolAddr => told(ex, out, |ends| ends.client.ip()),
            Self::ProxyProtocolPort => told(ex, out, |ends| ends.client.port()),
            Self::ProxyProtocolServerAddr => told(ex, out, |ends| ends.server.ip()),
            Self::ProxyProtocolServerPort => told(ex, out, |ends| ends.server.port()),
            Self::RealipRemoteAddr => put(out, Some(real(ex).remote_ip())),
            Self::RealipRemotePort => port(real(ex).remote, out),
            Self::RemoteAddr => put(out, Some(connection.remote_ip())),
            Self::RemotePort => port(connection.remote, out),
            Self::ServerAddr => match connection.local() {
                Some(local) => show!(out, "{}", local.ip()),
                None => put(out, Some(connection.listen_name())),
            },
            Self::ServerPort => match connection.local() {
                Some(local) => show!(out, "{}", local.port()),
                None => put(out, Some("")),
            },
            _ => self.write_progress(ex, out),
        }
    }

    fn write_progress(self, ex: &Exchange, out: &mut Vec<u8>) -> bool {
        match self {
            Self::BodyBytesSent => number(ex.sent.body_bytes, out),
            Self::BytesSent => number(ex.sent.bytes, out),
            Self::GzipRatio => put(out, ex.chain.as_ref().and_then(|chain| chain.gzip_ratio())),
            Self::SliceRange => put(out, respond::slice_range(ex)),
            Self::DateGmt => put(out, respond::date::gmt(respond::date::DEFAULT)),
            Self::DateLocal => put(out, respond::date::local(respond::date::DEFAULT)),
            Self::LimitConnStatus => put(out, ex.connection_verdict.map(Verdict::as_str)),
            Self::LimitReqStatus => put(out, ex.request_verdict.map(Verdict::as_str)),
            Self::LimitRate => show!(out, "{}", ex.limit_rate.unwrap_or(0)),
            Self::RequestCompletion => put(out, ex.sent.complete.then_some("OK")),
            Self::RequestId => put(out, Some(identity::request_id(ex))),
            Self::RequestLength => number(ex.request.received, out),
            Self::RequestTime => write_seconds(ex.started.elapsed(), out),
            Self::Status => match ex.sent.status {
                0 => put(
                    out,
                    Some(
                        ex.error_status
                            .map_or_else(|| "000".to_owned(), |s| s.to_string()),
                    ),
                ),
                status => number(status.into(), out),
            },
            Self::TimeLocal => clock::with(|now| put(out, Some(now.local()))),
            Self::TimeIso8601 => clock::with(|now| put(out, Some(now.iso8601()))),
            Self::Msec => {
                let now = clock::since_epoch();
                show!(out, "{}.{:03}", now.as_secs(), now.subsec_millis())
            }
            Self::Hostname => put(out, Some(identity::hostname())),
            Self::OtelTraceId => Part::TraceId.write(ex, out),
            Self::OtelSpanId => Part::SpanId.write(ex, out),
            Self::OtelParentId => Part::ParentId.write(ex, out),
            Self::OtelParentSampled => Part::ParentSampled.write(ex, out),
            Self::ConnectionsActive => number(totals().active, out),
            Self::ConnectionsReading => number(totals().reading, out),
            Self::ConnectionsWriting => number(totals().writing, out),
            Self::ConnectionsWaiting => number(totals().waiting(), out),
            Self::NginxVersion => put(out, Some(crate::cli::LANGUAGE_VERSION)),
            Self::Pid => show!(out, "{}", std::process::id()),
            Self::Pipe => put(out, Some(if ex.pipelined { "p" } else { "." })),
            _ if self.is_of_tls() => put(out, tls::value(self, ex)),
            _ => upstream::write(self, ex, out),
        }
    }
}

fn secure(ex: &Exchange) -> bool {
    ex.connection.security.tls().is_some()
}

/// Seconds with milliseconds, as every time variable is written.
pub(super) fn write_seconds(time: std::time::Duration, out: &mut Vec<u8>) -> bool {
    decimal::write(out, time.as_secs(), 1);
    out.push(b'.');
    decimal::write(out, time.subsec_millis().into(), 3);
    true
}

/// The connection as it came in, whomever a trusted peer has named since.
fn real(ex: &Exchange) -> &crate::accept::ConnectionInfo {
    ex.asked_by.as_ref().unwrap_or(&ex.connection)
}

/// What the proxy in front of us said of the connection's ends.
fn told<T: std::fmt::Display>(ex: &Exchange, out: &mut Vec<u8>, which: fn(&Ends) -> T) -> bool {
    let told = ex.connection.told.as_ref().and_then(|told| told.ends);
    told.is_some_and(|ends| show!(out, "{}", which(&ends)))
}

fn port(remote: Option<SocketAddr>, out: &mut Vec<u8>) -> bool {
    match remote {
        Some(remote) => show!(out, "{}", remote.port()),
        None => put(out, Some("")),
    }
}

fn number(number: u64, out: &mut Vec<u8>) -> bool {
    decimal::write(out, number, 1);
    true
}

fn write_forwarded_for(ex: &Exchange, out: &mut Vec<u8>) -> bool {
    for header in ex
        .request
        .head
        .head
        .iter()
        .filter(|h| h.known == Known::XForwardedFor)
    {
        out.extend_from_slice(header.value);
        out.extend_from_slice(b", ");
    }
    put(out, Some(ex.connection.remote_ip()))
}

impl Exchange {
    /// `$host`: from the request line or the Host field, else the server's first name.
    pub(crate) fn host(&self) -> &[u8] {
        if self.request.host.is_empty() {
            self.server.name.as_bytes()
        } else {
            &self.request.host
        }
    }
}

fn family_value(family: Family, name: &[u8], ex: &Exchange) -> Option<Vec<u8>> {
    let request = &ex.request.head.head;
    match family {
        Family::Arg => argument(&ex.request.args, name),
        Family::Cookie => request
            .joined(Known::Cookie, b"; ")
            .and_then(|all| cookie(&all, name)),
        Family::Http => request.by_variable(name, b", "),
        Family::SentHttp => sent(&ex.sent.head, name),
        Family::SentTrailer => sent(&ex.sent.trailers, name),
        Family::UpstreamHttp => ex.upstream_head.as_ref()?.head.by_variable(name, b", "),
        Family::UpstreamTrailer => ex.upstream_trailers.as_ref()?.by_variable(name, b", "),
        Family::UpstreamCookie => upstream::set_cookie(ex, name),
    }
}

/// The value of one query argument, not decoded; names compare without case, as in nginx.
fn argument(args: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    args.split(|&b| b == b'&').find_map(|pair| {
        let (key, value) = pair.split_at(pair.iter().position(|&b| b == b'=')?);
        key.eq_ignore_ascii_case(name).then(|| value[1..].to_vec())
    })
}

pub(super) fn cookie(all: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    all.split(|&b| b == b';').map(trim_spaces).find_map(|pair| {
        let equals = pair.iter().position(|&b| b == b'=')?;
        let (key, value) = (trim_spaces(&pair[..equals]), &pair[equals + 1..]);
        key.eq_ignore_ascii_case(name)
            .then(|| trim_spaces(value).to_vec())
    })
}

/// Spaces only: a tab is part of a name or value here, as in nginx.
fn trim_spaces(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&b| b != b' ').unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|&b| b != b' ')
        .map_or(start, |at| at + 1);
    &text[start..end]
}

/// A field of a head that went out, found in its bytes.
fn sent(head: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut joined: Option<Vec<u8>> = None;
    for line in head.split(|&b| b == b'\n') {
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            continue;
        };
        if head::matches_variable(&line[..colon], name) {
            let value = line[colon + 1..].trim_ascii();
            match &mut joined {
                Some(joined) => {
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(value);
                }
                None => joined = Some(value.to_vec()),
            }
        }
    }
    joined
}
