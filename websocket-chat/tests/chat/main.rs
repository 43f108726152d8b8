//! The chat over real sockets: order, resume, refusals, slow readers, ends.

mod client;
mod frames;
mod slow;

use std::time::Duration;

use websocket_chat::Limits;
use websocket_chat::protocol::{ClientMessage, ErrorCode, ServerMessage};

use client::{Client, Server};

#[tokio::test]
async fn every_member_sees_every_message_in_one_order_without_gaps() {
    const MEMBERS: u64 = 8;
    const EACH: u64 = 30;
    let server = Server::start(Limits::default()).await;
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        members.push(server.member(&format!("m{number}"), "lab").await);
    }
    for round in 0..EACH {
        for (number, member) in members.iter_mut().enumerate() {
            let id = format!("{number}-{round}");
            member.say("lab", &id, &id).await;
        }
    }
    let mut expected = None;
    for member in &mut members {
        let mut seen = Vec::new();
        while seen.len() < usize::try_from(MEMBERS * EACH).unwrap() {
            seen.push(member.message().await);
        }
        let numbers: Vec<_> = seen.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, (1..=MEMBERS * EACH).collect::<Vec<_>>());
        assert_eq!(*expected.get_or_insert_with(|| seen.clone()), seen);
    }
}

#[tokio::test]
async fn after_a_cut_nothing_is_lost_and_nothing_comes_twice() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    let mut bob = server.member("Bob", "lab").await;
    ann.say("lab", "a1", "one").await;
    assert_eq!(ann.acked("a1").await, Some(1));
    assert_eq!(bob.message().await, (1, "one".to_owned()));
    bob.say("lab", "b1", "two").await;
    assert_eq!(bob.acked("b1").await, Some(2));
    let (session, epoch) = (bob.session.clone(), bob.epoch.clone());
    drop(bob); // without a word
    ann.say("lab", "a2", "three").await;
    assert_eq!(ann.acked("a2").await, Some(3));

    let mut bob = Client::connect(server.address, "/chat").await;
    bob.hello("Bob", Some(session)).await;
    let (head, recovered, _) = bob.join("lab", Some((epoch, 1))).await;
    assert_eq!((head, recovered), (3, true));
    // It does not know whether its last message arrived, so it says it again.
    bob.say("lab", "b1", "two").await;
    assert_eq!(bob.message().await, (2, "two".to_owned()));
    assert_eq!(bob.message().await, (3, "three".to_owned()));
    ann.say("lab", "a3", "four").await;
    assert_eq!(bob.message().await, (4, "four".to_owned()));
    bob.say("lab", "b1", "two").await;
    assert_eq!(
        bob.acked("b1").await,
        Some(2),
        "the number of the first time"
    );
}

#[tokio::test]
async fn who_resumes_what_is_unknown_is_told_so() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    ann.say("lab", "a1", "one").await;
    ann.acked("a1").await;
    for (name, resume) in [
        ("Bob", ("other".to_owned(), 1)),
        ("Carl", (ann.epoch.clone(), 9)),
    ] {
        let mut back = server.client(name).await;
        let (head, recovered, _) = back.join("lab", Some(resume)).await;
        assert_eq!((head, recovered), (1, false));
        assert_eq!(back.message().await, (1, "one".to_owned()));
    }
}

#[tokio::test]
async fn a_name_stays_its_sessions_for_a_while_after_a_cut() {
    let server = Server::start(Limits::default()).await;
    let mut bob = server.client("Bob").await;
    bob.stream.close(None).await.unwrap();
    while bob.raw().await.is_some() {}
    let mut other = Client::connect(server.address, "/chat").await;
    let (name, session) = ("Bob".to_owned(), None);
    other.send(ClientMessage::Hello { name, session }).await;
    assert_eq!(refusal(&mut other).await, ErrorCode::Taken);
    other.hello("Bob", Some(bob.session.clone())).await;
}

async fn refusal(client: &mut Client) -> ErrorCode {
    client
        .find(|message| match message {
            ServerMessage::Error { code, .. } => Some(code),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn members_see_each_other_come_type_edit_and_go() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    let mut bob = server.client("Bob").await;
    let (_, _, members) = bob.join("lab", None).await;
    assert_eq!(members, ["Ann", "Bob"]);
    let room = || "lab".to_owned();
    bob.send(ClientMessage::Typing { room: room() }).await;
    bob.say("lab", "b1", "helo").await;
    let target = bob.acked("b1").await.unwrap();
    bob.send(ClientMessage::Edit {
        room: room(),
        id: "b2".to_owned(),
        target,
        text: "hello".to_owned(),
    })
    .await;
    bob.acked("b2").await;
    ann.send(ClientMessage::Edit {
        room: room(),
        id: "a1".to_owned(),
        target,
        text: "not mine".to_owned(),
    })
    .await;
    assert_eq!(refusal(&mut ann).await, ErrorCode::NotFound);
    drop(bob);
    let mut carl = server.member("Carl", "lab").await;
    let (first, second) = (carl.next().await, carl.next().await);
    assert!(matches!(&first, ServerMessage::Message { text, .. } if text == "helo"));
    assert!(
        matches!(&second, ServerMessage::Edited { text, seq: 2, target: 1, .. } if text == "hello")
    );
    carl.send(ClientMessage::History {
        room: room(),
        after: 0,
        before: None,
    })
    .await;
    let history = carl.next().await;
    let expected = ServerMessage::History {
        room: room(),
        complete: true,
        events: vec![first, second],
    };
    assert_eq!(history, expected);
}

#[tokio::test]
async fn presence_tells_of_the_first_and_the_last_connection_of_a_name() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    let bob = server.member("Bob", "lab").await;
    let mut tab = Client::connect(server.address, "/chat").await;
    tab.hello("Bob", Some(bob.session.clone())).await;
    tab.join("lab", None).await;
    drop(bob);
    drop(tab);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match ann.next().await {
            ServerMessage::Arrived { name, .. } if name != "Ann" => seen.push(format!("+{name}")),
            ServerMessage::Departed { name, .. } => seen.push(format!("-{name}")),
            _ => {}
        }
    }
    assert_eq!(seen, ["+Bob", "-Bob"]);
}

