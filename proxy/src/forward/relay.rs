//! The answer's body, from peer to client: read as fast as the peer sends (`proxy_buffering on`,
//! in memory up to `proxy_buffers`, then in a file) or as fast as the client takes (`off`).

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::AsyncWrite as _;
use tokio::time::timeout;

use super::wire::{self, Sending};
use crate::accept::Client;
use crate::config::{ProxySettings, UpstreamBlock};
use crate::connect::PeerConnection;
use crate::exchange::Exchange;
use crate::fault::{Blame, CLIENT_CLOSED, Fault};
use crate::http1::framing::Piece;
use crate::http1::{Body, ResponseHead, Stream};
use crate::pipeline::Flow;
use crate::respond::{self, Outgoing};
use crate::upstream::Failure;
use crate::worker::Worker;

pub(super) struct Relay<'a> {
    pub(super) worker: &'a Worker,
    pub(super) settings: &'a ProxySettings,
    pub(super) outgoing: Outgoing,
    pub(super) buffering: bool,
    /// `proxy_limit_rate`, bytes a second from the peer, counted from here.
    pub(super) read_rate: Option<u64>,
    pub(super) since: Instant,
}

enum Event {
    Read(usize),
    Wrote(usize),
    /// Something of the request went to the peer.
    Sent,
}

/// Bytes waiting in a file because memory is full; read back in order.
#[derive(Default)]
struct Overflow {
    file: Option<File>,
    read: u64,
    written: u64,
}

impl Relay<'_> {
    // ANCHOR: relay
    /// Passes the body on; a peer that is done goes back to `keep`'s idle connections at once,
    /// however slow the client is.
    pub(super) async fn run(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: Box<PeerConnection>,
        mut body: Body,
        mut sending: Option<Sending>,
        keep: Option<&UpstreamBlock>,
    ) -> Result<Flow, Fault> {
        let mut peer = Some(peer);
        let mut overflow = Overflow::default();
        let (mut written, mut gone) = (0, None);
        loop {
            if let Some(open) = &mut peer
                && !ex.waits()
                && self.take(ex, client, open, &mut body, &mut overflow)?
            {
                // A request that was not sent whole leaves its connection in the middle of it.
                let keep = keep.filter(|_| sending.is_none());
                self.finish_peer(ex, client, peer.take(), &body, &mut overflow, keep)?;
            }
            overflow
                .refill(client, &mut written)
                .map_err(|why| overflow_failed(&why))?;
            let waiting = client.out.len() - written;
            if waiting == 0 {
                client.out.clear();
                written = 0;
                if ex.waits() {
                    Box::pin(respond::fill(self.worker, ex, client)).await?;
                    continue;
                }
                if peer.is_none() {
                    return gone.map_or(Ok(Flow::Done), Err);
                }
            }
            respond::pace(ex, 0).await;
            self.pace_reading(ex, peer.is_some()).await;
            let event = self.step(ex, client, &mut peer, &mut sending, written, &overflow);
            match event.await {
                Ok(Event::Sent) => {}
                Ok(Event::Wrote(count)) => written += count,
                Ok(Event::Read(0)) => Self::peer_closed(&mut body)?,
                // What is being stored is wanted by others, whoever goes away.
                Err(fault) if fault.status == CLIENT_CLOSED && is_stored(ex) && gone.is_none() => {
                    gone = Some(fault);
                    client.stream = Stream::Nowhere;
                }
                Err(fault) => return Err(fault),
                Ok(Event::Read(count)) => wire::last_try(ex).received += count as u64,
            }
        }
    }
    // ANCHOR_END: relay

    async fn pace_reading(&self, ex: &mut Exchange, reading: bool) {
        let Some(rate) = self.read_rate.filter(|_| reading) else {
            return;
        };
        let received = wire::last_try(ex).body_received;
        let due = self.since + Duration::from_millis(received.saturating_mul(1000) / rate);
        tokio::time::sleep_until(due.into()).await;
    }

    /// Frames what the peer's buffer holds for the client; `true` is the end of the body.
    fn take(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: &mut PeerConnection,
        body: &mut Body,
        overflow: &mut Overflow,
    ) -> Result<bool, Fault> {
        loop {
            let piece = body.next(peer.buffer.filled()).map_err(|why| {
                let why = format!("upstream {why} while reading upstream");
                Fault::upstream(502, Failure::ReadError, why)
            })?;
            match piece {
                Piece::Data { skip, length } => {
                    peer.buffer.consume(skip);
                    wire::last_try(ex).body_received += length as u64;
                    let data = &peer.buffer.filled()[..length];
                    if let Some(caching) = &mut ex.caching {
                        caching.take(data);
                    }
                    // What a filter unpacks may be a thousand times longer.
                    let gulp = if ex.chain.is_some() {
                        GULP
                    } else {
                        length.max(1)
                    };
                    for data in data.chunks(gulp) {
                        overflow.guard(client, |client| {
                            respond::append(self.outgoing, ex, client, data)
                        })?;
                    }
                    peer.buffer.consume(length);
                    if ex.waits() {
                        return Ok(false);
                    }
                }
                Piece::More { skip } => {
                    peer.buffer.consume(skip);
                    if !self.buffering && ex.chain.is_some() {
                        overflow.guard(client, |client| respond::flush_filters(ex, client))?;
                    }
                    return Ok(false);
                }
                Piece::End { skip } => {
                    peer.buffer.consume(skip);
                    return Ok(true);
                }
            }
        }
    }

    fn finish_peer(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: Option<Box<PeerConnection>>,
        body: &Body,
        overflow: &mut Overflow,
        keep: Option<&UpstreamBlock>,
    ) -> Result<(), Fault> {
        if let Some(caching) = &mut ex.caching {
            caching.finish();
        }
        let mut passed = Vec::new();
        if !body.trailers().is_empty() {
            let trailers = ResponseHead::trailers(body.trailers());
            if self.settings.pass_trailers {
                for trailer in trailers.iter() {
                    respond::line(&mut passed, trailer.name, trailer.value);
                }
            }
            ex.upstream_trailers = Some(trailers);
        }
        overflow.guard(client, |client| {
            respond::end(self.outgoing, ex, client, &passed)
        })?;
        match (peer, keep) {
            (Some(peer), Some(block)) => peer.keep(self.worker, block),
            (Some(peer), None) => peer.discard(self.worker),
            (None, _) => {}
        }
        Ok(())
    }

    /// Waits for the client to take something or the peer to send something.
    async fn step(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: &mut Option<Box<PeerConnection>>,
        sending: &mut Option<Sending>,
        written: usize,
        overflow: &Overflow,
    ) -> Result<Event, Fault> {
        let waiting = client.out.len() - written;
        let room = if self.buffering {
            waiting < self.settings.buffers || overflow.has_room(self.settings.max_temp_file_size)
        } else {
            waiting == 0
        };
        let reading = peer.is_some() && room && !ex.waits();
        let limit = if waiting > 0 {
            ex.location.client.send_timeout
        } else {
            self.settings.read_timeout
        };
        let event = poll_fn(|cx| {
            if let (Some(open), Some(rest)) = (peer.as_mut(), sending.as_mut())
                && let Poll::Ready(ended) = rest.poll_rest(ex, client, open, cx)?
            {
                if ended {
                    *sending = None;
                }
                return Poll::Ready(Ok(Event::Sent));
            }
            poll_step(client, peer, written, reading, cx)
        });
        match timeout(limit, event).await {
            Ok(event) => event,
            Err(_) if waiting > 0 => Err(Fault::client_closed("client timed out")),
            Err(_) => {
                let why = "upstream timed out while reading upstream";
                Err(Fault::upstream(504, Failure::Timeout, why))
            }
        }
    }

    /// The end of the connection is the end of a body only where nothing else says so.
    fn peer_closed(body: &mut Body) -> Result<(), Fault> {
        if matches!(body, Body::Close) {
            *body = Body::Done;
            return Ok(());
        }
        let why = "upstream prematurely closed connection while reading upstream";
        Err(Fault::upstream(502, Failure::ReadError, why))
    }
}

