//! Doors for the fuzz targets: each takes any bytes and must come back.

use crate::http1::framing::Piece;
use crate::http1::request::HeadRules;
use crate::http1::{Body, Framing, RequestHead, ResponseHead};

/// The configuration parser.
pub fn config(text: &str) {
    let _ = crate::config::syntax::load_str("fuzz.conf", text);
}

/// The request head, its framing, its path and host.
pub fn request_head(bytes: &[u8]) {
    let mut head = Box::<RequestHead>::default();
    if let Ok(Some(end)) = head.parse(bytes, &HeadRules::default()) {
        assert!(end <= bytes.len());
        let _ = crate::http1::framing::of_request(&head);
        let _ = crate::parse::normalize(head.target(), true);
        for header in head.head.iter() {
            assert!(!header.name.is_empty());
            let _ = crate::parse::parse_host(header.value);
        }
    }
}

/// The response head.
pub fn response_head(bytes: &[u8]) {
    let mut head = ResponseHead::default();
    if let Ok(Some(end)) = head.parse(bytes) {
        assert!(end <= bytes.len());
        let _ = crate::http1::framing::of_response(&head, false);
    }
}

/// The chunk decoder, given the bytes in pieces of `step`.
pub fn chunked(bytes: &[u8], step: usize) {
    let (mut body, mut at, mut seen) = (Body::new(Framing::Chunked), 0, 0);
    loop {
        match body.next(&bytes[at..seen]) {
            Err(_) | Ok(Piece::End { .. }) => return,
            Ok(Piece::Data { skip, length }) => at += skip + length,
            Ok(Piece::More { skip }) => {
                at += skip;
                if seen == bytes.len() {
                    return;
                }
                seen = (seen + step.max(1)).min(bytes.len());
            }
        }
    }
}
