//! The WebSocket transport: one packet in each text frame, after an upgrade from polling or from the start.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::engine::Pipe;
use super::engine_packet::EnginePacket;
use crate::socket::{Incoming, Socket};

/// How long a client may take to probe and change over.
const UPGRADE: Duration = Duration::from_secs(10);
/// So long a write may wait for a client that does not read.
const STALLED: Duration = Duration::from_secs(5);
/// Bytes written at once.
const BATCH: usize = 64 << 10;

/// A client of polling changes over: it sends `2probe`, hears `3probe`, lets its last poll end and sends `5`.
pub(crate) async fn change_over(mut socket: Socket, pipe: &Pipe) {
    let probed = timeout(UPGRADE, async {
        if packet(&mut socket).await != Some(EnginePacket::Ping("probe".to_owned())) {
            return false;
        }
        let answer = EnginePacket::Pong("probe".to_owned());
        socket.queue_message(&Message::text(answer.encode()));
        if !drain(&mut socket).await {
            return false;
        }
        pipe.upgrade_begins();
        packet(&mut socket).await == Some(EnginePacket::Upgrade)
    });
    if probed.await == Ok(true) {
        pipe.on_websocket.store(true, Ordering::Release);
        carry(socket, pipe).await;
    } else {
        pipe.upgrade_fails();
        socket
            .close(Some((CloseCode::Policy, "no upgrade".to_owned())))
            .await;
    }
}

/// Carries packets until one side ends.
pub(crate) async fn carry(mut socket: Socket, pipe: &Pipe) {
    let mut outgoing = pipe.outgoing.lock().await;
    loop {
        let going_on = tokio::select! {
            packet = packet(&mut socket) => packet.is_some_and(|packet| pipe.bring(packet)),
            told = outgoing.recv() => match told {
                Some(first) => write(&mut socket, first, &mut outgoing).await,
                None => false,
            },
        };
        if !going_on {
            break;
        }
    }
    pipe.bring(EnginePacket::Close);
    socket.close(Some((CloseCode::Normal, String::new()))).await;
}

/// Writes what is there in one go, and waits until the client has taken it.
async fn write(
    socket: &mut Socket,
    first: EnginePacket,
    more: &mut mpsc::Receiver<EnginePacket>,
) -> bool {
    let mut next = Some(first);
    while let Some(packet) = next {
        socket.queue_message(&Message::text(packet.encode()));
        next = (socket.queued() < BATCH)
            .then(|| more.try_recv().ok())
            .flatten();
    }
    drain(socket).await
}

async fn drain(socket: &mut Socket) -> bool {
    let drained = timeout(STALLED, poll_fn(|context| socket.poll_drain(context)));
    matches!(drained.await, Ok(Ok(())))
}

/// The next packet; None if there will be none, or it is none.
async fn packet(socket: &mut Socket) -> Option<EnginePacket> {
    poll_fn(|context| {
        // Answers to pings are written by nobody else while we wait.
        if let Poll::Ready(Err(_)) = socket.poll_drain(context) {
            return Poll::Ready(None);
        }
        loop {
            match socket.poll_next(context) {
                Poll::Ready(Incoming::Message(Message::Text(text))) => {
                    return Poll::Ready(EnginePacket::parse(&text).ok());
                }
                Poll::Ready(Incoming::Message(Message::Ping(_) | Message::Pong(_))) => {}
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
