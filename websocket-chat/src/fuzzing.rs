//! What the fuzzers in `fuzz/` call: any bytes go through one parser of untrusted input, which must keep its promises.

use std::collections::HashMap;
use std::task::{Context, Waker};

use axum::body::Body;
use axum::extract::Request;

use crate::deflate::{Agreement, Contexts};
use crate::handshake;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::protocol::ServerMessage;
use crate::socketio::{EnginePacket, Kind, Packet};
use crate::wire::Inbound;

/// What an inflated message may grow to.
const LIMIT: usize = 64 << 10;

/// Frames and deflate: the same however the bytes arrive, and never more memory than the limit.
pub fn inbound(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let deflate = [None, Some(false), Some(true)][usize::from(first % 3)];
    let cut = usize::from(first / 3) % (bytes.len() + 1);
    let whole = read([bytes], deflate);
    assert_eq!(whole, read(bytes.chunks(1), deflate));
    assert_eq!(whole, read([&bytes[..cut], &bytes[cut..]], deflate));
}

/// What tungstenite would be given; None if the connection would be closed.
fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>, deflate: Option<bool>) -> Option<Vec<u8>> {
    let mut inbound = Inbound::new(LIMIT, deflate);
    let mut given = Vec::new();
    for part in parts {
        inbound.push(&mut part.to_vec()).ok()?;
        // A byte of deflate stands for a thousand at most, and a message for no more than the limit.
        let ready = inbound.ready();
        assert!(ready.len() <= (part.len() + 1) * (LIMIT + 32));
        given.extend_from_slice(ready);
        inbound.consume(inbound.ready().len());
    }
    Some(given)
}

/// A handshake: what is accepted has a key and an agreement whose answer, offered again, is answered the same.
pub fn handshake(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let offer = lines.next().unwrap_or_default();
    if let Some(agreement) = Agreement::negotiate([offer], Contexts::Kept) {
        let answer = agreement.to_string();
        let again = Agreement::negotiate([&*answer], Contexts::Kept);
        assert_eq!(again, Some(agreement), "{answer}");
    }
    let mut request = Request::builder().method(lines.next().unwrap_or("GET"));
    for line in lines.take(64) {
        if let Some((name, value)) = line.split_once(':') {
            request = request.header(name, value.trim());
        }
    }
    let Ok(mut request) = request.body(Body::empty()) else {
        return;
    };
    if let Ok((response, _)) = handshake::upgrade(&mut request, &crate::echo::terms([].into())) {
        assert_eq!(response.status(), 101);
        assert!(request.headers().contains_key("sec-websocket-key"));
    }
}

/// Engine.IO and Socket.IO: a packet that is taken is understood the same when it is written and read again.
pub fn socketio(bytes: &[u8]) {
    let Ok(packets) = EnginePacket::parse_body(&String::from_utf8_lossy(bytes)) else {
        return;
    };
    let body = EnginePacket::encode_body(&packets);
    assert_eq!(EnginePacket::parse_body(&body).as_ref(), Ok(&packets));
    for packet in packets {
        let EnginePacket::Message(text) = packet else {
            continue;
        };
        let Ok(packet) = Packet::parse(&text) else {
            continue;
        };
        let again = Packet::parse(&packet.encode()).expect("what we write can be read");
        assert_eq!(again.namespace, packet.namespace);
        // The last digit of a number may change on the way; what it is about may not.
        assert_eq!(about(&again.kind), about(&packet.kind));
    }
}

/// A packet's event, the number of its acknowledgement, and how many arguments it has.
fn about(kind: &Kind) -> (&str, Option<u64>, usize) {
    match kind {
        Kind::Connect(data) => ("connect", None, usize::from(data.is_some())),
        Kind::Disconnect => ("disconnect", None, 0),
        Kind::Event {
            name,
            arguments,
            id,
        } => (name, *id, arguments.len()),
        Kind::Ack { id, arguments } => ("ack", Some(*id), arguments.len()),
        Kind::ConnectError(message) => (message, None, 0),
    }
}

/// What a member says, a line each: nothing panics, what it is told can be read, a room's numbers have no gaps.
pub fn session(bytes: &[u8]) {
    let hub = Hub::new(Limits::default());
    let mut session = hub.connect().expect("the hub is empty");
    for line in String::from_utf8_lossy(bytes).lines().take(100) {
        session.handle_text(line);
    }
    let context = Context::from_waker(Waker::noop());
    let mut seen: HashMap<String, u64> = HashMap::new();
    let _ = session.poll_give(&context, |event| {
        if let ServerMessage::Message { room, seq, .. } | ServerMessage::Edited { room, seq, .. } =
            event.message()
        {
            let before = seen.insert(room, seq);
            assert!(
                before.is_none_or(|before| seq == before + 1),
                "{before:?} {seq}"
            );
        }
        true
    });
}
