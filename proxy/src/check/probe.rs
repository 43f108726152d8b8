//! One check of one peer: a request of our own, and what is wrong with the answer.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::Check;
use super::expect::{self, MOST_BODY};
use crate::config::Target;
use crate::connect;
use crate::http1::framing::{self, Framing, Piece};
use crate::http1::{Body, Known, ResponseHead, Stream, Version, head};
use crate::upstream::{Address, Peer};

const MOST_HEAD: usize = 64 * 1024;

/// A connection that may be used for the next check.
pub(super) struct Kept {
    stream: Stream,
    since: Instant,
}

pub(super) async fn ask(check: &Check, peer: &Peer, kept: &mut Option<Kept>) -> Result<(), String> {
    let asked = timeout(check.patience(), converse(check, peer, kept)).await;
    asked.unwrap_or_else(|_| Err("timed out".to_owned()))
}

async fn converse(check: &Check, peer: &Peer, kept: &mut Option<Kept>) -> Result<(), String> {
    let now = Instant::now();
    let may_use = |kept: &Kept| {
        let time = check.keepalive_time.unwrap_or_default();
        now.saturating_duration_since(kept.since) < time
    };
    let mut known = kept.take().filter(may_use);
    // What speaks without being asked has closed, or says something that belongs to no check.
    if known
        .as_mut()
        .is_some_and(|known| known.stream.looks_readable())
    {
        known = None;
    }
    let mut connection = match known {
        Some(known) => known,
        None => Kept {
            stream: open(check, peer).await?,
            since: now,
        },
    };
    let broken = |why: std::io::Error| why.kind().to_string();
    let request = request(check);
    connection
        .stream
        .write_all(&request)
        .await
        .map_err(broken)?;
    let (answer, rest) = read_head(&mut connection.stream).await?;
    let framing = framing::of_response(&answer, false).map_err(|why| format!("it {why}"))?;
    let needs_body = check
        .expected
        .as_ref()
        .is_some_and(|wanted| wanted.needs_body());
    let (mut body, mut is_whole) = (Vec::new(), framing == Framing::None);
    if needs_body || check.keepalive_time.is_some() {
        (body, is_whole) = read_body(&mut connection.stream, framing, rest).await?;
    }
    if check.keepalive_time.is_some() && is_whole && keeps_alive(&answer, framing) {
        *kept = Some(connection);
    }
    let objection = match &check.expected {
        Some(wanted) => wanted.objection(&answer, &body),
        None => expect::default_objection(&answer),
    };
    objection.map_or(Ok(()), Err)
}

async fn open(check: &Check, peer: &Peer) -> Result<Stream, String> {
    let mut address = peer.address.clone().ok_or("it has no address")?;
    if let (Address::Tcp(address), Some(port)) = (&mut address, check.port) {
        address.set_port(port);
    }
    let stream = connect::open(&address, None).await;
    let stream = stream.map_err(|why| why.kind().to_string())?;
    let Some(tls) = check.pass.tls.as_ref().filter(|_| check.is_https) else {
        return Ok(stream);
    };
    let name = tls.name.as_ref().and_then(|name| name.constant());
    let name = name.map_or_else(
        || host(check),
        |name| String::from_utf8_lossy(&name).into_owned(),
    );
    let name = connect::without_port(name);
    let secured = tls.settings.connect(stream, &name).await;
    secured.map_err(|why| why.to_string())
}

/// `$proxy_host`.
fn host(check: &Check) -> String {
    match &check.pass.target {
        Target::Fixed { host, .. } => host.to_string(),
        Target::Variable { .. } => check.upstream.upstream.name().to_owned(),
    }
}

/// As the location would ask, without what only a client's request could tell.
fn request(check: &Check) -> Vec<u8> {
    let settings = &check.pass.settings;
    let constant = settings.host.as_ref().and_then(|host| host.constant());
    let host = constant.unwrap_or_else(|| host(check).into_bytes());
    let mut out = format!("GET {} HTTP/1.1\r\nHost: ", check.uri).into_bytes();
    out.extend_from_slice(&host);
    out.extend_from_slice(b"\r\n");
    for (name, value) in &settings.set_headers {
        let value = value.constant().filter(|value| !value.is_empty());
        let is_ours = matches!(name.known, Known::Connection | Known::ContentLength);
        if let Some(value) = value.filter(|_| !is_ours) {
            out.extend_from_slice(&name.text);
            out.extend_from_slice(b": ");
            out.extend_from_slice(&value);
            out.extend_from_slice(b"\r\n");
        }
    }
    let connection: &[u8] = match check.keepalive_time {
        Some(_) => b"Connection: keep-alive\r\n\r\n",
        None => b"Connection: close\r\n\r\n",
    };
    out.extend_from_slice(connection);
    out
}

/// The head of the final answer, and what came after it.
async fn read_head(stream: &mut Stream) -> Result<(ResponseHead, Vec<u8>), String> {
    let (mut head, mut bytes) = (ResponseHead::default(), Vec::new());
    loop {
        match head.parse(&bytes) {
            Ok(Some(end)) => {
                bytes.drain(..end);
                if !matches!(head.status, 100..=199) {
                    return Ok((head, bytes));
                }
            }
            Ok(None) if bytes.len() < MOST_HEAD => read(stream, &mut bytes).await?,
            Ok(None) => return Err("its header is too big".to_owned()),
            Err(why) => return Err(why.to_string()),
        }
    }
}

/// As much of the body as is looked at, and whether that is all of it.
async fn read_body(
    stream: &mut Stream,
    framing: Framing,
    mut bytes: Vec<u8>,
) -> Result<(Vec<u8>, bool), String> {
    let (mut body, mut found) = (Body::new(framing), Vec::new());
    loop {
        let piece = body
            .next(&bytes)
            .map_err(|_| "its body is malformed".to_owned())?;
        match piece {
            Piece::Data { skip, length } => {
                found.extend_from_slice(&bytes[skip..skip + length]);
                bytes.drain(..skip + length);
                if found.len() >= MOST_BODY {
                    found.truncate(MOST_BODY);
                    return Ok((found, false));
                }
            }
            Piece::End { skip } => return Ok((found, skip == bytes.len())),
            Piece::More { skip } => {
                bytes.drain(..skip);
                match read(stream, &mut bytes).await {
                    Err(_) if framing == Framing::Close => return Ok((found, false)),
                    read => read?,
                }
            }
        }
    }
}

async fn read(stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<(), String> {
    match stream.read_buf(bytes).await {
        Ok(0) => Err("connection closed before the whole response came".to_owned()),
        Ok(_) => Ok(()),
        Err(why) => Err(why.kind().to_string()),
    }
}

fn keeps_alive(answer: &ResponseHead, framing: Framing) -> bool {
    let mut values = answer.head.iter().filter(|h| h.known == Known::Connection);
    answer.version == Version::Http11
        && framing != Framing::Close
        && !values.any(|header| head::has_token(header.value, b"close"))
}
