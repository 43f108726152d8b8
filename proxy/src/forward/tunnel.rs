//! `101 Switching Protocols` (RFC 9110 section 7.8): from then on bytes go both ways, whatever
//! they mean, until either side ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::time::timeout;

use super::wire;
use crate::accept::Client;
use crate::config::ProxySettings;
use crate::connect::PeerConnection;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http1::{Buffer, Known, Stream};
use crate::pipeline::Flow;
use crate::respond;
use crate::worker::Worker;

/// Whether the client wanted to switch, and the peer was told so.
pub(super) fn was_asked_for(ex: &Exchange, settings: &ProxySettings) -> bool {
    let wanted = ex.request.head.head.get(Known::Upgrade).is_some();
    wanted
        && settings
            .set_headers
            .iter()
            .any(|(name, _)| name.known == Known::Upgrade)
}

/// Passes the 101 on, then the bytes.
pub(super) async fn upgrade(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    peer: Box<PeerConnection>,
    settings: &ProxySettings,
) -> Result<Flow, Fault> {
    write_head(ex, client);
    respond::flush(ex, client).await?;
    let rules = Rules {
        idle: settings.read_timeout,
        stuck: settings.read_timeout,
        // A side that has ended ends the tunnel, as in nginx.
        half_closed: false,
    };
    pass_bytes(worker, ex, client, peer, rules).await;
    Ok(Flow::Done)
}

/// When a tunnel ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Nothing has moved for so long.
    pub(super) idle: Duration,
    /// Nothing has moved for so long although the peer owes it to take something.
    pub(super) stuck: Duration,
    /// A side that has said all may still listen: its end is passed on, and the other way goes on.
    pub(super) half_closed: bool,
}

/// Passes bytes both ways until the tunnel ends, or the time that an old configuration has left; counts them either way.
pub(super) async fn pass_bytes(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    mut peer: Box<PeerConnection>,
    rules: Rules,
) {
    ex.request.keep_alive = false;
    let _open = worker.counters().tunnel();
    let retired = ex.config.retired.clone();
    let grace = ex.config.core.shutdown_timeout;
    let end = async {
        retired.cancelled().await;
        match grace {
            Some(grace) => tokio::time::sleep(grace).await,
            None => std::future::pending().await,
        }
    };
    // Tunnels are many, long and mostly silent: one that waits holds no memory but its own state.
    worker.give_out(std::mem::take(&mut client.out));
    let mut ways = Ways::default();
    tokio::select! {
        () = ways.run(worker, client, &mut peer, rules) => {}
        () = end => {}
    }
    ex.sent.bytes += ways.down.bytes;
    ex.sent.body_bytes += ways.down.bytes;
    let one = wire::last_try(ex);
    one.received += ways.down.bytes;
    one.sent += ways.up.bytes;
    peer.discard(worker);
}

fn write_head(ex: &mut Exchange, client: &mut Client) {
    let Some(answer) = ex.upstream_head.as_ref() else {
        return;
    };
    let start = client.out.len();
    let out = &mut client.out;
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    respond::line(out, b"Server", crate::cli::SERVER.as_bytes());
    crate::clock::with(|now| respond::line(out, b"Date", now.http().as_bytes()));
    out.extend_from_slice(b"Connection: upgrade\r\n");
    for header in answer.head.iter() {
        match header.known {
            Known::Connection
            | Known::Server
            | Known::Date
            | Known::KeepAlive
            | Known::TransferEncoding
            | Known::ContentLength => {}
            _ => respond::line(out, header.name, header.value),
        }
    }
    out.extend_from_slice(b"\r\n");
    ex.sent.status = 101;
    if ex.notes.is_some() {
        ex.sent.head = client.out[start..].to_vec();
    }
    ex.sent.bytes += (client.out.len() - start) as u64;
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    state: State,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The source has ended; what it said last and its end are on their way.
    Ending,
    /// All of it is through.
    Done,
    /// A side is gone: nothing more can pass either way.
    Broken,
}

impl Way {
    /// Moves what can be moved, with memory that is borrowed for as long as bytes are in it; ready after progress.
    fn poll(
        &mut self,
        worker: &Worker,
        (buffer, source): (&mut Buffer, &mut Stream),
        to: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if matches!(self.state, State::Done | State::Broken) {
            return Poll::Pending;
        }
        if !buffer.has_memory() {
            buffer.lend(worker.buffer_memory());
        }
        let moved = self.move_bytes(buffer, source, to, cx);
        if let Some(memory) = buffer.release() {
            worker.give_back(memory);
        }
        moved
    }

    fn move_bytes(
        &mut self,
        buffer: &mut Buffer,
        source: &mut Stream,
        to: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if buffer.is_empty() && self.state == State::Open {
            match ready!(buffer.poll_fill(source, cx)) {
                Ok(0) => self.state = State::Ending,
                Ok(_) => {}
                Err(_) => {
                    self.state = State::Broken;
                    return Poll::Ready(());
                }
            }
        }
        if buffer.is_empty() {
            let said = ready!(Pin::new(to).poll_shutdown(cx));
            self.state = said.map_or(State::Broken, |()| State::Done);
            return Poll::Ready(());
        }
        match ready!(Pin::new(to).poll_write(cx, buffer.filled())) {
            Ok(count) if count > 0 => {
                buffer.consume(count);
                self.bytes += count as u64;
            }
            _ => self.state = State::Broken,
        }
        Poll::Ready(())
    }
}

/// To the client, and to the peer.
#[derive(Debug, Default)]
struct Ways {
    down: Way,
    up: Way,
}

impl Ways {
    async fn run(
        &mut self,
        worker: &Worker,
        client: &mut Client,
        peer: &mut PeerConnection,
        rules: Rules,
    ) {
        while !self.ended(rules) {
            let limit = if client.buffer.is_empty() {
                rules.idle
            } else {
                rules.stuck
            };
            let moved = poll_fn(|cx| {
                let to_client = (&mut peer.buffer, &mut peer.stream);
                let down = self.down.poll(worker, to_client, &mut client.stream, cx);
                let to_peer = (&mut client.buffer, &mut client.stream);
                let up = self.up.poll(worker, to_peer, &mut peer.stream, cx);
                if down.is_ready() || up.is_ready() {
                    return Poll::Ready(());
                }
                Poll::Pending
            });
            if timeout(limit, moved).await.is_err() {
                return;
            }
        }
    }

    fn ended(&self, rules: Rules) -> bool {
        let ways = [&self.down, &self.up];
        let through = |way: &&Way| way.state == State::Done;
        let broken = ways.iter().any(|way| way.state == State::Broken);
        let done = ways.iter().copied().filter(|way| through(way)).count();
        broken || done == 2 || (done == 1 && !rules.half_closed)
    }
}
