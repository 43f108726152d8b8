//! `101 Switching Protocols` (RFC 9110 section 7.8): from then on bytes go both ways, whatever
//! they mean, until either side ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
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
    mut peer: PeerConnection,
    settings: &ProxySettings,
) -> Result<Flow, Fault> {
    write_head(ex, client);
    ex.request.keep_alive = false;
    respond::flush(ex, client).await?;
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
    let passed = tokio::select! {
        passed = run(worker, client, &mut peer, settings.read_timeout) => passed,
        () = end => (0, 0),
    };
    ex.sent.bytes += passed.0;
    ex.sent.body_bytes += passed.0;
    let one = wire::last_try(ex);
    one.received += passed.0;
    one.sent += passed.1;
    peer.discard(worker);
    Ok(Flow::Done)
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
    ex.sent.bytes += (client.out.len() - start) as u64;
}

/// One direction: what was read and not yet written.
#[derive(Default)]
struct Way {
    ended: bool,
    shut: bool,
    bytes: u64,
}

impl Way {
    /// Moves what can be moved, with memory that is borrowed for as long as bytes are in it; ready when something was
    /// moved, or when the way has come to its end.
    fn poll(
        &mut self,
        worker: &Worker,
        (buffer, source): (&mut Buffer, &mut Stream),
        to: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        if !buffer.has_memory() {
            buffer.lend(worker.buffer_memory());
        }
        let moved = self.move_bytes((buffer, source), to, cx);
        if let Some(memory) = buffer.release() {
            worker.give_back(memory);
        }
        moved
    }

    fn move_bytes(
        &mut self,
        from: (&mut Buffer, &mut Stream),
        to: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        let (buffer, source) = from;
        if buffer.is_empty() && !self.ended {
            match buffer.poll_fill(source, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0) | Err(_)) => self.ended = true,
                Poll::Ready(Ok(_)) => {}
            }
        }
        if buffer.is_empty() {
            if self.shut {
                return Poll::Pending;
            }
            self.shut = true;
            let _ = Pin::new(to).poll_shutdown(cx);
            return Poll::Ready(false);
        }
        match Pin::new(to).poll_write(cx, buffer.filled()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => {
                buffer.consume(count);
                self.bytes += count as u64;
                Poll::Ready(true)
            }
            Poll::Ready(_) => {
                self.ended = true;
                self.shut = true;
                Poll::Ready(false)
            }
        }
    }
}

/// Runs until a side has ended and its last bytes are through, or nothing moved for `idle`.
/// Answers the bytes to the client and to the peer.
async fn run(
    worker: &Worker,
    client: &mut Client,
    peer: &mut PeerConnection,
    idle: Duration,
) -> (u64, u64) {
    let (mut down, mut up) = (Way::default(), Way::default());
    loop {
        let moved = poll_fn(|cx| {
            let a = down.poll(
                worker,
                (&mut peer.buffer, &mut peer.stream),
                &mut client.stream,
                cx,
            );
            let b = up.poll(
                worker,
                (&mut client.buffer, &mut client.stream),
                &mut peer.stream,
                cx,
            );
            match (a, b) {
                (Poll::Pending, Poll::Pending) => Poll::Pending,
                // A side that has ended ends the tunnel, as in nginx.
                (a, b) => Poll::Ready(
                    !matches!(a, Poll::Ready(false)) && !matches!(b, Poll::Ready(false)),
                ),
            }
        });
        match timeout(idle, moved).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return (down.bytes, up.bytes),
        }
    }
}
