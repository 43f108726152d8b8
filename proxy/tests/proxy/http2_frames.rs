//! HTTP/2 frame by frame: what RFC 9113 forbids a client, and what floods are made of (after the cases of h2spec).

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use crate::harness::{PATIENCE, Proxy};
use crate::tls::{self, Lab, Tls};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a small frame")
        .to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields as literals, without the table.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            bytes.push(
                u8::try_from(text.len())
                    .ok()
                    .filter(|&n| n < 127)
                    .expect("short"),
            );
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/"),
    (":authority", "a.test"),
];

fn get(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let all = [&GET[..], more].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields(&all))
}

/// A POST whose body has yet to come.
fn post(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let all = [&[(":method", "POST")], &GET[1..], more].concat();
    frame(HEADERS, END_HEADERS, stream, &fields(&all))
}

fn start() -> (Proxy, Arc<rustls::ClientConfig>) {
    let lab = Lab::new(&["a.test"]);
    let mut client = rustls::ClientConfig::clone(&lab.client(None));
    client.alpn_protocols = vec![b"h2".to_vec()];
    let proxy = Proxy::start_in(
        lab.dir,
        "ssl_certificate a.test.crt; ssl_certificate_key a.test.key; http2 on; client_header_timeout 2s;\n\
         server { listen unix:DIR/front.sock ssl; location / { return 200 fine; } }",
    );
    (proxy, Arc::new(client))
}

fn open(proxy: &Proxy, client: &Arc<rustls::ClientConfig>) -> Tls {
    let mut tls = tls::connect(proxy, client, "a.test");
    tls.sock.set_read_timeout(Some(PATIENCE)).expect("a socket");
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .expect("taken");
    tls.write_all(&frame(SETTINGS, 0, 0, &[])).expect("taken");
    tls
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// A frame with this kind, stream and payload.
    Frame(u8, u32, Vec<u8>),
    Closed,
}

fn read(tls: &mut Tls) -> Told {
    let mut head = [0; 9];
    if tls.read_exact(&mut head).is_err() {
        return Told::Closed;
    }
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let mut payload = vec![0; length as usize];
    match tls.read_exact(&mut payload) {
        Ok(()) => Told::Frame(head[3], stream, payload),
        Err(_) => Told::Closed,
    }
}

/// How a case ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// GOAWAY with this reason, or closed without a word (RFC 9113 section 5.4.1 allows it).
    Connection(u32),
    /// RST_STREAM with this reason; the connection lives.
    Stream(u32),
    /// The stream gets an answer with this status.
    Answer(&'static str),
    Pong,
}

/// Reads until something decides the case.
fn decide(tls: &mut Tls, expected: End) -> End {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    loop {
        match (read(tls), expected) {
            (Told::Closed, End::Connection(reason)) => return End::Connection(reason),
            (Told::Closed, _) => return End::Connection(0),
            (Told::Frame(GOAWAY, _, payload), _) => {
                return End::Connection(number(&payload[4..8]));
            }
            (Told::Frame(RST_STREAM, _, payload), _) => return End::Stream(number(&payload)),
            (Told::Frame(HEADERS, _, payload), _) => {
                // The status comes first: from the static table, or with a Huffman code.
                let answer = match payload[0] {
                    0x88 => "200",
                    0x8c => "400",
                    _ => "other",
                };
                return End::Answer(answer);
            }
            (Told::Frame(PING, 0, _), End::Pong) => return End::Pong,
            _ => {}
        }
    }
}