#[tokio::test]
async fn a_private_message_reaches_one_and_no_other() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    let mut bob = server.member("Bob", "lab").await;
    let mut carl = server.member("Carl", "lab").await;
    let private = |to: &str| ClientMessage::Private {
        to: to.to_owned(),
        id: "p1".to_owned(),
        text: "psst".to_owned(),
    };
    ann.send(private("Bob")).await;
    assert_eq!(ann.acked("p1").await, None);
    bob.find(|message| {
        matches!(message, ServerMessage::Private { from, .. } if from == "Ann").then_some(())
    })
    .await;
    ann.send(private("Dora")).await;
    assert_eq!(refusal(&mut ann).await, ErrorCode::Nobody);
    ann.say("lab", "a1", "all").await;
    let next = carl
        .find(|message| (!matches!(message, ServerMessage::Arrived { .. })).then_some(message))
        .await;
    assert!(matches!(next, ServerMessage::Message { .. }), "{next:?}");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_and_the_line_holds() {
    let limits = Limits {
        rooms_each: 1,
        members: 2,
        text: 10,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut one = server.member("One", "lab").await;
    let mut new = Client::connect(server.address, "/chat").await;
    new.say("lab", "x", "y").await;
    assert_eq!(refusal(&mut new).await, ErrorCode::Hello);
    let hello = |name: &str| ClientMessage::Hello {
        name: name.to_owned(),
        session: None,
    };
    for (name, code) in [
        ("", ErrorCode::Name),
        ("a\nb", ErrorCode::Name),
        (" a", ErrorCode::Name),
        (&"n".repeat(65), ErrorCode::Name),
        ("One", ErrorCode::Taken),
    ] {
        new.send(hello(name)).await;
        assert_eq!(refusal(&mut new).await, code, "{name:?}");
    }
    new.hello("New", None).await;
    new.send(hello("Newer")).await;
    assert_eq!(refusal(&mut new).await, ErrorCode::Hello);
    new.say("lab", "x", "y").await;
    assert_eq!(refusal(&mut new).await, ErrorCode::NotFound);
    new.join("lab", None).await;
    new.say("lab", "x", "12345678901").await;
    assert_eq!(refusal(&mut new).await, ErrorCode::Text);
    let join = |room: &str| ClientMessage::Join {
        room: room.to_owned(),
        epoch: None,
        after: None,
    };
    new.send(join("other")).await;
    assert_eq!(refusal(&mut new).await, ErrorCode::Full);
    let mut third = server.client("Third").await;
    third.send(join("lab")).await;
    assert_eq!(refusal(&mut third).await, ErrorCode::Full);
    one.say("lab", "ok", "fine").await;
    assert_eq!(new.message().await, (1, "fine".to_owned()));
}

#[tokio::test]
async fn who_talks_too_fast_is_refused_and_then_closed() {
    let limits = Limits {
        messages_per_second: 1,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut fast = server.member("Fast", "lab").await;
    for number in 0..300 {
        fast.say("lab", &number.to_string(), "spam").await;
    }
    assert_eq!(refusal(&mut fast).await, ErrorCode::Rate);
    assert_eq!(fast.closed().await.0, 1008);
}

#[tokio::test]
async fn a_shutdown_tells_everyone_and_waits() {
    let server = Server::start(Limits::default()).await;
    let mut ann = server.member("Ann", "lab").await;
    let mut echo = Client::connect(server.address, "/echo").await;
    server.shutdown.trigger();
    for client in [&mut ann, &mut echo] {
        let (code, reason) = client.closed().await;
        assert_eq!((code, &*reason), (1001, "the server is shutting down"));
        while client.raw().await.is_some() {}
    }
    server.ended().await;
}

#[tokio::test]
async fn who_is_silent_is_pinged_and_then_closed() {
    let limits = Limits {
        heartbeat: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    // Tungstenite answers pings while it reads.
    let mut alive = server.member("Alive", "lab").await;
    let mut unknown = Client::connect(server.address, "/chat").await;
    assert_eq!(unknown.closed().await, (1008, "say hello first".to_owned()));
    let mut pings = 0;
    while pings < 3 {
        pings += u32::from(alive.raw().await.unwrap().is_ping());
    }
}
