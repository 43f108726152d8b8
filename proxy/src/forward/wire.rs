//! Both directions of a peer's connection at once: the request goes out while the answer's head
//! may already come in, and the client may go away meanwhile.

use std::future::poll_fn;
use std::io;
use std::io::Write as _;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite as _;
use tokio::time::timeout;

use super::request::BodyPlan;
use crate::accept::Client;
use crate::body::Spool;
use crate::config::ProxySettings;
use crate::connect::PeerConnection;
use crate::exchange::{Exchange, Try};
use crate::fault::{Blame, Fault};
use crate::http1::ResponseHead;
use crate::upstream::Failure;

/// Bytes of a held body that are on their way at a time.
const PIECE: usize = 64 * 1024;

pub(super) fn last_try(ex: &mut Exchange) -> &mut Try {
    if ex.tries.is_empty() {
        ex.tries.push(Try::default());
    }
    let last = ex.tries.len() - 1;
    &mut ex.tries[last]
}

/// A request on its way out.
#[derive(Debug)]
pub(super) struct Sending {
    out: Vec<u8>,
    written: usize,
    plan: BodyPlan,
    /// Bytes of the held body that were taken so far.
    taken: u64,
    /// The head waits for what has come of a streamed body already: one system call, and one packet.
    head_waits: bool,
}

/// What one round of waiting came to.
enum Event {
    Wrote,
    Sent,
    /// The peer takes no more; it may still have answered.
    WriteFailed,
    Read(usize),
}

impl Sending {
    pub(super) fn new(out: Vec<u8>, plan: BodyPlan) -> Self {
        Self {
            out,
            written: 0,
            plan,
            taken: 0,
            head_waits: matches!(plan, BodyPlan::Streamed { .. }),
        }
    }

