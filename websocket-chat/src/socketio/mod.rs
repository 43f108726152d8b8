//! `/socket.io/`: Socket.IO 5 over Engine.IO 4, so that clients of the module's demo join the same rooms. A layer of
//! our own, because a chat must keep its order: everything of one client goes through one task ([`engine`]), over long
//! polling ([`polling`]) or a WebSocket ([`websocket`]); [`events`] has the demo's words.

mod engine;
mod engine_packet;
mod events;
mod packet;
mod polling;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::handshake::{self, Terms};
use crate::hub::Hub;

use engine::{Sessions, heartbeat};
pub(crate) use engine_packet::EnginePacket;
pub(crate) use packet::{Kind, Packet};

/// The longest body, and the longest message: told to the client when it opens.
const MAX_PAYLOAD: usize = 100_000;

#[derive(Clone, Debug)]
struct SocketIo {
    hub: Hub,
    sessions: Sessions,
    origins: Arc<[String]>,
    /// Held by each WebSocket's task until it has said goodbye.
    open: mpsc::Sender<()>,
}

pub(crate) fn router(hub: Hub, origins: Arc<[String]>, open: mpsc::Sender<()>) -> Router {
    let sessions = Sessions::default();
    let state = SocketIo {
        hub,
        sessions,
        origins,
        open,
    };
    Router::new()
        .route("/socket.io/", any(serve))
        .with_state(state)
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(rename = "EIO", default)]
    version: String,
    #[serde(default)]
    transport: String,
    sid: Option<String>,
}

/// Why a request is refused, in the numbers and words of Engine.IO.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Transport unknown")]
    Transport,
    #[error("Session ID unknown")]
    Session,
    #[error("Bad handshake method")]
    Method,
    #[error("Bad request")]
    BadRequest,
    #[error("Unsupported protocol version")]
    Version,
    #[error("Payload too large")]
    TooLarge,
    #[error("No more connections now")]
    Busy,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::Transport => (StatusCode::BAD_REQUEST, 0),
            Self::Session => (StatusCode::BAD_REQUEST, 1),
            Self::Method => (StatusCode::BAD_REQUEST, 2),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3),
            Self::Version => (StatusCode::BAD_REQUEST, 5),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, 4),
        };
        let body = json!({ "code": code, "message": self.to_string() });
        (status, axum::Json(body)).into_response()
    }
}

async fn serve(
    State(state): State<SocketIo>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Result<Response, Refusal> {
    if asked.version != "4" {
        return Err(Refusal::Version);
    }
    let pipe = match &asked.sid {
        Some(sid) => Some(state.sessions.find(sid).ok_or(Refusal::Session)?),
        None => None,
    };
    match (asked.transport.as_str(), pipe) {
        ("websocket", pipe) => state.websocket(request, pipe),
        ("polling", None) if request.method() == Method::GET => state.open(),
        ("polling", Some(pipe)) if request.method() == Method::GET => polling::fetch(&pipe).await,
        ("polling", Some(pipe)) if request.method() == Method::POST => {
            polling::bring(&pipe, request.into_body()).await
        }
        ("polling", _) => Err(Refusal::Method),
        _ => Err(Refusal::Transport),
    }
}

impl SocketIo {
    /// A session that begins with polling: the answer is its first packet.
    fn open(&self) -> Result<Response, Refusal> {
        let beat = heartbeat(&self.hub);
        let first = |sid: &str| EnginePacket::open(sid, true, beat, MAX_PAYLOAD);
        let pipe = self
            .sessions
            .open(self.hub.clone(), false, first)
            .ok_or(Refusal::Busy)?;
        let packet = pipe
            .outgoing
            .try_lock()
            .ok()
            .and_then(|mut packets| packets.try_recv().ok());
        let packet = packet.ok_or(Refusal::BadRequest)?;
        Ok(polling::text(packet.encode()))
    }

    fn websocket(
        self,
        mut request: Request,
        upgrading: Option<Arc<engine::Pipe>>,
    ) -> Result<Response, Refusal> {
        let terms = Terms {
            subprotocol: None,
            deflate: None,
            max_message: MAX_PAYLOAD,
            read_buffer: 512,
            origins: Arc::clone(&self.origins),
        };
        let (response, socket) = match handshake::upgrade(&mut request, &terms) {
            Ok(upgraded) => upgraded,
            Err(refusal) => return Ok(refusal.into_response()),
        };
        let beat = heartbeat(&self.hub);
        let first = |sid: &str| EnginePacket::open(sid, false, beat, MAX_PAYLOAD);
        let fresh = upgrading.is_none();
        let pipe = match upgrading {
            Some(pipe) => pipe,
            None => self
                .sessions
                .open(self.hub, true, first)
                .ok_or(Refusal::Busy)?,
        };
        let open = self.open;
        tokio::spawn(async move {
            let _open = open;
            match socket.await {
                Some(socket) if fresh => websocket::carry(socket, &pipe).await,
                Some(socket) => websocket::change_over(socket, &pipe).await,
                None if fresh => drop(pipe.bring(EnginePacket::Close)),
                None => {}
            }
        });
        Ok(response)
    }
}
