//! Subscriptions as server-sent events, each in a connection of its own: `next` for each answer, then `complete`
//! (the "distinct connections mode" of the GraphQL over SSE protocol).

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::SET_COOKIE;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::once;
use futures_util::{Stream, StreamExt};

use super::Shared;
use crate::engine::{Caller, Operation};

/// Starts the operation; what is wrong with it comes as an event too, since `EventSource` shows nothing else.
pub(crate) async fn stream(
    shared: &Arc<Shared>,
    operation: &Operation,
    caller: &Caller,
) -> Response<Body> {
    let shutdown = shared.shutdown.clone();
    let mut response = match shared.engine.stream(operation, caller).await {
        Ok(answers) => {
            let until = async move { shutdown.triggered().await };
            sent(answers.take_until(Box::pin(until)))
        }
        Err(refusal) => sent(once(std::future::ready(refusal.body()))),
    };
    if let Some(cookie) = caller.visitor.new_cookie() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn sent(answers: impl Stream<Item = String> + Send + 'static) -> Response<Body> {
    let next = |body: String| Event::default().event("next").data(body);
    let complete = once(async { Event::default().event("complete").data("") });
    let events = answers.map(next).chain(complete).map(Ok::<_, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::default());
    sse.into_response()
}