    /// The memory, for the next request.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.out
    }

    /// A small body goes with the head: one system call, and one packet.
    pub(super) fn with_small_body(mut self, body: Option<&Spool>) -> Self {
        if let (BodyPlan::Held(length), Some(bytes)) = (self.plan, body.and_then(Spool::in_memory))
            && bytes.len() <= PIECE / 4
        {
            self.out.extend_from_slice(bytes);
            self.taken = length;
            self.plan = BodyPlan::None;
        }
        self
    }

    pub(super) fn is_done(&self) -> bool {
        self.written == self.out.len() && matches!(self.plan, BodyPlan::None | BodyPlan::Own)
    }

    /// Goes on with a body whose answer has begun already; ready with `true` at its end.
    pub(super) fn poll_rest(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: &mut PeerConnection,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, Fault>> {
        let event = ready!(self.poll(ex, client, peer, cx))?;
        Poll::Ready(Ok(!matches!(event, Event::Wrote)))
    }

    /// Writes what can be written; ready after progress, or at the end.
    fn poll(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: &mut PeerConnection,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Event, Fault>> {
        if mem::take(&mut self.head_waits) {
            // Nothing may have come yet: the head goes alone then.
            if let Poll::Ready(Err(fault)) = self.refill(ex, client, cx) {
                return Poll::Ready(Err(fault));
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
            match self.refill(ex, client, cx) {
                Poll::Ready(Ok(())) if self.out.is_empty() => return Poll::Ready(Ok(Event::Sent)),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => return Poll::Pending,
            }
        }
        match Pin::new(&mut peer.stream).poll_write(cx, &self.out[self.written..]) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Ok(Event::WriteFailed)),
            Poll::Ready(Ok(count)) => {
                self.written += count;
                last_try(ex).sent += count as u64;
                Poll::Ready(Ok(if self.is_done() {
                    Event::Sent
                } else {
                    Event::Wrote
                }))
            }
        }
    }

    /// Takes the next piece of the body; none is its end.
    fn refill(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        match self.plan {
            BodyPlan::None | BodyPlan::Own => Poll::Ready(Ok(())),
            BodyPlan::Held(length) => {
                let Some(body) = ex.request.body.as_ref().filter(|_| self.taken < length) else {
                    self.plan = BodyPlan::None;
                    return Poll::Ready(Ok(()));
                };
                let read = body.read_at(self.taken, PIECE, &mut self.out);
                Poll::Ready(read.map(|count| self.taken += count as u64).map_err(|why| {
                    Fault::new(
                        500,
                        Blame::Us,
                        format!("the stored request body could not be read ({why})"),
                    )
                }))
            }
            BodyPlan::Streamed { chunked } => self.refill_streamed(ex, client, chunked, cx),
        }
    }

    fn refill_streamed(
        &mut self,
        ex: &Exchange,
        client: &mut Client,
        chunked: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        let limit = ex.location.client.max_body_size;
        let mut data = Vec::new();
        // What has come in several chunks goes out as one.
        while data.len() < PIECE {
            match client.poll_body_data(limit, cx) {
                Poll::Ready(Ok(Some(length))) => {
                    data.extend_from_slice(&client.buffer.filled()[..length]);
                    client.buffer.consume(length);
                }
                Poll::Ready(Ok(None)) => {
                    self.plan = BodyPlan::None;
                    break;
                }
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending if data.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if !chunked {
            self.out.extend_from_slice(&data);
            return Poll::Ready(Ok(()));
        }
        if !data.is_empty() {
            // Writing to a vector can't fail.
            let _ = write!(self.out, "{:x}\r\n", data.len());
            self.out.extend_from_slice(&data);
            self.out.extend_from_slice(b"\r\n");
        }
        if matches!(self.plan, BodyPlan::None) {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        Poll::Ready(Ok(()))
    }
}

// ANCHOR: exchange_heads
/// Sends the request and reads until the head of a final answer is there.
pub(super) async fn exchange_heads(
    ex: &mut Exchange,
    client: &mut Client,
    peer: &mut PeerConnection,
    sending: &mut Sending,
    answer: &mut ResponseHead,
    settings: &ProxySettings,
) -> Result<(), Fault> {
    let mut writing = true;
    if matches!(sending.plan, BodyPlan::Streamed { .. }) {
        client.pay_continue(ex.location.client.send_timeout).await?;
    }
    loop {
        let limit = if writing {
            settings.send_timeout
        } else {
            settings.read_timeout
        };
        let event = poll_fn(|cx| poll_event(ex, client, peer, sending, writing, settings, cx));
        match timeout(limit, event).await {
            Err(_) => return Err(timed_out(writing)),
            Ok(Err(fault)) => return Err(fault),
            Ok(Ok(Event::Wrote)) => {}
            Ok(Ok(Event::Sent | Event::WriteFailed)) => writing = false,
            Ok(Ok(Event::Read(0))) => {
                let why = "upstream prematurely closed connection while reading response header from upstream";
                return Err(Fault::upstream(502, Failure::ReadError, why));
            }
            Ok(Ok(Event::Read(count))) => {
                last_try(ex).received += count as u64;
                if parse(peer, answer, settings)? {
                    return Ok(());
                }
            }
        }
    }
}
// ANCHOR_END: exchange_heads

fn poll_event(
    ex: &mut Exchange,
    client: &mut Client,
    peer: &mut PeerConnection,
    sending: &mut Sending,
    writing: bool,
    settings: &ProxySettings,
    cx: &mut Context<'_>,
) -> Poll<Result<Event, Fault>> {
    if writing && let Poll::Ready(event) = sending.poll(ex, client, peer, cx) {
        return Poll::Ready(event);
    }
    match peer.buffer.poll_fill(&mut peer.stream, cx) {
        Poll::Ready(Ok(count)) => return Poll::Ready(Ok(Event::Read(count))),
        Poll::Ready(Err(why)) => return Poll::Ready(Err(read_failed(&why))),
        Poll::Pending => {}
    }
    let wanted = ex
        .caching
        .as_ref()
        .is_some_and(|caching| caching.wants_answer());
    let watch = !settings.ignore_client_abort && !wanted && client.body.is_done();
    if watch && client.poll_closed(cx).is_ready() {
        let why = "client prematurely closed connection, so upstream connection is closed too";
        return Poll::Ready(Err(Fault::client_closed(why)));
    }
    Poll::Pending
}

fn read_failed(why: &io::Error) -> Fault {
    let why = format!("recv() failed ({why}) while reading response header from upstream");
    Fault::upstream(502, Failure::ReadError, why)
}

fn timed_out(writing: bool) -> Fault {
    let doing = if writing {
        "sending request to"
    } else {
        "reading response header from"
    };
    Fault::upstream(
        504,
        Failure::Timeout,
        format!("upstream timed out while {doing} upstream"),
    )
}

/// Parses what has come; `true` is a final head. Interim answers (1xx but 101) end here.
fn parse(
    peer: &mut PeerConnection,
    answer: &mut ResponseHead,
    settings: &ProxySettings,
) -> Result<bool, Fault> {
    loop {
        let parsed = answer.parse(peer.buffer.filled()).map_err(|why| {
            let why = format!("{why} while reading response header from upstream");
            Fault::upstream(502, Failure::InvalidHeader, why)
        })?;
        let Some(end) = parsed else {
            if peer.buffer.filled().len() >= settings.buffer_size {
                let why =
                    "upstream sent too big header while reading response header from upstream";
                return Err(Fault::upstream(502, Failure::InvalidHeader, why));
            }
            return Ok(false);
        };
        peer.buffer.consume(end);
        if !matches!(answer.status, 100 | 102..=199) {
            return Ok(true);
        }
        if peer.buffer.is_empty() {
            return Ok(false);
        }
    }
}
