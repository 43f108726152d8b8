//! Answers whose body is at hand: our own, and stored ones. Takes head and content, hands on the
//! bytes, as fast as the client takes them and may have them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use super::filter::{self, Cut, Origin, Part};
use super::{Content, Outgoing, Reply, Source, body, head};
use crate::accept::{Client, DENIED};
use crate::config::{ProxySettings, Template, parse_size};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http1::{Framing, ResponseHead};
use crate::pipeline::Flow;
use crate::worker::Worker;

/// What of a file is read at a time.
const PIECE: u64 = 64 * 1024;

/// Sends an answer of our own.
pub(crate) async fn reply(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    mut reply: Reply,
) -> Result<Flow, Fault> {
    if ex.speaks_tls_to_others() {
        return hang_up(ex, client, reply.status).await;
    }
    // After a fault nothing more is wanted of the client; else a bad body is still its fault.
    if ex.fault.is_none() {
        client.skip_arrived_body()?;
    }
    let (outgoing, cut) = head::write(worker, ex, client, Source::Own(&reply))?;
    let content = std::mem::take(&mut reply.content);
    send(worker, ex, client, outgoing, cut, content).await
}

/// A client that never asked a proxy can't be told why in words: it expects TLS, so it gets an alert.
async fn hang_up(ex: &mut Exchange, client: &mut Client, status: u16) -> Result<Flow, Fault> {
    ex.sent.status = status;
    ex.request.keep_alive = false;
    client.out.extend_from_slice(DENIED);
    ex.sent.bytes += DENIED.len() as u64;
    flush(ex, client).await
}

/// Sends a stored answer of a peer's: its head as it came, its body out of a file or memory.
pub(crate) async fn stored(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    answer: &ResponseHead,
    settings: &ProxySettings,
    content: Content,
) -> Result<Flow, Fault> {
    client.skip_arrived_body()?;
    let framing = Framing::Length(content.len());
    let source = Source::Peer(answer, framing, settings, Origin::Stored);
    let (outgoing, cut) = head::write(worker, ex, client, source)?;
    send(worker, ex, client, outgoing, cut, content).await
}

/// Sends the body that `head::write` has promised: the content, or the parts that were cut out of it.
async fn send(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    outgoing: Outgoing,
    cut: Option<Cut>,
    content: Content,
) -> Result<Flow, Fault> {
    if outgoing != Outgoing::Nothing {
        let whole = Part {
            before: Vec::new(),
            start: 0,
            end: content.len(),
        };
        let cut = cut.unwrap_or(Cut {
            parts: vec![whole],
            after: Vec::new(),
        });
        match content {
            Content::Empty => {}
            Content::Bytes(bytes) => {
                for Part { before, start, end } in cut.parts {
                    let index =
                        |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                    append(worker, ex, client, outgoing, &before).await?;
                    append(
                        worker,
                        ex,
                        client,
                        outgoing,
                        &bytes[index(start)..index(end)],
                    )
                    .await?;
                }
            }
            Content::File { file, start, .. } => {
                send_file(worker, ex, client, outgoing, (file, start), cut.parts).await?;
            }
        }
        append(worker, ex, client, outgoing, &cut.after).await?;
    }
    body::end(outgoing, ex, client, &[])?;
    if ex.waits() {
        Box::pin(filter::fill(worker, ex, client)).await?;
    }
    flush(ex, client).await
}

/// Appends bytes, and waits for what a filter wants to put between them.
async fn append(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    outgoing: Outgoing,
    bytes: &[u8],
) -> Result<(), Fault> {
    body::append(outgoing, ex, client, bytes)?;
    if ex.waits() {
        Box::pin(filter::fill(worker, ex, client)).await?;
    }
    Ok(())
}

async fn send_file(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    outgoing: Outgoing,
    (file, offset): (File, u64),
    parts: Vec<Part>,
) -> Result<(), Fault> {
    set_rate(ex);
    // A slow client is sent little pieces, not a lump and then nothing for long.
    let rate = ex.limit_rate.filter(|&rate| rate > 0);
    let most = rate.map_or(PIECE, |rate| rate.clamp(512, PIECE));
    let longest = parts.iter().map(|part| part.end - part.start).max();
    let most = most.min(longest.unwrap_or(0).max(1));
    let mut piece = vec![0; usize::try_from(most).expect("a piece is 64 KiB at most")];
    for Part { before, start, end } in parts {
        append(worker, ex, client, outgoing, &before).await?;
        let (mut at, mut left) = (offset + start, end - start);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            // Files are small and in the page cache here; nginx reads them on the event loop as well.
            let count = file
                .read_at(&mut piece[..wanted], at)
                .map_err(|why| Fault::client_closed(why.to_string()))?;
            if count == 0 {
                // It has shrunk since its length was promised.
                return Err(Fault::client_closed("the file ended early"));
            }
            at += count as u64;
            left -= count as u64;
            pace(ex, count).await;
            append(worker, ex, client, outgoing, &piece[..count]).await?;
            flush(ex, client).await?;
        }
    }
    Ok(())
}

/// The location's `limit_rate` counts unless `set` or a peer's `X-Accel-Limit-Rate` said another.
pub(crate) fn set_rate(ex: &mut Exchange) {
    if ex.limit_rate.is_none() {
        ex.limit_rate = rate(ex, ex.location.client.limit_rate.as_ref());
    }
}

/// Bytes a second; 0, and what is no size, is no limit.
pub(crate) fn rate(ex: &Exchange, template: Option<&Template>) -> Option<u64> {
    let text = String::from_utf8(template?.evaluate(ex)).ok()?;
    parse_size(&text).filter(|&rate| rate > 0)
}

/// Waits so that no more than `limit_rate` bytes a second go out.
pub(crate) async fn pace(ex: &Exchange, next: usize) {
    let Some(rate) = ex.limit_rate.filter(|&rate| rate > 0) else {
        return;
    };
    let free = ex.location.client.limit_rate_after.as_ref();
    let free = free
        .and_then(|free| parse_size(&String::from_utf8(free.evaluate(ex)).ok()?))
        .unwrap_or(0);
    let counted = (ex.sent.body_bytes + next as u64)
        .saturating_sub(free)
        .saturating_sub(rate);
    let due = Duration::from_millis(counted.saturating_mul(1000) / rate.max(1));
    let wait = (ex.started + due).saturating_duration_since(Instant::now());
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Writes what is in `out`.
pub(crate) async fn flush(ex: &mut Exchange, client: &mut Client) -> Result<Flow, Fault> {
    let time = ex.location.client.send_timeout;
    match client.flush(time).await {
        Ok(()) => Ok(Flow::Done),
        Err(why) => Err(why.into()),
    }
}