fn overflow_failed(why: &io::Error) -> Fault {
    Fault::new(
        500,
        Blame::Us,
        format!("a buffered response could not be stored ({why})"),
    )
}

fn is_stored(ex: &Exchange) -> bool {
    ex.caching
        .as_ref()
        .is_some_and(|caching| caching.is_storing())
}

fn poll_step(
    client: &mut Client,
    peer: &mut Option<Box<PeerConnection>>,
    written: usize,
    reading: bool,
    cx: &mut Context<'_>,
) -> Poll<Result<Event, Fault>> {
    if written < client.out.len() {
        match Pin::new(&mut client.stream).poll_write(cx, &client.out[written..]) {
            Poll::Ready(Ok(0)) => {
                return Poll::Ready(Err(Fault::client_closed("client takes nothing")));
            }
            Poll::Ready(Ok(count)) => return Poll::Ready(Ok(Event::Wrote(count))),
            Poll::Ready(Err(why)) => {
                return Poll::Ready(Err(Fault::client_closed(why.to_string())));
            }
            Poll::Pending => {}
        }
    }
    if let Some(peer) = peer.as_mut().filter(|_| reading) {
        match peer.buffer.poll_fill(&mut peer.stream, cx) {
            Poll::Ready(Ok(count)) => return Poll::Ready(Ok(Event::Read(count))),
            Poll::Ready(Err(why)) => {
                let why = format!("recv() failed ({why}) while reading upstream");
                return Poll::Ready(Err(Fault::upstream(502, Failure::ReadError, why)));
            }
            Poll::Pending => {}
        }
    }
    Poll::Pending
}

/// What a filter is given at a time.
const GULP: usize = 4096;

/// Memory holds this much while a file holds the rest.
const IN_MEMORY: usize = 256 * 1024;

impl Overflow {
    fn has_room(&self, limit: u64) -> bool {
        self.written - self.read < limit
    }

    /// Lets `write` append to the client's output; what would grow it past its share goes to the
    /// file, behind what is there already.
    fn guard(
        &mut self,
        client: &mut Client,
        write: impl FnOnce(&mut Client) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let before = client.out.len();
        write(client)?;
        if self.file.is_none() && client.out.len() <= IN_MEMORY {
            return Ok(());
        }
        self.store(client, before)
            .map_err(|why| overflow_failed(&why))
    }

    fn store(&mut self, client: &mut Client, from: usize) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile()?),
        };
        file.write_all_at(&client.out[from..], self.written)?;
        self.written += (client.out.len() - from) as u64;
        client.out.truncate(from);
        Ok(())
    }

    /// Brings bytes back once memory is empty.
    fn refill(&mut self, client: &mut Client, written: &mut usize) -> io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| *written == client.out.len()) else {
            return Ok(());
        };
        let left = usize::try_from(self.written - self.read)
            .unwrap_or(IN_MEMORY)
            .min(IN_MEMORY / 4);
        client.out.clear();
        *written = 0;
        if left == 0 {
            // Everything is back: memory is enough again.
            self.file = None;
            (self.read, self.written) = (0, 0);
            return Ok(());
        }
        client.out.resize(left, 0);
        file.read_exact_at(&mut client.out, self.read)?;
        self.read += left as u64;
        Ok(())
    }
}
