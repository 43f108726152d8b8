//! Answers: takes what a stage came to (a reply, a peer's head, a fault), decides status line,
//! fields and framing, hands on the bytes to the client.

mod body;
mod error_page;
mod expires;
mod head;
mod reason;
mod reply;

use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use tokio::time::timeout;

pub(crate) use body::{Outgoing, append, end};
pub(crate) use error_page::applies as has_page;
pub(crate) use head::{Source, line, write as write_head};
pub(crate) use reply::{Content, Reply, complete};

use crate::accept::{Client, Gone};
use crate::config::{Level, Template, parse_size};
use crate::exchange::Exchange;
use crate::fault::{Blame, CLIENT_CLOSED, CLOSE_SILENTLY, Fault};
use crate::log;
use crate::pipeline::{Flow, Next};
use crate::worker::Worker;

/// Sends an answer of our own.
pub(crate) async fn reply(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    reply: Reply,
) -> Result<Flow, Fault> {
    // After a fault nothing more is wanted of the client; else a bad body is still its fault.
    if ex.fault.is_none() {
        client.skip_arrived_body()?;
    }
    let outgoing = head::write(worker, ex, client, Source::Own(&reply));
    let body = if outgoing == Outgoing::Nothing {
        Content::Empty
    } else {
        reply.content
    };
    match body {
        Content::Empty => {}
        Content::Bytes(bytes) => body::append(outgoing, ex, client, &bytes),
        Content::File(file, length) => {
            return send_file(ex, client, file.take(length), outgoing).await;
        }
    }
    body::end(outgoing, ex, client, &[]);
    flush(ex, client).await
}

async fn send_file(
    ex: &mut Exchange,
    client: &mut Client,
    mut file: io::Take<std::fs::File>,
    outgoing: Outgoing,
) -> Result<Flow, Fault> {
    set_rate(ex);
    // A slow client is sent little pieces, not a lump and then nothing for long.
    let rate = ex.limit_rate.filter(|&rate| rate > 0);
    let most = rate.map_or(PIECE, |rate| rate.clamp(512, PIECE));
    let mut piece = vec![0; usize::try_from(most).expect("a piece is 64 KiB at most")];
    loop {
        // Files are small and in the page cache here; nginx reads them on the event loop as well.
        let count = file
            .read(&mut piece)
            .map_err(|why| gone(ex, &why.to_string()))?;
        if count == 0 {
            break;
        }
        pace(ex, count).await;
        body::append(outgoing, ex, client, &piece[..count]);
        flush(ex, client).await?;
    }
    body::end(outgoing, ex, client, &[]);
    flush(ex, client).await
}

/// What of a file is read at a time.
const PIECE: u64 = 64 * 1024;

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
        Err(why) => Err(gone(ex, &why.to_string())),
    }
}

fn gone(_: &Exchange, why: &str) -> Fault {
    Fault::client_closed(why.to_owned())
}

impl From<Gone> for Fault {
    fn from(gone: Gone) -> Self {
        Self::client_closed(gone.to_string())
    }
}

/// Turns a fault into its answer: the `error_page` of the location, else our own page. An error
/// here is the end of the exchange.
pub(crate) async fn fault(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    fault: Fault,
) -> Result<Flow, Fault> {
    let fault = match client.skip_arrived_body() {
        Err(worse) if ex.sent.status == 0 && fault.status != CLIENT_CLOSED && !fault.closes => {
            worse
        }
        _ => fault,
    };
    ex.status_overwrite = None;
    note(ex, &fault);
    if fault.status == CLOSE_SILENTLY || fault.status == CLIENT_CLOSED || ex.sent.status != 0 {
        return Err(fault);
    }
    if fault.closes {
        ex.request.keep_alive = false;
    }
    if let Some(flow) = error_page::find(ex, fault.status) {
        return match flow {
            error_page::Page::Inside(flow) => Ok(flow),
            error_page::Page::Elsewhere(answer) => reply(worker, ex, client, answer).await,
        };
    }
    let page = Reply::error(ex, fault.status);
    reply(worker, ex, client, page).await
}

/// Remembers and logs what went wrong.
fn note(ex: &mut Exchange, fault: &Fault) {
    if fault.why.is_empty() {
        return;
    }
    let level = match fault.blame {
        Blame::Client if fault.status == 403 || fault.status == 413 => Level::Error,
        Blame::Client => Level::Info,
        Blame::Upstream | Blame::Us => Level::Error,
    };
    log::exchange_error(ex, level, &fault.why);
    ex.fault = Some(fault.why.clone());
}

// ANCHOR: finish
/// Ends the exchange: settles what the log will say and what becomes of the connection.
pub(crate) async fn finish(
    _: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    result: Result<Flow, Fault>,
) -> Next {
    ex.request.received += client.body_read;
    let settings = std::sync::Arc::clone(&ex.location);
    let settings = &settings.client;
    if let Err(fault) = result {
        if ex.sent.status == 0 {
            ex.sent.status = fault.status;
        }
        if ex.fault.is_none() {
            note(ex, &fault);
        }
        return Next::Close;
    }
    ex.sent.complete = true;
    let unread = !client.body.is_done();
    if ex.request.keep_alive && unread && !discard_body(client, settings.lingering_timeout).await {
        ex.request.keep_alive = false;
    }
    if ex.request.keep_alive {
        return Next::KeepAlive {
            timeout: settings.keepalive_timeout,
        };
    }
    if (unread || ex.fault.is_some() || !client.buffer.is_empty()) && settings.lingering_close {
        return Next::Linger {
            total: settings.lingering_time,
            silence: settings.lingering_timeout,
        };
    }
    Next::Close
}
// ANCHOR_END: finish

/// Reads and drops the rest of a body that nobody wanted, so that the next request can follow.
async fn discard_body(client: &mut Client, silence: Duration) -> bool {
    /// A client that sends more than this after its answer is better off with a new connection.
    const MOST: u64 = 16 << 20;
    // It was told to wait for `100 Continue`, and it never came: what follows is a new request,
    // or the body after all. There is no telling.
    if client.owes_continue && client.buffer.is_empty() {
        return false;
    }
    client.owes_continue = false;
    let start = client.body_read;
    loop {
        match timeout(silence, client.body_data(0, silence)).await {
            Ok(Ok(None)) => return true,
            Ok(Ok(Some(length))) => client.buffer.consume(length),
            _ => return false,
        }
        if client.body_read - start > MOST {
            return false;
        }
    }
}
