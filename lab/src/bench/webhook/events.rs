//! The events, and how they are sent: a GitHub delivery of 12 KB, signed, each under an id of its own, over connections
//! that are kept. Only a 2xx counts, since that is the receiver's promise.
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder};
use tokio::task::JoinSet;

use crate::binaries::Binaries;

pub(super) const SECRET: &str = "bench-secret";
const SIZE: usize = 12 * 1024;

/// One delivery, but for its id.
#[derive(Clone, Debug)]
pub(super) struct Event {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) per_second: f64,
    pub(super) p99_ms: f64,
    pub(super) stored: usize,
    /// Not answered, or not with 2xx.
    pub(super) failed: usize,
}

impl Event {
    /// Made and signed by our own sender.
    pub(super) fn signed(binaries: &Binaries) -> Result<Self> {
        let bare = Self::with_text(binaries, "")?;
        let filler = "x".repeat(SIZE.saturating_sub(bare.body.len()));
        Self::with_text(binaries, &filler)
    }

    fn with_text(binaries: &Binaries, text: &str) -> Result<Self> {
        let mut send = Command::new(binaries.path("webhook-receiver"));
        send.args([
            "send",
            "issues.opened",
            "--url",
            "http://localhost/",
            "--print",
            "--secret",
            SECRET,
        ]);
        let output = send
            .args(["--text", text])
            .output()
            .context("webhook-receiver send")?;
        ensure!(
            output.status.success(),
            "webhook-receiver send: {}",
            output.status
        );
        let printed = String::from_utf8(output.stdout)?;
        let (head, body) = printed
            .split_once("\n\n")
            .context("headers, an empty line, a body")?;
        let mut headers = HeaderMap::new();
        for line in head.lines() {
            let (name, value) = line.split_once(": ").context("a header")?;
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        let body = body.strip_suffix('\n').unwrap_or(body).as_bytes().to_vec();
        Ok(Self { headers, body })
    }

    pub(super) fn size(&self) -> usize {
        self.body.len()
    }

    /// Sends for so long over so many connections.
    pub(super) async fn storm(
        &self,
        hook: &str,
        connections: u32,
        lasts: Duration,
    ) -> Result<Turn> {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()?;
        let end = Instant::now() + lasts;
        let started = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..connections {
            senders.spawn(sender(
                client.clone(),
                self.clone(),
                hook.to_owned(),
                number,
                end,
            ));
        }
        let (mut times, mut failed) = (Vec::new(), 0);
        while let Some(sent) = senders.join_next().await {
            let (stored, lost) = sent??;
            times.extend(stored);
            failed += lost;
        }
        let seconds = started.elapsed().as_secs_f64();
        ensure!(!times.is_empty(), "nothing was answered");
        times.sort_unstable();
        let p99 = times[(times.len() - 1) * 99 / 100];
        Ok(Turn {
            per_second: times.len() as f64 / seconds,
            p99_ms: p99.as_secs_f64() * 1e3,
            stored: times.len(),
            failed,
        })
    }
}

/// One connection: how long each stored event took, and how many failed.
async fn sender(
    client: Client,
    event: Event,
    hook: String,
    number: u32,
    end: Instant,
) -> Result<(Vec<Duration>, usize)> {
    let run = std::process::id();
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < end {
        let mut headers = event.headers.clone();
        let left = end.duration_since(Instant::now()).as_nanos();
        let id = format!("{run}-{number}-{}-{left}", times.len());
        headers.insert("x-github-delivery", HeaderValue::try_from(id)?);
        let started = Instant::now();
        let request = client.post(&hook).headers(headers).body(event.body.clone());
        if accepted(request).await {
            times.push(started.elapsed());
        } else {
            failed += 1;
        }
    }
    Ok((times, failed))
}

/// Whether the answer came whole, with a 2xx.
async fn accepted(request: RequestBuilder) -> bool {
    let Ok(answer) = request.send().await else {
        return false;
    };
    let stored = answer.status().is_success();
    answer.bytes().await.is_ok() && stored
}
