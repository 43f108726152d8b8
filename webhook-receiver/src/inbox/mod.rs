//! Any request to `/<token>`, with whatever method, path, query and body: read whole, stored, and only then answered.

mod address;
mod body;
mod reply;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Request, Response, header};
use axum::response::IntoResponse;

pub(crate) use address::unfold_host;
pub(crate) use body::{BODY_LIMIT, Room, Unread};

use crate::app::App;
use crate::push::smee;
use crate::refusal::Refusal;
use crate::signature;
use crate::store::{Kind, NewEvent, Token};

/// Longest delivery id that is compared with others.
const DELIVERY_ID: usize = 256;

pub(crate) fn routes() -> Router<App> {
    Router::new().fallback(capture)
}

async fn capture(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let (name, rest) = address::split(request.uri().path());
    let wants_stream =
        rest.is_empty() && request.method() == Method::GET && smee::asks_for(request.headers());
    let token = match app.store.token(name).await? {
        Some(token) => token,
        None if wants_stream => smee::channel(&app, name).await?,
        None => return Err(Refusal::NoToken),
    };
    if wants_stream {
        return Ok(smee::stream(&app, &token).await?.into_response());
    }
    let status = address::status(rest);
    let (event, room) = read(&app, &token, peer.ip(), request).await?;
    let id = event.id;
    let listen = Duration::from_secs(token.listen.into());
    let patience = app.desk.patience(token.id, listen);
    // Before the event is out: its answer may come at once.
    let expected = patience.map(|patience| (app.desk.expect(id), patience));
    app.store.store(event, &token).await?;
    // A sender that waits for its answer takes no room from others.
    drop(room);
    if token.timeout > 0 {
        tokio::time::sleep(Duration::from_secs(token.timeout.into())).await;
    }
    let answer = match expected {
        Some((expected, patience)) => expected.within(patience).await,
        None => None,
    };
    Ok(match answer {
        Some(answer) => reply::forwarded(&token, answer, id),
        None => reply::configured(&token, status, id),
    })
}

/// The whole request as an event, and the room that its body takes.
async fn read(
    app: &App,
    token: &Token,
    peer: IpAddr,
    request: Request<Body>,
) -> Result<(NewEvent, body::Read), Refusal> {
    let (head, body) = request.into_parts();
    if announced(&head.headers) > BODY_LIMIT as u64 {
        return Err(Refusal::Body(Unread::TooLarge));
    }
    let body = app
        .room
        .read(body, BODY_LIMIT)
        .await
        .map_err(Refusal::Body)?;
    let mut event = NewEvent::now(token.id, Kind::Web);
    event.method = head.method.as_str().to_owned();
    event.origin = app
        .trusted
        .origin(peer, &head.headers)
        .unwrap_or_else(|| "http://localhost".to_owned());
    event.path = address::split(head.uri.path()).1.to_owned();
    event.query = head.uri.query().map(str::to_owned);
    event.ip = app.trusted.client(peer, &head.headers).to_string();
    event.delivery = signature::delivery_id(&head.headers).filter(|id| id.len() <= DELIVERY_ID);
    event.headers = head.headers;
    event.body = body.bytes.clone();
    Ok((event, body))
}

fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}
