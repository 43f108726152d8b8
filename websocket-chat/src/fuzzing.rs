//! What the fuzzers in `fuzz/` call: any bytes go through one parser of untrusted input, which must keep its promises.

use axum::body::Body;
use axum::extract::Request;

use crate::deflate::{Agreement, Contexts};
use crate::handshake;
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
