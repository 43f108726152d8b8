//! What clients of other people's making may send: raw bytes on the line.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use websocket_chat::Limits;
use websocket_chat::protocol::{Direction, ServerMessage};

use crate::client::{Client, Server};

/// A masked frame; the mask is zero, so the payload is readable.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => frame.push(0x80 | u8::try_from(short).unwrap()),
        Ok(long) => {
            frame.push(0xFE);
            frame.extend(long.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xFF);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Upgrades with an offer of compression, and `early` in the same packet.
async fn upgraded(address: SocketAddr, path: &str, early: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )
    .into_bytes();
    request.extend(early);
    stream.write_all(&request).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// All that comes until the server closes.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut rest))
        .await
        .expect("the server closes")
        .unwrap();
    rest
}

/// The code of the close frame at the end.
fn close_code(bytes: &[u8]) -> u16 {
    let start = bytes
        .windows(2)
        .rposition(|head| head[0] == 0x88 && head[1] >= 2)
        .expect("there is a close frame");
    u16::from_be_bytes([bytes[start + 2], bytes[start + 3]])
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.flush().unwrap();
    let mut packed = encoder.get_ref().clone();
    packed.truncate(packed.len() - 4);
    packed
}

#[tokio::test]
async fn what_breaks_the_rules_is_closed_with_the_standards_code() {
    let server = Server::start(Limits::default()).await;
    let bomb = deflated(&vec![b' '; 4 << 20]);
    assert!(bomb.len() < 4_500, "a thousand to one: {}", bomb.len());
    let mut unmasked = frame(0x81, b"hi");
    unmasked[1] &= 0x7F;
    for (what, bytes, code) in [
        ("not UTF-8", frame(0x81, b"\xff"), 1007),
        (
            "not UTF-8, and not complete",
            frame(0x81, b"\xc0\xaf")[..7].to_vec(),
            1007,
        ),
        ("binary", frame(0x82, b"\x01"), 1003),
        ("too big", frame(0x81, &vec![b'a'; 200_000]), 1009),
        ("a bomb", frame(0xC1, &bomb), 1009),
        ("not deflate", frame(0xC1, b"\xff\xff\xff\xff"), 1007),
        ("RSV2", frame(0xA1, b"hi"), 1002),
        ("RSV1 on a ping", frame(0xC9, b"hi"), 1002),
        (
            "RSV1 on a continuation",
            [frame(0x41, &deflated(b"{}")), frame(0xC0, b"")].concat(),
            1002,
        ),
        ("not masked", unmasked, 1002),
        ("a continuation of nothing", frame(0x80, b"hi"), 1002),
        ("an unknown opcode", frame(0x83, b"hi"), 1002),
        ("a ping in two frames", frame(0x09, b"hi"), 1002),
    ] {
        let mut stream = upgraded(server.address, "/chat", &[]).await;
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(close_code(&rest(stream).await), code, "{what}");
    }
}

#[tokio::test]
async fn frames_sent_with_the_request_are_not_lost() {
    let server = Server::start(Limits::default()).await;
    let early = [frame(0x81, b"early"), frame(0x88, &1000_u16.to_be_bytes())].concat();
    let stream = upgraded(server.address, "/echo", &early).await;
    let mut answer = vec![0xC1];
    let packed = deflated(b"early");
    answer.push(u8::try_from(packed.len()).unwrap());
    answer.extend(packed);
    answer.extend(b"\x88\x02\x03\xe8");
    let rest = rest(stream).await;
    // A compressor may choose its blocks, so only the ends are compared.
    assert_eq!(
        (rest[0], &rest[rest.len() - 4..]),
        (0xC1, &answer[answer.len() - 4..])
    );
}

#[tokio::test]
async fn a_compressed_message_may_come_in_fragments_with_a_ping_between() {
    let server = Server::start(Limits::default()).await;
    let packed = deflated(br#"{"type":"ping","at":7}"#);
    let (left, right) = packed.split_at(5);
    let bytes = [
        frame(0x41, left),
        frame(0x89, b"still there?"),
        frame(0x80, right),
    ]
    .concat();
    let mut stream = upgraded(server.address, "/chat", &[]).await;
    for byte in bytes {
        stream.write_all(&[byte]).await.unwrap();
    }
    let expected = b"\x8a\x0cstill there?\x81\x16{\"type\":\"pong\",\"at\":7}";
    let mut answer = vec![0; expected.len()];
    timeout(Duration::from_secs(10), stream.read_exact(&mut answer))
        .await
        .expect("an answer comes")
        .unwrap();
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn who_asks_sees_the_handshake_and_the_frames() {
    let server = Server::start(Limits::default()).await;
    let mut client = Client::connect(server.address, "/chat?wire=1").await;
    let ServerMessage::Wire { handshake, .. } = client.next().await else {
        panic!("the handshake comes first");
    };
    let handshake = handshake.unwrap();
    assert_eq!(handshake.request[0], "GET /chat?wire=1 HTTP/1.1");
    assert_eq!(handshake.response[0], "HTTP/1.1 101 Switching Protocols");
    client
        .send(websocket_chat::protocol::ClientMessage::Ping { at: 5 })
        .await;
    let frames = client
        .find(|message| match message {
            ServerMessage::Wire { frames, .. } if frames.len() > 1 => Some(frames),
            _ => None,
        })
        .await;
    let seen: Vec<_> = frames
        .iter()
        .map(|frame| (frame.dir, frame.masked, &*frame.payload))
        .collect();
    assert_eq!(
        seen,
        [
            (Direction::In, true, r#"{"type":"ping","at":5}"#),
            (Direction::Out, false, r#"{"type":"pong","at":5}"#),
        ]
    );
}
