//! Operations over a WebSocket by the graphql-transport-ws protocol, with the close codes that it asks for: the npm
//! package `graphql-ws` is its reference. async-graphql-axum's own closes with other codes, or not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::response::JsonMap;
use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::Response;
use axum::http::header::SET_COOKIE;
use futures_util::{StreamExt, pin_mut};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, interval, sleep_until};

use super::Shared;
use super::visitor::Visitor;
use crate::engine::{Caller, Operation};
use crate::json;
use crate::refusal::Refusal;

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may wait before it says `connection_init`; the reference's default.
const INIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Keeps proxies, which end what is silent for a minute, from ending the connection.
const PING_EVERY: Duration = Duration::from_secs(25);
const MAX_MESSAGE: usize = 64 * 1024;
/// Operations at once in one connection.
const MAX_OPERATIONS: usize = 20;
/// Answers that wait to be sent; then the operations wait.
const QUEUE: usize = 16;

/// Why the server ends a connection: code and reason.
type Close = (u16, String);

/// Answers the handshake, and goes on in a task of its own.
pub(crate) async fn upgrade(
    shared: Arc<Shared>,
    request: Request,
) -> Result<Response<Body>, Refusal> {
    let (mut parts, _) = request.into_parts();
    let handshake = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let handshake = handshake.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let visitor = Visitor::from_headers(&parts.headers);
    shared.engine.session(&visitor); // later there is no answer that could set a cookie
    let cookie = visitor.new_cookie();
    let handshake = handshake
        .protocols([PROTOCOL])
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    let mut response = handshake.on_upgrade(move |socket| serve(shared, visitor, socket));
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn serve(shared: Arc<Shared>, visitor: Visitor, mut socket: WebSocket) {
    let spoken = socket
        .protocol()
        .and_then(|protocol| protocol.to_str().ok());
    let close = if spoken == Some(PROTOCOL) {
        let shutdown = shared.shutdown.clone();
        let (connection, heard) = Connection::new(shared, visitor);
        tokio::select! {
            close = connection.run(heard, &mut socket) => close,
            () = shutdown.triggered() => Some((1001, "Going away".to_owned())),
        }
    } else {
        Some((4406, "Subprotocol not acceptable".to_owned()))
    };
    if let Some((code, reason)) = close {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // An error says that the client is gone already.
        let _ = socket.send(Message::Close(Some(frame))).await;
    }
}

/// What a client may say.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit {
        #[expect(dead_code, reason = "its type is checked")]
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Ping {
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Pong {
        #[expect(dead_code, reason = "its type is checked")]
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Subscribe {
        id: String,
        payload: Subscribe,
    },
    Complete {
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscribe {
    query: String,
    operation_name: Option<String>,
    variables: Option<JsonMap>,
}

/// What an operation has to say.
enum Outgoing {
    Next(String),
    Error(Refusal),
    Complete,
}

/// An operation that runs. Its number tells it from a former one with the same id, which may have left words behind.
struct Running {
    number: u64,
    abort: AbortHandle,
}

struct Connection {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    acknowledged: bool,
    running: HashMap<String, Running>,
    started: u64,
    /// Owns the operations: they end with the connection.
    tasks: JoinSet<()>,
    answers: mpsc::Sender<(String, u64, Outgoing)>,
}

impl Connection {
    fn new(
        shared: Arc<Shared>,
        visitor: Visitor,
    ) -> (Self, mpsc::Receiver<(String, u64, Outgoing)>) {
        let (answers, heard) = mpsc::channel(QUEUE);
        let connection = Self {
            shared,
            caller: Arc::new(caller(visitor)),
            acknowledged: false,
            running: HashMap::new(),
            started: 0,
            tasks: JoinSet::new(),
            answers,
        };
        (connection, heard)
    }

    /// Until the client goes (None), or has to.
    async fn run(
        mut self,
        mut heard: mpsc::Receiver<(String, u64, Outgoing)>,
        socket: &mut WebSocket,
    ) -> Option<Close> {
        let init_until = Instant::now() + INIT_TIMEOUT;
        let mut pings = interval(PING_EVERY);
        pings.tick().await; // the first comes at once
        loop {
            let text = tokio::select! {
                received = socket.recv() => match received?.ok()? {
                    Message::Text(text) => match self.receive(&text) {
                        Ok(answer) => answer,
                        Err(close) => return Some(close),
                    },
                    Message::Binary(_) => return Some(bad_message("send text, not bytes")),
                    Message::Ping(_) | Message::Pong(_) => None,
                    Message::Close(_) => return None,
                },
                Some((id, number, outgoing)) = heard.recv() => self.say(&id, number, outgoing),
                // Its end is told by its last answer.
                Some(_) = self.tasks.join_next() => None,
                () = sleep_until(init_until), if !self.acknowledged => {
                    return Some((4408, "Connection initialisation timeout".to_owned()));
                }
                _ = pings.tick() => {
                    socket.send(Message::Ping(Default::default())).await.ok()?;
                    None
                }
            };
            if let Some(text) = text {
                socket.send(Message::Text(text.into())).await.ok()?;
            }
        }
    }

    /// What to answer to a message at once, if anything.
    fn receive(&mut self, text: &str) -> Result<Option<String>, Close> {
        match serde_json::from_str(text).map_err(|error| bad_message(&error.to_string()))? {
            Incoming::ConnectionInit { .. } if self.acknowledged => {
                Err((4429, "Too many initialisation requests".to_owned()))
            }
            Incoming::ConnectionInit { .. } => {
                self.acknowledged = true;
                Ok(Some("{\"type\":\"connection_ack\"}".to_owned()))
            }
            Incoming::Ping { payload } => Ok(Some(pong(payload.as_ref()))),
            Incoming::Pong { .. } => Ok(None),
            Incoming::Subscribe { .. } if !self.acknowledged => {
                Err((4401, "Unauthorized".to_owned()))
            }
            Incoming::Subscribe { id, payload } => self.subscribe(id, payload),
            Incoming::Complete { id } => {
                if let Some(running) = self.running.remove(&id) {
                    running.abort.abort();
                }
                Ok(None)
            }
        }
    }

    fn subscribe(&mut self, id: String, payload: Subscribe) -> Result<Option<String>, Close> {
        if id.is_empty() {
            return Err(bad_message("`id` is empty"));
        }
        if self.running.contains_key(&id) {
            return Err((4409, reason(&format!("Subscriber for {id} already exists"))));
        }
        if self.running.len() >= MAX_OPERATIONS {
            let text = format!("More than {MAX_OPERATIONS} operations run: complete one first.");
            return Ok(Some(message("error", &id, &errors(&Refusal::limit(text)))));
        }
        let operation = Operation {
            query: payload.query,
            operation_name: payload.operation_name,
            variables: payload.variables.unwrap_or_default(),
        };
        self.started += 1;
        let number = self.started;
        let (shared, caller) = (Arc::clone(&self.shared), Arc::clone(&self.caller));
        let answers = self.answers.clone();
        let task = operate(shared, caller, operation, answers, id.clone(), number);
        let abort = self.tasks.spawn(task);
        self.running.insert(id, Running { number, abort });
        Ok(None)
    }

    /// What an operation says goes out as long as the client wants to hear it.
    fn say(&mut self, id: &str, number: u64, outgoing: Outgoing) -> Option<String> {
        self.running
            .get(id)
            .filter(|running| running.number == number)?;
        if !matches!(outgoing, Outgoing::Next(_)) {
            self.running.remove(id);
        }
        Some(match outgoing {
            Outgoing::Next(body) => message("next", id, &body),
            Outgoing::Error(refusal) => message("error", id, &errors(&refusal)),
            Outgoing::Complete => message("complete", id, ""),
        })
    }
}

/// Runs one operation and passes on what it says.
async fn operate(
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    operation: Operation,
    answers: mpsc::Sender<(String, u64, Outgoing)>,
    id: String,
    number: u64,
) {
    let last = match shared.engine.stream(&operation, &caller).await {
        Ok(stream) => {
            pin_mut!(stream);
            while let Some(body) = stream.next().await {
                let next = (id.clone(), number, Outgoing::Next(body));
                if answers.send(next).await.is_err() {
                    return;
                }
            }
            Outgoing::Complete
        }
        Err(refusal) => Outgoing::Error(refusal),
    };
    // An error says that the connection has ended.
    let _ = answers.send((id, number, last)).await;
}

fn caller(visitor: Visitor) -> Caller {
    Caller {
        visitor,
        batching: true,
        show_lookups: false,
        read_only: false,
    }
}

fn message(kind: &str, id: &str, payload: &str) -> String {
    let mut out = format!("{{\"type\":\"{kind}\"");
    json::write_key(',', "id", &mut out);
    json::write_text(id, &mut out);
    if !payload.is_empty() {
        json::write_key(',', "payload", &mut out);
        out.push_str(payload);
    }
    out.push('}');
    out
}

fn pong(payload: Option<&serde_json::Map<String, serde_json::Value>>) -> String {
    match payload.map(serde_json::to_string) {
        Some(Ok(payload)) => format!("{{\"type\":\"pong\",\"payload\":{payload}}}"),
        _ => "{\"type\":\"pong\"}".to_owned(),
    }
}

fn errors(refusal: &Refusal) -> String {
    let mut out = String::new();
    refusal.write_errors(&mut out);
    out
}

fn bad_message(why: &str) -> Close {
    (4400, reason(&format!("Invalid message: {why}")))
}

/// A close frame has room for 123 bytes.
fn reason(text: &str) -> String {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
