//! Live push in the words of smee.io and of Engine.IO 3, and answers that forwarders bring. The clients that others
//! wrote are run by `tests/clients`.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::harness::{DEADLINE, Receiver, plain, told};

/// Reads on until `wanted` has come.
pub(crate) async fn heard(response: &mut Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let piece = timeout(DEADLINE, response.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        text += str::from_utf8(&piece).unwrap();
    }
    text
}

#[tokio::test]
async fn a_smee_channel_streams_what_is_sent_there() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let redirects = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(redirects)
        .build()
        .unwrap();
    let fresh = client.get(receiver.url("/new")).send().await.unwrap();
    assert_eq!(fresh.status(), 307);
    let channel = fresh.headers()["location"].to_str().unwrap().to_owned();
    let mut stream = client
        .get(&channel)
        .header("Accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    heard(&mut stream, "event: ready").await;
    let sent = client
        .post(format!("{channel}?a=1"))
        .header("X-GitHub-Event", "ping")
        .body("{\"n\": 1.0}")
        .send();
    assert_eq!(sent.await.unwrap().status(), 200);
    let text = heard(&mut stream, "timestamp").await;
    let data = text
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&data["body"], &data["query"]),
        (&json!({"n": 1.0}), &json!({"a": "1"}))
    );
    assert_eq!(data["x-github-event"], "ping");
}

/// A client of Engine.IO 3 by polling, as whcli begins.
pub(crate) struct Poller<'a> {
    receiver: &'a Receiver,
    base: String,
}

impl<'a> Poller<'a> {
    pub(crate) async fn connect(receiver: &'a Receiver) -> Self {
        let base = "/socket.io/?EIO=3&transport=polling&b64=1".to_owned();
        let (status, text) = told(receiver.get(&base).send().await.unwrap()).await;
        assert_eq!(status, 200, "{text}");
        let opened = &text[text.find('{').unwrap()..=text.find('}').unwrap()];
        let opened: Value = serde_json::from_str(opened).unwrap();
        let base = format!("{base}&sid={}", opened["sid"].as_str().unwrap());
        Self { receiver, base }
    }

    pub(crate) async fn subscribe(&self, channel: &str) {
        let packet = format!(
            "42[\"subscribe\",{{\"channel\":\"{channel}\",\"auth\":{{\"headers\":{{}}}}}}]"
        );
        let body = format!("{}:{packet}", packet.encode_utf16().count());
        let posted = self
            .receiver
            .client
            .post(self.receiver.url(&self.base))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(told(posted).await, (200, "ok".to_owned()));
    }

    /// Polls until an event comes and gives back its arguments.
    async fn event_within(&self, patience: Duration) -> Option<Vec<Value>> {
        let poll = async {
            loop {
                let (_, text) = told(self.receiver.get(&self.base).send().await.unwrap()).await;
                let packets = unframed(&text);
                if let Some(event) = packets.iter().find_map(|packet| packet.strip_prefix("42")) {
                    return serde_json::from_str(event).unwrap();
                }
            }
        };
        tokio::time::timeout(patience, poll).await.ok()
    }

    /// Sends events to `inbox`, the first with the query `n=1`, until one is pushed: the protocol does not say when a
    /// subscription counts. Gives back its number and its arguments.
    pub(crate) async fn first_event(
        &self,
        inbox: &Receiver,
        token: &str,
        body: &'static str,
    ) -> (u64, Vec<Value>) {
        for number in 1..100 {
            let url = inbox.url(&format!("/{token}/p?n={number}"));
            let sent = inbox.client.post(url).body(body).send();
            assert_eq!(sent.await.unwrap().status(), 200);
            let Some(event) = self.event_within(Duration::from_secs(2)).await else {
                continue;
            };
            let number = event[2]["request"]["query"]["n"].as_str().unwrap();
            return (number.parse().unwrap(), event);
        }
        panic!("no event came");
    }
}

/// `LENGTH:PACKET` after one another; a length counts units of UTF-16.
fn unframed(text: &str) -> Vec<String> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let (mut packets, mut rest) = (Vec::new(), &units[..]);
    while let Some(colon) = rest.iter().position(|&unit| unit == u16::from(b':')) {
        let length = String::from_utf16(&rest[..colon]).unwrap();
        let (packet, more) = rest[colon + 1..].split_at(length.parse().unwrap());
        packets.push(String::from_utf16(packet).unwrap());
        rest = more;
    }
    packets
}

#[tokio::test]
async fn engine_io_3_gets_each_event_with_lengths_in_utf_16() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let poller = Poller::connect(&receiver).await;
    let channel = format!("private-token.{token}");
    poller.subscribe(&channel).await;
    let (number, event) = poller
        .first_event(&receiver, &token, "\u{1f600}\u{e9}")
        .await;
    assert_eq!(
        (&event[0], &event[1]),
        (&json!("request.created"), &json!(channel))
    );
    let data = &event[2];
    assert_eq!(data["request"]["content"], "\u{1f600}\u{e9}");
    assert_eq!(
        (&data["total"], &data["truncated"]),
        (&json!(number), &json!(false))
    );
    for variables in ["variables", "runtime_variables"] {
        assert_eq!(data[variables]["request.method"], "POST");
        assert_eq!(data[variables]["request.query.n"], number.to_string());
    }
}

#[tokio::test]
async fn a_sender_gets_the_forwarders_answer_and_waits_only_while_one_is_there() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver
        .token(json!({"listen": 10, "default_content": "own"}))
        .await;
    let url = receiver.url(&format!("/{token}"));
    let began = Instant::now();
    assert_eq!(
        told(receiver.client.post(&url).send().await.unwrap())
            .await
            .1,
        "own"
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it waited for nobody"
    );
    let poller = Poller::connect(&receiver).await;
    poller.subscribe(&format!("private-token.{token}")).await;
    let answer = json!({
        "status": 201, "content": "aGk=",
        "headers": {"set-cookie": ["a=1", "b=2"], "connection": ["close"], "transfer-encoding": ["chunked"]},
    });
    // The protocol does not say when a subscription counts: a sender that was quicker gets the token's own answer, and
    // what it sent is perhaps not pushed.
    let deadline = Instant::now() + DEADLINE;
    loop {
        let sender = tokio::spawn(receiver.client.post(&url).send());
        let Some(event) = poller.event_within(Duration::from_secs(2)).await else {
            assert!(Instant::now() < deadline, "no event comes");
            assert_eq!(told(sender.await.unwrap().unwrap()).await.1, "own");
            continue;
        };
        let id = event[2]["request"]["uuid"].as_str().unwrap();
        let path = receiver.url(&format!("/token/{token}/request/{id}/response"));
        let put = receiver
            .client
            .put(path)
            .json(&answer)
            .send()
            .await
            .unwrap();
        assert_eq!(put.status(), 200);
        let response = sender.await.unwrap().unwrap();
        let cookies = response.headers().get_all("set-cookie").iter().count();
        let told = told(response).await;
        if told.1 == "own" {
            assert!(
                Instant::now() < deadline,
                "no sender waits for the forwarder"
            );
            continue;
        }
        assert_eq!((told, cookies), ((201, "hi".to_owned()), 2));
        break;
    }
}
