//! Answers: takes what a stage came to (a reply, a peer's head, a fault), decides status line,
//! fields and framing, hands on the bytes to the client.

mod body;
mod error_page;
mod expires;
mod filter;
mod head;
mod reason;
mod reply;
mod send;
mod stub_status;

use std::time::Duration;

use tokio::time::timeout;

pub(crate) use body::{Outgoing, append, end, flush_filters};
pub(crate) use error_page::applies as has_page;
pub(crate) use filter::slice::{NextSlice, range as slice_range};
pub(crate) use filter::ssi::{self, Page, date};
pub(crate) use filter::{Chain, Origin, accepts_gzip, fill};
pub(crate) use head::{Source, line, write as write_head};
pub(crate) use reply::{Content, Reply, complete};
pub(crate) use send::{flush, pace, rate, reply, set_rate, stored};
pub(crate) use stub_status::stub_status;

use crate::accept::{Client, Gone};
use crate::config::Level;
use crate::exchange::Exchange;
use crate::fault::{Blame, CLIENT_CLOSED, CLOSE_SILENTLY, Fault};
use crate::log;
use crate::pipeline::{Flow, Next};
use crate::worker::Worker;

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
    if ex.sub.quiet && !has_page(ex, fault.status) {
        return Err(fault);
    }
    if let Some(flow) = error_page::find(ex, fault.status) {
        return match flow {
            error_page::Page::Inside(flow) => Ok(flow),
            error_page::Page::Elsewhere(answer) => reply(worker, ex, client, answer).await,
        };
    }
    let mut page = Reply::error(ex, fault.status);
    if fault.bare {
        page.content = Content::Empty;
    }
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
