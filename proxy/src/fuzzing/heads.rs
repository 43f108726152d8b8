//! Heads of requests and responses, and what is read out of a request's.

use super::cuts;
use crate::http1::framing::{self, Framing};
use crate::http1::request::HeadRules;
use crate::http1::{Known, RequestHead, ResponseHead};
use crate::parse;

/// A request head means the same however it arrives, and holds nothing that another reader could read differently.
pub fn request_head(bytes: &[u8]) {
    let strict = HeadRules::default();
    let lax = HeadRules {
        ignore_invalid_headers: false,
        underscores_in_headers: true,
        ..strict
    };
    for rules in [strict, lax] {
        let mut head = RequestHead::default();
        let whole = head.parse(bytes, &rules);
        let Ok(Some(end)) = whole else { continue };
        check_head(&head, &bytes[..end]);
        check_meaning(&head);
        for cut in cuts(bytes) {
            let part = RequestHead::default().parse(&bytes[..cut], &rules);
            assert_eq!(
                part,
                Ok((cut >= end).then_some(end)),
                "first {cut} of {} bytes",
                bytes.len()
            );
        }
    }
}

/// Reads an accepted head once more, line by line, and compares.
fn check_head(head: &RequestHead, raw: &[u8]) {
    let mut lines = raw
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .skip_while(|line| line.is_empty());
    let first = lines.next().expect("a head has a request line");
    assert_eq!(head.line(), first);
    assert!(first.starts_with(head.method()));
    for part in [head.method(), head.target()] {
        assert!(!part.is_empty() && part.iter().all(|&byte| byte > b' ' && byte != 0x7f));
    }
    let fields: Vec<_> = lines
        .take_while(|line| !line.is_empty())
        .map(name_and_value)
        .collect();
    let named = |name: &str| {
        fields
            .iter()
            .filter(|field| field.0.eq_ignore_ascii_case(name.as_bytes()))
            .count()
    };
    assert_eq!(
        named("content-length"),
        head.head.count(Known::ContentLength)
    );
    assert_eq!(
        named("transfer-encoding"),
        head.head.count(Known::TransferEncoding)
    );
    assert_eq!(named("host"), head.head.count(Known::Host));
    match framing::of_request(head) {
        Ok(Framing::Chunked) => assert_eq!(
            (named("content-length"), named("transfer-encoding")),
            (0, 1)
        ),
        Ok(Framing::Length(_)) => assert_eq!(
            (named("content-length"), named("transfer-encoding")),
            (1, 0)
        ),
        Ok(Framing::None) => assert_eq!(named("transfer-encoding"), 0),
        Ok(Framing::Close) => panic!("a request does not end with its connection"),
        Err(_) => {}
    }
}

fn name_and_value(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line
        .iter()
        .position(|&byte| byte == b':')
        .expect("a field has a colon");
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    assert!(
        !name.is_empty() && name.iter().all(|&byte| byte > b' ' && byte != 0x7f),
        "{name:?}"
    );
    assert!(
        value
            .iter()
            .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)),
        "{value:?}"
    );
    (name, value)
}

/// The path that locations are chosen by climbs nowhere, and a host is a host again.
fn check_meaning(head: &RequestHead) {
    if head.target().starts_with(b"/") {
        for merge_slashes in [true, false] {
            if let Ok((path, _, _)) = parse::normalize(head.target(), merge_slashes) {
                assert!(path.starts_with(b"/"));
                assert!(
                    !path
                        .split(|&byte| byte == b'/')
                        .any(|segment| matches!(segment, b"." | b".."))
                );
            }
        }
    }
    for header in head.head.iter() {
        if let Some((name, _)) = parse::parse_host(header.value) {
            assert!(
                name.iter()
                    .all(|&byte| byte > b' ' && byte != 0x7f && byte != b'/')
            );
        }
    }
}

/// The head of an answer is the same however it arrives.
pub fn response_head(bytes: &[u8]) {
    let mut head = ResponseHead::default();
    let Ok(Some(end)) = head.parse(bytes) else {
        return;
    };
    assert!((100..=999).contains(&head.status));
    let _ = framing::of_response(&head, false);
    for cut in cuts(bytes) {
        let part = ResponseHead::default().parse(&bytes[..cut]);
        assert_eq!(
            part,
            Ok((cut >= end).then_some(end)),
            "first {cut} of {} bytes",
            bytes.len()
        );
    }
}