type Case = (&'static str, Vec<Vec<u8>>, End);

fn frames_out_of_order() -> Vec<Case> {
    let wrong = End::Connection(PROTOCOL_ERROR);
    // The standard has a word of its own for each of these; the h2 library says the general one
    // for all that it can't decode, and ends the connection as it must.
    let imprecise = End::Connection(PROTOCOL_ERROR);
    let half = |stream| frame(HEADERS, END_STREAM, stream, &fields(&GET));
    vec![
        ("a request", vec![get(1, &[])], End::Answer("200")),
        (
            "5.1 data on an idle stream",
            vec![frame(DATA, END_STREAM, 1, b"x")],
            wrong,
        ),
        (
            "5.1 a reset of an idle stream",
            vec![frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])],
            wrong,
        ),
        (
            "5.1 an unknown frame kind",
            vec![frame(0x16, 0, 0, b"abc"), get(1, &[])],
            End::Answer("200"),
        ),
        ("5.1.1 an even stream", vec![get(2, &[])], wrong),
        (
            "5.1.1 a smaller stream",
            vec![post(5, &[]), get(3, &[])],
            wrong,
        ),
        (
            "5.5 an unknown setting",
            vec![frame(SETTINGS, 0, 0, &[0, 99, 0, 0, 0, 1]), get(1, &[])],
            End::Answer("200"),
        ),
        ("6.1 data on stream 0", vec![frame(DATA, 0, 0, b"x")], wrong),
        (
            "6.1 padding longer than the data",
            vec![post(1, &[]), frame(DATA, 8, 1, &[9, 1])],
            wrong,
        ),
        ("6.2 headers on stream 0", vec![get(0, &[])], wrong),
        (
            "6.2 another frame amid fields",
            vec![half(1), frame(PING, 0, 0, &[0; 8])],
            wrong,
        ),
        (
            "6.2 fields of another stream amid fields",
            vec![half(1), frame(CONTINUATION, END_HEADERS, 3, &[])],
            wrong,
        ),
        (
            "6.10 fields that go on after their end",
            vec![get(1, &[]), frame(CONTINUATION, END_HEADERS, 1, &[])],
            wrong,
        ),
        (
            "6.3 a priority on stream 0",
            vec![frame(PRIORITY, 0, 0, &[0; 5])],
            wrong,
        ),
        (
            "6.5 settings on a stream",
            vec![frame(SETTINGS, 0, 1, &[])],
            wrong,
        ),
        (
            "6.5 an answer to settings with a payload",
            vec![frame(SETTINGS, ACK, 0, &[0; 6])],
            imprecise,
        ),
        (
            "6.5 settings of a wrong size",
            vec![frame(SETTINGS, 0, 0, &[0; 5])],
            imprecise,
        ),
        (
            "6.5.2 ENABLE_PUSH 2",
            vec![frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2])],
            wrong,
        ),
        (
            "6.5.2 a window too large",
            vec![frame(SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0])],
            imprecise,
        ),
        (
            "6.5.2 a frame size too small",
            vec![frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1])],
            wrong,
        ),
        (
            "6.6 a promise by a client",
            vec![post(1, &[]), frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2])],
            wrong,
        ),
        ("6.7 a ping", vec![frame(PING, 0, 0, &[7; 8])], End::Pong),
        (
            "6.7 a ping on a stream",
            vec![frame(PING, 0, 1, &[7; 8])],
            wrong,
        ),
        (
            "6.7 a ping of a wrong size",
            vec![frame(PING, 0, 0, &[7; 6])],
            imprecise,
        ),
        (
            "6.9 a window larger by nothing",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0; 4])],
            wrong,
        ),
        (
            "6.9 a window of an idle stream",
            vec![frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])],
            wrong,
        ),
        (
            "6.9.1 a window over 2^31-1",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255])],
            End::Connection(FLOW_CONTROL_ERROR),
        ),
        (
            "4.2 a frame too large",
            vec![post(1, &[]), frame(DATA, 0, 1, &[0; 16_385])],
            End::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "4.3 fields that are no HPACK",
            vec![frame(HEADERS, 5, 1, &[0x40])],
            imprecise,
        ),
        (
            "HPACK 2.3.3 an index behind the table",
            vec![frame(HEADERS, 5, 1, &[0xc6])],
            imprecise,
        ),
    ]
}

fn malformed_requests() -> Vec<Case> {
    let wrong = End::Stream(PROTOCOL_ERROR);
    let only = |list: &[(&str, &str)]| frame(HEADERS, 5, 1, &fields(list));
    vec![
        (
            "8.2 an upper case name",
            vec![get(1, &[("X-Test", "1")])],
            wrong,
        ),
        (
            "8.2.2 a field of the connection",
            vec![get(1, &[("connection", "close")])],
            wrong,
        ),
        (
            "8.2.2 a transfer coding",
            vec![get(1, &[("transfer-encoding", "chunked")])],
            wrong,
        ),
        (
            "8.2.2 TE but trailers",
            vec![get(1, &[("te", "gzip")])],
            wrong,
        ),
        (
            "8.3 a pseudo-field behind a field",
            vec![only(&[GET[0], GET[1], ("x", "y"), GET[2], GET[3]])],
            wrong,
        ),
        (
            "8.3 an unknown pseudo-field",
            vec![get(1, &[(":test", "1")])],
            wrong,
        ),
        (
            "8.3 a pseudo-field of answers",
            vec![get(1, &[(":status", "200")])],
            wrong,
        ),
        (
            "8.3.1 no path",
            vec![only(&[GET[0], GET[1], GET[3]])],
            wrong,
        ),
        (
            "8.3.1 an empty path",
            vec![only(&[GET[0], GET[1], (":path", ""), GET[3]])],
            wrong,
        ),
        ("8.3.1 no method", vec![only(&GET[1..])], wrong),
        (
            "8.3.1 no scheme",
            vec![only(&[GET[0], GET[2], GET[3]])],
            wrong,
        ),
        ("8.3.1 a path twice", vec![get(1, &[(":path", "/")])], wrong),
        (
            "8.1.1 less than its length",
            vec![
                post(1, &[("content-length", "5")]),
                frame(DATA, 1, 1, b"four"),
            ],
            wrong,
        ),
        (
            "8.1.1 more than its length",
            vec![
                post(1, &[("content-length", "1")]),
                frame(DATA, 1, 1, b"four"),
            ],
            wrong,
        ),
        (
            "a line end in a value",
            vec![get(1, &[("x", "a\r\nb: c")])],
            wrong,
        ),
        (
            "8.3.1 two hosts that differ",
            vec![get(1, &[("host", "b.test")])],
            End::Answer("400"),
        ),
        (
            "8.3.1 no host at all",
            vec![only(&GET[..3])],
            End::Answer("400"),
        ),
        (
            "data behind the end",
            vec![get(1, &[]), frame(DATA, 0, 1, b"x")],
            End::Stream(STREAM_CLOSED),
        ),
    ]
}

