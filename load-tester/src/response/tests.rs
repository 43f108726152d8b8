//! The answers a server may give, whole and byte by byte, and those that must be refused.

use super::{BadResponse, HEAD_LIMIT, ResponseParser};

/// Feeds `wire` in pieces of `size`, as a connection would, and returns the parser and the bytes left over.
fn parse(wire: &[u8], size: usize, head: bool) -> Result<(ResponseParser, usize), BadResponse> {
    let mut parser = ResponseParser::new(head);
    let mut carry = Vec::new();
    for piece in wire.chunks(size) {
        carry.extend_from_slice(piece);
        let used = parser.feed(&carry)?;
        carry.drain(..used);
    }
    Ok((parser, carry.len()))
}

fn complete(wire: &str) -> ResponseParser {
    let whole = parse(wire.as_bytes(), wire.len(), false).unwrap();
    for size in 1..wire.len() {
        let (pieces, left) = parse(wire.as_bytes(), size, false).unwrap();
        assert_eq!(
            pieces.is_complete(),
            whole.0.is_complete(),
            "pieces of {size}"
        );
        assert_eq!(
            pieces.body().first_line(),
            whole.0.body().first_line(),
            "pieces of {size}"
        );
        assert_eq!(left, whole.1, "pieces of {size}");
    }
    whole.0
}

fn refused(wire: &str) -> BadResponse {
    parse(wire.as_bytes(), wire.len(), false)
        .map(|(parser, _)| parser.is_complete())
        .unwrap_err()
}

#[test]
fn content_length_ends_the_body() {
    let parser = complete("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nHello from Server 1!");
    assert!(parser.is_complete() && parser.keep_alive());
    assert_eq!((parser.status(), parser.body().server_id()), (200, Some(1)));
}

#[test]
fn chunks_with_extensions_and_trailers_end_with_the_empty_line() {
    let parser = complete(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;a=b\r\nHello\r\nF \r\n from Server 2!\r\n0\r\nX: y\r\n\r\n",
    );
    assert!(parser.is_complete() && parser.keep_alive());
    assert_eq!(parser.body().server_id(), Some(2));
}

#[test]
fn without_a_length_the_close_ends_the_body() {
    let mut parser = complete("HTTP/1.1 200 OK\r\n\r\nHello from Server 3!");
    assert!(!parser.is_complete());
    assert!(parser.close() && !parser.keep_alive());
    assert_eq!(parser.body().server_id(), Some(3));
}

#[test]
fn a_close_inside_an_announced_body_is_no_end() {
    let mut parser = complete("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHell");
    assert!(!parser.close());
}

#[test]
fn interim_answers_are_read_over() {
    let parser = complete(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(parser.is_complete());
    assert_eq!(parser.status(), 201);
}

#[test]
fn answers_to_head_and_204_and_304_have_no_body() {
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
    assert!(parse(wire, wire.len(), true).unwrap().0.is_complete());
    assert!(complete("HTTP/1.1 204 No Content\r\n\r\n").is_complete());
    assert!(complete("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").is_complete());
}

#[test]
fn connection_fields_decide_whether_the_connection_stays() {
    for (head, stays) in [
        ("HTTP/1.1 200 OK\r\nConnection: close", false),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close", false),
        ("HTTP/1.0 200 OK", false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive", true),
    ] {
        let parser = complete(&format!("{head}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(parser.keep_alive(), stays, "{head}");
    }
}

#[test]
fn bytes_after_the_end_stay_unused() {
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1";
    assert_eq!(parse(wire, wire.len(), false).unwrap().1, 8);
}

#[test]
fn ambiguous_or_broken_answers_are_refused() {
    for (wire, reason) in [
        ("SSH-2.0-OpenSSH_9\r\n", BadResponse::NotHttp),
        ("HTTP/1.1 abc\r\n\r\n", BadResponse::Head),
        ("HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", BadResponse::Head),
        ("HTTP/1.1 101 Switching\r\n\r\n", BadResponse::Switched),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            BadResponse::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            BadResponse::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            BadResponse::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            BadResponse::Length,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            BadResponse::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            BadResponse::Chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            BadResponse::Chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n",
            BadResponse::Chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n",
            BadResponse::Chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11112222333344445\r\n",
            BadResponse::Chunk,
        ),
    ] {
        assert_eq!(refused(wire), reason, "{wire:?}");
    }
}

#[test]
fn heads_and_trailers_without_end_are_cut_off() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(HEAD_LIMIT));
    assert_eq!(refused(&endless), BadResponse::HeadTooLarge);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(65));
    assert_eq!(refused(&many), BadResponse::HeadTooLarge);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        refused(&format!("{chunked}0\r\n{}", "A: b\r\n".repeat(20_000))),
        BadResponse::Chunk
    );
    assert_eq!(
        refused(&format!("{chunked}1;{}", "x".repeat(5_000))),
        BadResponse::Chunk
    );
}

#[test]
fn damaged_answers_never_panic_and_read_the_same_in_any_pieces() {
    const ANSWERS: [&str; 4] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\nHello from Server 1!",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nHello\r\n0a\r\n Server 2!\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.0 404 No\r\n\r\nnothing",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nContent-Length: 9\r\n\r\n",
    ];
    const PIECES: &[u8] = b"\r\n\t :;,0123456789afFxX\0\xff-HTTP/1.chunked";
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        // xorshift64: the same damage in every run.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let outcome = |wire: &[u8], size: usize| {
        parse(wire, size, false).map(|(parser, left)| {
            let body = (parser.body().length(), parser.body().server_id());
            (parser.is_complete(), parser.status(), body, left)
        })
    };
    for _ in 0..20_000 {
        let mut wire = ANSWERS[random(ANSWERS.len())].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(wire.len());
            match random(3) {
                0 => wire[at] = PIECES[random(PIECES.len())],
                1 => wire.insert(at, PIECES[random(PIECES.len())]),
                _ => drop(wire.remove(at)),
            }
        }
        let (whole, size) = (outcome(&wire, wire.len()), 1 + random(9));
        assert_eq!(
            outcome(&wire, size),
            whole,
            "in pieces of {size}: {}",
            wire.escape_ascii()
        );
    }
}
