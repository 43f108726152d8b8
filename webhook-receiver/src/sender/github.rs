//! GitHub's side of a webhook: an event becomes a payload, an encoding, a signature over exactly those bytes, and the
//! headers that a receiver decides by.

use std::str::FromStr;

use serde_json::{Value, json};

use super::payload::{self, Story};
use super::{Message, SendError};
use crate::signature;

/// The example values that GitHub's documentation uses.
const HOOK_ID: u64 = 292_430_182;
const REPOSITORY_ID: &str = "79929171";

/// The events that we can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Ping,
    IssuesOpened,
    IssuesEdited,
    IssuesClosed,
    IssueComment,
    Push,
    Star,
}

impl Event {
    pub const ALL: [(&'static str, Self); 7] = [
        ("ping", Self::Ping),
        ("issues.opened", Self::IssuesOpened),
        ("issues.edited", Self::IssuesEdited),
        ("issues.closed", Self::IssuesClosed),
        ("issue_comment", Self::IssueComment),
        ("push", Self::Push),
        ("star", Self::Star),
    ];

    /// The value of X-GitHub-Event.
    pub fn header(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::IssuesOpened | Self::IssuesEdited | Self::IssuesClosed => "issues",
            Self::IssueComment => "issue_comment",
            Self::Push => "push",
            Self::Star => "star",
        }
    }
}

impl FromStr for Event {
    type Err = SendError;

    fn from_str(name: &str) -> Result<Self, SendError> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|&(_, event)| event)
            .ok_or_else(|| SendError::Event(name.to_owned()))
    }
}

/// How the payload travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Json,
    Form,
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// The event's payload. `url` is the receiver's, which only a ping mentions.
pub(super) fn payload(event: Event, story: &Story, url: &str, encoding: Encoding) -> Value {
    let about_issue = |action: &str, closed: bool| {
        json!({
            "action": action, "issue": payload::issue(story, closed, 0),
            "repository": payload::repository(&story.now, 0), "sender": payload::user(),
        })
    };
    match event {
        Event::Ping => {
            let short = if encoding == Encoding::Form {
                "form"
            } else {
                "json"
            };
            json!({
                "zen": "Say it once, and say who is speaking.", "hook_id": HOOK_ID,
                "hook": payload::hook(story, HOOK_ID, url, short),
                "repository": payload::repository(&story.now, 0), "sender": payload::user(),
            })
        }
        Event::IssuesOpened => about_issue("opened", false),
        Event::IssuesClosed => about_issue("closed", true),
        Event::IssuesEdited => {
            let mut edited = about_issue("edited", false);
            edited["changes"] = json!({ "title": { "from": "An earlier title" } });
            edited
        }
        Event::IssueComment => json!({
            "action": "created", "issue": payload::issue(story, false, 1), "comment": payload::comment(story),
            "repository": payload::repository(&story.now, 0), "sender": payload::user(),
        }),
        Event::Push => payload::push(story),
        Event::Star => json!({
            "action": "created", "starred_at": story.now, "repository": payload::repository(&story.now, 1),
            "sender": payload::user(),
        }),
    }
}

/// The bytes and headers of one delivery. `delivery_id` stays the same when it is delivered again.
pub(super) fn message(
    event: &str,
    payload: &Value,
    encoding: Encoding,
    secret: &str,
    delivery_id: &str,
) -> Message {
    let json = payload.to_string();
    let body = match encoding {
        Encoding::Json => json.into_bytes(),
        Encoding::Form => format!("payload={}", form_encoded(&json)).into_bytes(),
    };
    let mut headers: Vec<(String, String)> = [
        ("accept", "*/*"),
        ("content-type", encoding.content_type()),
        ("user-agent", "GitHub-Hookshot/lab0008"),
        ("x-github-delivery", delivery_id),
        ("x-github-event", event),
        ("x-github-hook-id", &HOOK_ID.to_string()),
        ("x-github-hook-installation-target-id", REPOSITORY_ID),
        ("x-github-hook-installation-target-type", "repository"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    if !secret.is_empty() {
        let (new, old) = signature::sign_github(secret, &body);
        headers.push(("x-hub-signature".to_owned(), old));
        headers.push(("x-hub-signature-256".to_owned(), new));
    }
    Message {
        headers,
        body: body.into(),
    }
}

/// The encoding of HTML forms: letters, digits and `*-._` stay, a space is a plus.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;

    fn story() -> Story {
        Story {
            title: "Größe & Farbe? 100 %".to_owned(),
            text: "It's a body".to_owned(),
            number: 8,
            now: "2026-02-03T04:05:06Z".to_owned(),
        }
    }

    fn headers(message: &Message) -> HeaderMap {
        let pairs = message.headers.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>()
    }

    #[test]
    fn every_event_is_signed_over_the_bytes_that_are_sent() {
        for (name, event) in Event::ALL {
            for encoding in [Encoding::Json, Encoding::Form] {
                let payload = payload(event, &story(), "http://localhost/", encoding);
                let message = message(event.header(), &payload, encoding, "s3cret", "guid-1");
                let report = signature::check("s3cret", &headers(&message), &message.body, 0);
                assert_eq!(
                    report.verdict,
                    signature::Verdict::Valid,
                    "{name} {report:?}"
                );
                let id = signature::delivery_id(&headers(&message));
                assert_eq!(id.as_deref(), Some("guid-1"));
            }
        }
    }

    #[test]
    fn the_form_carries_the_same_json() {
        let payload = payload(Event::IssuesOpened, &story(), "", Encoding::Form);
        let message = message("issues", &payload, Encoding::Form, "", "1");
        let body = std::str::from_utf8(&message.body).unwrap();
        let encoded = body.strip_prefix("payload=").unwrap().replace('+', " ");
        let mut decoded = Vec::new();
        let mut rest = encoded.as_bytes();
        while let [first, tail @ ..] = rest {
            if *first == b'%' {
                let digits = std::str::from_utf8(&tail[..2]).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &tail[2..];
            } else {
                decoded.push(*first);
                rest = tail;
            }
        }
        assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), payload);
        assert!(
            message
                .headers
                .iter()
                .all(|(name, _)| !name.contains("signature"))
        );
    }

    #[test]
    fn an_event_that_we_do_not_play_is_an_error_that_names_the_others() {
        let error = "pull_request".parse::<Event>().unwrap_err().to_string();
        assert!(
            error.contains("pull_request") && error.contains("issues.opened"),
            "{error}"
        );
    }
}
