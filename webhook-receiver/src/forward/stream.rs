//! A token's log as server-sent events: `parcels` for forwarders, whole and without a gap, and `stream` for the page,
//! one line per event and only as often as an eye can follow.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::header::HeaderName;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::sleep;

use super::parcel::Parcel;
use super::tail::Tail;
use crate::app::App;
use crate::desk::Guard;
use crate::refusal::Refusal;
use crate::signature;
use crate::store::{Event, Heard, Kind, Store, Token};

/// A third of what a forwarder takes for a dead line.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// The page is told at most ten times a second...
const PAGE_PAUSE: Duration = Duration::from_millis(100);
/// ... of the newest so many; the rest it is told the number of.
const PAGE_ROWS: usize = 50;
/// Longest wait for a forwarder's answer.
const LONGEST_LISTEN: u64 = 10;
/// nginx and our proxy pass a response with this header on as it comes.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// What a forwarder asks for.
#[derive(Deserialize)]
pub(super) struct Follow {
    after: Option<i64>,
    #[serde(default)]
    listen: u64,
}

type Lines = Result<sse::Event, Infallible>;

/// `GET /token/{token}/parcels?after=N&listen=SECONDS`. While it lasts, senders wait so long for an answer.
pub(super) async fn parcels(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(follow): Query<Follow>,
) -> Result<Response, Refusal> {
    let token = known(&app.store, &token).await?;
    let tail = Tail::follow(&app.store, token.id, follow.after).await?;
    let wait = Duration::from_secs(follow.listen.min(LONGEST_LISTEN));
    let guard = app.desk.listening(token.id, wait);
    let ready = sse::Event::default()
        .event("ready")
        .data(tail.after().to_string());
    let lines = stream::iter([Ok(ready)]).chain(parcel_lines(tail, guard));
    Ok(answer(&app, lines))
}

fn parcel_lines(tail: Tail, guard: Guard) -> impl Stream<Item = Lines> {
    stream::unfold((tail, guard), |(mut tail, guard)| async move {
        loop {
            // An error ends the stream; the forwarder comes back behind its last event.
            let event = tail.next().await.ok()?;
            if event.kind == Kind::Web {
                let line = parcel(&event).to_line();
                let line = sse::Event::default().event("parcel").data(line);
                return Some((Ok(line), (tail, guard)));
            }
        }
    })
}

/// The event as a forwarder wants it.
pub(super) fn parcel(event: &Event) -> Parcel {
    Parcel {
        sequence: event.sequence,
        id: event.id,
        method: event.method.clone(),
        path: event.path.clone(),
        query: event.query.clone(),
        headers: event.headers.clone(),
        body: event.body.clone(),
    }
}

/// `GET /token/{token}/stream`: rows for the page's list, from now on.
pub(super) async fn rows(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let token = known(&app.store, &token).await?;
    let feed = app.store.subscribe(token.id);
    let first = sse::Event::default().event("ready").data("{}");
    let lines = stream::unfold(
        (feed, app.clone(), token),
        |(mut feed, app, token)| async move {
            let (events, missed) = burst(&mut feed).await?;
            // The secret may have changed since.
            let token = app.store.token(&token.id.to_string()).await.ok()??;
            let rows: Vec<Value> = events.iter().map(|event| row(&token, event)).collect();
            let line = json!({ "rows": rows, "missed": missed }).to_string();
            let line = sse::Event::default().event("rows").data(line);
            Some((Ok(line), (feed, app, token)))
        },
    );
    Ok(answer(&app, stream::iter([Ok(first)]).chain(lines)))
}

/// Waits for an event, then a moment for others; the newest, and how many more there were.
async fn burst(feed: &mut Receiver<Heard>) -> Option<(Vec<Arc<Event>>, u64)> {
    let mut events = Vec::new();
    let mut missed = 0;
    match feed.recv().await {
        Ok(Heard::Event(event)) => events.push(event),
        Ok(Heard::Large) => missed += 1,
        Err(RecvError::Lagged(more)) => missed += more,
        Err(RecvError::Closed) => return None,
    }
    sleep(PAGE_PAUSE).await;
    loop {
        match feed.try_recv() {
            Ok(Heard::Event(event)) => events.push(event),
            Ok(Heard::Large) => missed += 1,
            Err(TryRecvError::Lagged(more)) => missed += more,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    let too_many = events.len().saturating_sub(PAGE_ROWS);
    events.drain(..too_many);
    Some((events, missed + too_many as u64))
}

/// One line of the page's list, in the words of the REST API's records, without the large parts.
fn row(token: &Token, event: &Event) -> Value {
    let now = event.at.as_second();
    let signature = signature::check(&token.secret, &event.headers, &event.body, now);
    json!({
        "uuid": event.id, "sequence": event.sequence, "type": event.kind.name(), "method": event.method,
        "url": event.url(), "ip": event.ip, "size": event.size, "sender": event.sender,
        "created_at": event.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "signature": if token.secret.is_empty() { Value::Null } else { json!(signature) },
        "duplicate_of": event.duplicate_of,
    })
}

async fn known(store: &Store, token: &str) -> Result<Arc<Token>, Refusal> {
    store.token(token).await?.ok_or(Refusal::NoToken)
}

/// The stream, until the service stops: it must not hold up the shutdown.
fn answer(app: &App, lines: impl Stream<Item = Lines> + Send + 'static) -> Response {
    let shutdown = app.shutdown.clone();
    let lines = lines.take_until(async move { shutdown.triggered().await });
    let life = KeepAlive::new().interval(SIGN_OF_LIFE);
    ([UNBUFFERED], Sse::new(lines).keep_alive(life)).into_response()
}
