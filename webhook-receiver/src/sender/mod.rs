//! The other end of a webhook: plays GitHub, or a sender of Standard Webhooks. Takes a [`Request`] for a delivery,
//! makes its exact bytes and signature, sends it once with a deadline of 10 seconds (as GitHub does, who never tries
//! again by itself), and hands on what came back. A redelivery sends the same event under the same id.

mod command;
mod github;
mod panel;
mod payload;
mod standard;

use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Client;
use serde::Serialize;
use uuid::Uuid;

pub use command::{Arguments, run};
pub use github::{Encoding, Event};
pub(crate) use panel::{Panel, routes};
pub use payload::Story;

use crate::target::{self, Refused, Targets};

/// GitHub gives a receiver this long, then counts the delivery as failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// This much of an answer is kept for the log.
const MAX_ANSWER: usize = 20_000;

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(
        "{0:?} is none of ping, issues.opened, issues.edited, issues.closed, issue_comment, push, star, standard"
    )]
    Event(String),
    #[error("a secret for Standard Webhooks is whsec_ and base64, such as whsec_bGFiLTg=")]
    Secret,
    #[error("target refused: {0}")]
    Target(#[from] Refused),
    #[error("{0:?} can't stand in a header")]
    Header(String),
}

/// Which sender is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    GitHub(Event, Encoding),
    Standard,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub preset: Preset,
    pub secret: String,
    pub story: Story,
    /// Stays the same over redeliveries.
    pub id: String,
}

/// The bytes of one delivery.
#[derive(Clone, Debug)]
pub struct Message {
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What a delivery came to: a status, or why there is none.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub status: Option<u16>,
    pub error: Option<String>,
    pub duration_ms: u64,
    pub answer: String,
}

impl Outcome {
    /// Only 2xx counts; a redirect is a failure.
    pub fn delivered(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Request {
    /// A new delivery of `preset` with an id of its own.
    pub fn new(preset: Preset, secret: String, title: String, text: String, number: u64) -> Self {
        let id = Uuid::new_v4();
        let id = match preset {
            Preset::GitHub(..) => id.to_string(),
            Preset::Standard => format!("msg_{}", id.simple()),
        };
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a second of today");
        let story = Story {
            title,
            text,
            number,
            now: now.to_string(),
        };
        Self {
            preset,
            secret,
            story,
            id,
        }
    }

    /// The exact bytes. GitHub repeats a delivery byte for byte; Standard Webhooks signs each attempt's time.
    pub fn message(&self, url: &str) -> Result<Message, SendError> {
        match self.preset {
            Preset::GitHub(event, encoding) => {
                let payload = github::payload(event, &self.story, url, encoding);
                Ok(github::message(
                    event.header(),
                    &payload,
                    encoding,
                    &self.secret,
                    &self.id,
                ))
            }
            Preset::Standard => {
                let now = Timestamp::now().as_second();
                standard::message("issue.opened", &self.story, &self.secret, &self.id, now)
            }
        }
    }
}

/// A client for deliveries under the given policy.
pub fn client(targets: &Targets) -> Client {
    targets.client(ANSWER_WITHIN)
}

/// Sends one message to `url`, once.
pub async fn deliver(
    client: &Client,
    targets: &Targets,
    url: &str,
    message: &Message,
) -> Result<Outcome, SendError> {
    let url = targets.check(url)?;
    let mut request = client.post(url).body(message.body.clone());
    for (name, value) in &message.headers {
        request = request.header(name, value);
    }
    let request = request
        .build()
        .map_err(|error| SendError::Header(error.to_string()))?;
    let started = Instant::now();
    let answered = client.execute(request).await;
    let (status, error, answer) = match answered {
        Ok(response) => {
            let status = response.status().as_u16();
            match start_of(response).await {
                Ok(answer) => (Some(status), None, answer),
                Err(error) => (Some(status), Some(target::reason(&error)), String::new()),
            }
        }
        Err(error) => (None, Some(target::reason(&error)), String::new()),
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Outcome {
        status,
        error,
        duration_ms,
        answer,
    })
}

/// The start of an answer, as text. An answer without an end is not read to its end.
async fn start_of(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut start = Vec::new();
    while start.len() < MAX_ANSWER
        && let Some(chunk) = response.chunk().await?
    {
        start.extend_from_slice(&chunk);
    }
    start.truncate(MAX_ANSWER);
    Ok(String::from_utf8_lossy(&start).into_owned())
}
