//! The forwarder's line to the server: one long answer with an event per parcel (server-sent events), read as it
//! comes, and a way to send the target's answer back. Holds no state: who reconnects says where to go on.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Response};
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use super::courier::Answer;
use super::parcel::{BadParcel, Parcel};

/// The server sends a sign of life three times as often; a silent line is a dead one.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest event: 10 MB of body in base64, and its headers.
const MAX_EVENT: usize = 15 * 1024 * 1024;
/// How long the server may take for anything but the stream.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Why the line broke.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("no connection to the receiver")]
    Connect(#[from] reqwest::Error),
    #[error("the receiver has no such token")]
    NoToken,
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error("the receiver closed the line")]
    Closed,
    #[error("no sign of life for 30 seconds")]
    Silence,
    #[error("an event of more than 15 MB")]
    TooLarge,
    #[error("a parcel that can't be read")]
    Parcel(#[from] BadParcel),
}

/// What comes along the line.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// The line stands; new events follow this number.
    Ready(i64),
    Parcel(Box<Parcel>),
}

/// A receiver and one of its tokens.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    client: Client,
    base: String,
}

impl Receiver {
    pub(crate) fn new(server: &str, token: &str) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let base = format!("{}/token/{token}", server.trim_end_matches('/'));
        Ok(Self { client, base })
    }

    /// Opens the line behind `after`; None begins with the next event.
    pub(crate) async fn connect(&self, after: Option<i64>, listen: u64) -> Result<Line, LineError> {
        let after = after.map_or(String::new(), |after| format!("&after={after}"));
        let url = format!("{}/parcels?listen={listen}{after}", self.base);
        let request = self
            .client
            .get(url)
            .header("accept", "text/event-stream")
            .send();
        let response = timeout(ANSWER_WITHIN, request)
            .await
            .map_err(|_| LineError::Silence)??;
        match response.status().as_u16() {
            200 => Ok(Line {
                response,
                buffer: Vec::new(),
                scanned: 0,
            }),
            404 | 410 => Err(LineError::NoToken),
            status => Err(LineError::Status(status)),
        }
    }

    /// Passes the target's answer to the sender, who may still be waiting; whether the receiver took it.
    pub(crate) async fn answer(&self, request: Uuid, answer: &Answer) -> Result<bool, LineError> {
        let mut headers = serde_json::Map::new();
        for name in answer.headers.keys() {
            let values: Vec<String> = answer
                .headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            headers.insert(name.to_string(), json!(values));
        }
        let body = json!({
            "status": answer.status, "content": STANDARD.encode(&answer.body), "headers": headers,
        });
        let url = format!("{}/request/{request}/response", self.base);
        let put = self
            .client
            .put(url)
            .timeout(ANSWER_WITHIN)
            .json(&body)
            .send()
            .await?;
        Ok(put.status().is_success())
    }
}

/// An open line.
#[derive(Debug)]
pub(crate) struct Line {
    response: Response,
    buffer: Vec<u8>,
    /// So much of the buffer holds no end of an event.
    scanned: usize,
}

impl Line {
    /// The next arrival; signs of life are passed over.
    pub(crate) async fn next(&mut self) -> Result<Arrival, LineError> {
        loop {
            while let Some(event) = self.take_event() {
                if let Some(arrival) = arrival(&event)? {
                    return Ok(arrival);
                }
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk
                .map_err(|_| LineError::Silence)??
                .ok_or(LineError::Closed)?;
            self.buffer.extend_from_slice(&chunk);
            if self.buffer.len() > MAX_EVENT {
                return Err(LineError::TooLarge);
            }
        }
    }

    /// Cuts a whole event, which ends with an empty line, off the buffer.
    fn take_event(&mut self) -> Option<Vec<u8>> {
        let from = self.scanned.saturating_sub(1);
        let end = self.buffer[from..]
            .windows(2)
            .position(|pair| pair == b"\n\n");
        let Some(end) = end else {
            self.scanned = self.buffer.len();
            return None;
        };
        let rest = self.buffer.split_off(from + end + 2);
        self.scanned = 0;
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}

/// What one event means; None for comments and kinds that later servers may add.
fn arrival(event: &[u8]) -> Result<Option<Arrival>, LineError> {
    let text = String::from_utf8_lossy(event);
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim_start)
    };
    match (field("event"), field("data")) {
        (Some("ready"), Some(data)) => Ok(data.parse().ok().map(Arrival::Ready)),
        (Some("parcel"), Some(data)) => {
            let parcel = Parcel::from_line(data)?;
            Ok(Some(Arrival::Parcel(Box::new(parcel))))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_and_the_unknown_is_passed_over() {
        assert!(matches!(
            arrival(b"event: ready\ndata: 12\n\n"),
            Ok(Some(Arrival::Ready(12)))
        ));
        for event in [
            &b": still here\n\n"[..],
            b"event: later\ndata: x\n\n",
            b"data: 1\n\n",
        ] {
            assert!(matches!(arrival(event), Ok(None)));
        }
        assert!(arrival(b"event: parcel\ndata: {}\n\n").is_err());
    }
}
