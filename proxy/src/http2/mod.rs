//! HTTP/2 to the client (RFC 9113). Takes a connection whose client speaks it, lets hyper take its streams apart,
//! and hands on each as a request of its own to the same pipeline that serves HTTP/1: one set of stages, rules and
//! logs for both.
//!
//! What a client could do to us is bounded here: streams at once, bytes of fields, bytes that wait on either side,
//! streams opened only to be reset, and time without a stream. A stream that stalls meets the timeouts of the pipeline.

mod exchange;
mod translate;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until};

use crate::accept::ConnectionInfo;
use crate::config::Server;
use crate::http1::Stream;
use crate::worker::Worker;

/// `http2 on` and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http2 {
    /// For servers that are asked in plain text, too.
    pub(crate) on: bool,
    /// `http2_max_concurrent_streams`.
    pub(crate) streams: u32,
}

/// What a stream may send before somebody reads it (nginx: `http2_body_preread_size`).
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Streams that the client has reset and we have not looked at yet; with more the connection ends
/// (CVE-2023-44487, "rapid reset").
const RESETS_WAITING: usize = 20;
/// Streams that we have reset because of what they held; with more the connection ends.
const RESETS_OWN: usize = 256;
/// After the announcement that this is the end, a connection without streams is cut.
const LAST_WORD: Duration = Duration::from_secs(5);

/// One connection, as its streams see it.
#[derive(Debug)]
struct Connection {
    worker: Rc<Worker>,
    info: Rc<ConnectionInfo>,
    requests: Cell<u64>,
    open: Cell<usize>,
    /// When the last stream ended, or the connection began.
    idle_since: Cell<Instant>,
}

/// Serves a connection until either side has enough.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    stream: Stream,
    info: Rc<ConnectionInfo>,
    server: &Server,
) {
    let connection = Rc::new(Connection {
        worker: Rc::clone(&worker),
        info,
        requests: Cell::new(0),
        open: Cell::new(0),
        idle_since: Cell::new(Instant::now()),
    });
    let ours = Rc::clone(&connection);
    let service = service_fn(move |request| exchange::exchange(Rc::clone(&ours), request));
    let mut served = pin!(builder(server).serve_connection(TokioIo::new(stream), service));
    let client = &server.root.client;
    let mut last_call: Option<Instant> = None;
    loop {
        let patience = match connection.requests.get() {
            _ if last_call.is_some() => LAST_WORD,
            0 => server.header_timeout,
            _ => client.keepalive_timeout,
        };
        let since = last_call.map_or(connection.idle_since.get(), |called| {
            called.max(connection.idle_since.get())
        });
        // A busy connection is looked at again later: its streams have their own timeouts.
        let look = match connection.open.get() {
            0 => since + patience,
            _ => Instant::now() + patience.max(Duration::from_secs(1)),
        };
        let enough = tokio::select! {
            biased;
            _ = &mut served => return,
            () = worker.drained(), if last_call.is_none() => true,
            () = sleep_until(look) => connection.open.get() == 0
                && connection.idle_since.get() + patience <= Instant::now(),
        };
        match last_call {
            None if enough => {
                served.as_mut().graceful_shutdown();
                last_call = Some(Instant::now());
            }
            Some(_) if enough => return,
            _ => {}
        }
    }
}

fn builder(server: &Server) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(Local);
    let fields = u32::try_from(server.head_rules.max_head).unwrap_or(u32::MAX);
    builder
        .max_concurrent_streams(server.http2.streams)
        .max_header_list_size(fields)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .max_pending_accept_reset_streams(RESETS_WAITING)
        .max_local_error_reset_streams(RESETS_OWN);
    builder
}

/// Streams are served by the thread of their worker.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

impl Connection {
    /// Counts a stream for as long as the answer to it is under way.
    fn begin(self: &Rc<Self>) -> Open {
        self.requests.set(self.requests.get() + 1);
        self.open.set(self.open.get() + 1);
        Open(Rc::clone(self))
    }
}

#[derive(Debug)]
struct Open(Rc<Connection>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}
