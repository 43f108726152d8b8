//! Who does not read: skipped, closed with a reason, back without loss, and no burden for the others.

use std::time::Duration;

use websocket_chat::Limits;
use websocket_chat::protocol::{ClientMessage, ServerMessage};

use crate::client::{Client, Server};

const TEXT: usize = 16 << 10;
/// Together more than the sockets' buffers take, and less than the room remembers.
const MESSAGES: u64 = 600;

fn limits() -> Limits {
    Limits {
        stalled: Duration::from_millis(500),
        messages_per_second: 1_000_000,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_stalled_reader_is_closed_with_a_reason_and_resumes_without_loss() {
    let server = Server::start(limits()).await;
    let mut fast = server.member("Fast", "lab").await;
    let mut slow = Client::connect_narrow(server.address).await;
    slow.hello("Slow", None).await;
    slow.join("lab", None).await;
    let text = "x".repeat(TEXT);
    let mut said = 0;
    while said < MESSAGES {
        said += 1;
        fast.say("lab", &said.to_string(), &text).await;
        assert_eq!(fast.message().await.0, said);
    }
    // Nothing to wait for but the time that a stalled reader is given
    tokio::time::sleep(limits().stalled * 2).await;
    let (mut last, mut missed) = (0, None);
    let (code, reason) = loop {
        match slow.raw().await {
            Some(tokio_tungstenite::tungstenite::Message::Text(text)) => {
                match serde_json::from_str(&text).unwrap() {
                    ServerMessage::Message { seq, .. } => {
                        assert_eq!(seq, last + 1, "in order, without a gap that is not told");
                        last = seq;
                    }
                    ServerMessage::Skipped { after, before, .. } => {
                        assert_eq!(after, last);
                        missed = Some(last);
                        last = before - 1;
                    }
                    _ => {}
                }
            }
            Some(tokio_tungstenite::tungstenite::Message::Close(Some(frame))) => {
                break (u16::from(frame.code), frame.reason.to_string());
            }
            Some(_) => {}
            None => panic!("closed without a word after {last}"),
        }
    };
    assert_eq!(
        (code, &*reason),
        (1013, "you read too slowly; resume with the last seq")
    );
    let from = missed.unwrap_or(last);
    assert!(from < said, "{from}");

    let mut back = Client::connect(server.address, "/chat").await;
    back.hello("Slow", Some(slow.session.clone())).await;
    let (head, recovered, _) = back.join("lab", Some((slow.epoch.clone(), from))).await;
    assert_eq!((head, recovered), (said, true));
    for expected in from + 1..=said {
        assert_eq!(back.message().await.0, expected);
    }
}

#[tokio::test]
async fn what_was_skipped_can_be_asked_for() {
    let patient = Limits {
        stalled: Duration::from_secs(60),
        ..limits()
    };
    let server = Server::start(patient).await;
    let mut fast = server.member("Fast", "lab").await;
    let mut slow = Client::connect_narrow(server.address).await;
    slow.hello("Slow", None).await;
    slow.join("lab", None).await;
    let text = "x".repeat(TEXT);
    for said in 1..=MESSAGES {
        fast.say("lab", &said.to_string(), &text).await;
        assert_eq!(fast.message().await.0, said);
    }
    let (after, before) = slow
        .find(|message| match message {
            ServerMessage::Skipped { after, before, .. } => Some((after, before)),
            _ => None,
        })
        .await;
    assert_eq!(before, MESSAGES + 1);
    slow.send(ClientMessage::History {
        room: "lab".to_owned(),
        after,
        before: Some(after + 4),
    })
    .await;
    let events = slow
        .find(|message| match message {
            ServerMessage::History {
                events, complete, ..
            } => complete.then_some(events),
            _ => None,
        })
        .await;
    assert_eq!(events.len(), 3);
    fast.say("lab", "new", "newest").await;
    assert_eq!(slow.message().await, (MESSAGES + 1, "newest".to_owned()));
}