#[test]
fn what_the_standard_forbids_a_client_is_refused_as_it_says() {
    let (proxy, client) = start();
    let mut wrong = Vec::new();
    for (name, frames, expected) in [frames_out_of_order(), malformed_requests()].concat() {
        let mut tls = open(&proxy, &client);
        let sent = tls.write_all(&frames.concat());
        let end = match sent {
            Ok(()) => decide(&mut tls, expected),
            Err(why) => panic!("{name}: {why}"),
        };
        // What may end a stream may end the connection, too (section 5.4.1), and the answer to a
        // whole request may be on its way before the wrong frame behind it is seen.
        let fits = match (expected, end) {
            (End::Stream(wanted), End::Connection(told)) => {
                [wanted, PROTOCOL_ERROR].contains(&told)
            }
            (_, End::Answer("200")) if frames[0] == get(1, &[]) => true,
            (wanted, told) => wanted == told,
        };
        if !fits {
            wrong.push(format!("{name}: {end:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut tls = open(&proxy, &client);
    tls.write_all(&get(1, &[])).expect("taken");
    assert_eq!(decide(&mut tls, End::Answer("200")), End::Answer("200"));
}

/// Writes pieces until the proxy ends the connection; answers how, and after how many.
fn flood(tls: &mut Tls, pieces: impl Iterator<Item = Vec<u8>>) -> (End, usize) {
    let mut sent = 0;
    for piece in pieces {
        if tls.write_all(&piece).is_err() {
            break;
        }
        sent += 1;
    }
    (decide(tls, End::Connection(ENHANCE_YOUR_CALM)), sent)
}

#[test]
fn floods_end_the_connection() {
    let (proxy, client) = start();
    let resets = (0..20_000_u32).map(|n| {
        let stream = n * 2 + 1;
        [
            get(stream, &[]),
            frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
        ]
        .concat()
    });
    let mut tls = open(&proxy, &client);
    let sent = resets.collect::<Vec<_>>().concat();
    let _ = tls.write_all(&sent);
    let mut answers = 0;
    let end = loop {
        match decide(&mut tls, End::Connection(ENHANCE_YOUR_CALM)) {
            End::Answer(_) => answers += 1,
            end => break end,
        }
    };
    assert_eq!(end, End::Connection(ENHANCE_YOUR_CALM), "rapid reset");
    assert!(
        answers < 20_000,
        "{answers} answers for streams that nobody wants"
    );

    let mut tls = open(&proxy, &client);
    tls.write_all(&frame(HEADERS, END_STREAM, 1, &fields(&GET)))
        .expect("taken");
    let more = fields(&[("x", "0123456789")]).repeat(1000);
    let pieces = (0..10_000).map(|_| frame(CONTINUATION, 0, 1, &more));
    let (end, sent) = flood(&mut tls, pieces);
    assert_eq!(
        end,
        End::Connection(ENHANCE_YOUR_CALM),
        "fields without an end"
    );
    assert!(sent < 1000, "{sent} frames were taken");
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    let (proxy, client) = start();
    let mut quiet = tls::connect(&proxy, &client, "a.test");
    quiet
        .sock
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket");
    let mut greeted = open(&proxy, &client);
    let mut rest = Vec::new();
    let _ = quiet.read_to_end(&mut rest);
    assert!(rest.len() < 200, "only what the proxy said first: {rest:?}");
    while read(&mut greeted) != Told::Closed {}
}

#[test]
fn fields_over_the_limit_are_answered_and_the_connection_lives() {
    let (proxy, client) = start();
    let mut tls = open(&proxy, &client);
    let value = "0123456789".repeat(12);
    let many: Vec<_> = (0..400).map(|_| ("x-many", value.as_str())).collect();
    let all = fields(&[&GET[..], &many].concat());
    let (first, rest) = all.split_at(16_000);
    tls.write_all(&frame(HEADERS, END_STREAM, 1, first))
        .expect("taken");
    let mut rest = rest.chunks(16_000).peekable();
    while let Some(piece) = rest.next() {
        let flags = if rest.peek().is_some() {
            0
        } else {
            END_HEADERS
        };
        tls.write_all(&frame(CONTINUATION, flags, 1, piece))
            .expect("taken");
    }
    assert_ne!(decide(&mut tls, End::Answer("200")), End::Answer("200"));
    tls.write_all(&get(3, &[])).expect("taken");
    assert_eq!(decide(&mut tls, End::Answer("200")), End::Answer("200"));
}
