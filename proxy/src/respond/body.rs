//! The body of an answer, framed as its head promised.

use std::io::Write as _;

use super::head::line;
use crate::accept::Client;
use crate::config::AddHeader;
use crate::exchange::Exchange;
use crate::fault::Fault;

/// How the body of an answer is framed towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// No body, whatever the head says of its length.
    Nothing,
    Length,
    Chunked,
    Close,
}

/// Appends a piece of the body, filtered and framed.
pub(crate) fn append(
    outgoing: Outgoing,
    ex: &mut Exchange,
    client: &mut Client,
    bytes: &[u8],
) -> Result<(), Fault> {
    if let Some(mut chain) = ex.chain.take() {
        let taken = chain.take(ex, client, bytes);
        ex.chain = Some(chain);
        return taken;
    }
    frame(outgoing, ex, client, bytes);
    Ok(())
}

/// Has every filter give what it holds back, for a client that should not wait for more.
pub(crate) fn flush_filters(ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
    let Some(mut chain) = ex.chain.take() else {
        return Ok(());
    };
    let flushed = chain.flush(ex, client);
    ex.chain = Some(chain);
    flushed
}

/// Appends bytes as the client gets them.
pub(super) fn frame(outgoing: Outgoing, ex: &mut Exchange, client: &mut Client, bytes: &[u8]) {
    let out = &mut client.out;
    let before = out.len();
    match outgoing {
        Outgoing::Nothing => return,
        _ if bytes.is_empty() => return,
        Outgoing::Length | Outgoing::Close => out.extend_from_slice(bytes),
        Outgoing::Chunked => {
            let _ = write!(out, "{:x}\r\n", bytes.len());
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        }
    }
    let count = (out.len() - before) as u64;
    ex.sent.bytes += count;
    ex.sent.body_bytes += count;
}

/// Ends the body; `trailers` are field lines of the peer's that are passed on.
pub(crate) fn end(
    outgoing: Outgoing,
    ex: &mut Exchange,
    client: &mut Client,
    trailers: &[u8],
) -> Result<(), Fault> {
    if let Some(mut chain) = ex.chain.take() {
        let ended = chain.end(ex, client, trailers);
        ex.chain = Some(chain);
        if !ended? {
            return Ok(());
        }
    }
    last_chunk(outgoing, ex, client, trailers);
    Ok(())
}

pub(super) fn last_chunk(
    outgoing: Outgoing,
    ex: &mut Exchange,
    client: &mut Client,
    trailers: &[u8],
) {
    if outgoing != Outgoing::Chunked {
        return;
    }
    let mut section = trailers.to_vec();
    let location = std::sync::Arc::clone(&ex.location);
    for AddHeader {
        name,
        value,
        always,
    } in &location.add_trailers
    {
        let usual = matches!(
            ex.sent.status,
            200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
        );
        let value = value.evaluate(ex);
        if (usual || *always) && !value.is_empty() {
            line(&mut section, name, &value);
            if ex.config.keeps_sent_head {
                ex.sent.trailers.clone_from(&section);
            }
        }
    }
    let before = client.out.len();
    client.out.extend_from_slice(b"0\r\n");
    client.out.extend_from_slice(&section);
    client.out.extend_from_slice(b"\r\n");
    let count = (client.out.len() - before) as u64;
    ex.sent.bytes += count;
    ex.sent.body_bytes += count;
}
