//! Long polling: a GET waits until there is something to tell, a POST brings what the client says.

use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::engine::Pipe;
use super::engine_packet::EnginePacket;
use super::{MAX_PAYLOAD, Refusal};

/// Waits for packets and fetches as many as one body may have.
pub(crate) async fn fetch(pipe: &Pipe) -> Result<Response, Refusal> {
    // Two polls at once would divide the packets between them.
    let Ok(mut outgoing) = pipe.outgoing.try_lock() else {
        pipe.bring(EnginePacket::Close);
        return Err(Refusal::BadRequest);
    };
    if pipe.on_websocket.load(Ordering::Acquire) {
        return Err(Refusal::BadRequest);
    }
    let released = pipe.release.notified();
    let first = if pipe.upgrading.load(Ordering::Acquire) {
        outgoing.try_recv().unwrap_or(EnginePacket::Noop)
    } else {
        tokio::select! {
            biased;
            packet = outgoing.recv() => packet.unwrap_or(EnginePacket::Close),
            () = released => EnginePacket::Noop,
        }
    };
    let mut packets = vec![first];
    let mut size = 0;
    while size < MAX_PAYLOAD / 2 {
        let Ok(packet) = outgoing.try_recv() else {
            break;
        };
        size += packet.encode().len();
        packets.push(packet);
    }
    Ok(text(EnginePacket::encode_body(&packets)))
}

/// Brings the packets of a POST to the session.
pub(crate) async fn bring(pipe: &Pipe, body: Body) -> Result<Response, Refusal> {
    let body = to_bytes(body, MAX_PAYLOAD)
        .await
        .map_err(|_| Refusal::TooLarge)?;
    let text_of = std::str::from_utf8(&body).ok();
    let packets = text_of.map(EnginePacket::parse_body);
    let Some(Ok(packets)) = packets else {
        pipe.bring(EnginePacket::Close);
        return Err(Refusal::BadRequest);
    };
    for packet in packets {
        if !pipe.bring(packet) {
            return Err(Refusal::BadRequest);
        }
    }
    Ok(text("ok".to_owned()))
}

pub(crate) fn text(body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=UTF-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::OK, headers, body).into_response()
}
