//! Requests of our own to the same server, on behalf of a client's: one whose answer is only looked
//! at (`auth_request`), one whose body becomes a part of the client's answer (SSI, `slice`), and one
//! that nobody waits for (`mirror`). Takes the client's exchange and a target, hands on the inner one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio_util::task::AbortOnDropHandle;

use crate::accept::Client;
use crate::body::Spool;
use crate::cache::Caching;
use crate::config::ProxyPass;
use crate::exchange::{Exchange, Request};
use crate::http1::{Framing, Stream};
use crate::identity;
use crate::pipeline;
use crate::respond::{NextSlice, Page};
use crate::route::{self, Routed};
use crate::worker::Worker;

/// What waits between a part and the answer that it goes into.
const PIPE: usize = 16 * 1024;

/// What an exchange is within another one; of a client's own only `page` is set.
#[derive(Debug, Default)]
pub(crate) struct Sub {
    /// Its body goes into another answer: it is sent without a head.
    pub(crate) inserted: bool,
    /// Its errors have no page: whoever asked has something else to show.
    pub(crate) quiet: bool,
    pub(crate) depth: u8,
    /// What the parts of one page share.
    pub(crate) page: Option<Rc<RefCell<Page>>>,
    /// It continues an answer in slices.
    pub(crate) slice: Option<NextSlice>,
}

/// What a part is made of.
pub(crate) enum Ask<'a> {
    /// The answer to GET for this path and arguments.
    Target(&'a [u8]),
    /// The client's own request once more, for another stretch.
    Slice(NextSlice),
}

/// A sub-request under way, and its body as it comes. Dropped, it is given up.
pub(crate) struct Part {
    task: AbortOnDropHandle<Exchange>,
    pipe: DuplexStream,
    piece: Vec<u8>,
}

impl Part {
    pub(crate) fn begin(worker: &Worker, ex: &mut Exchange, ask: Ask<'_>, quiet: bool) -> Self {
        let mut inner = match &ask {
            Ask::Target(target) => inside(worker, ex, target),
            Ask::Slice(_) => again(worker, ex),
        };
        inner.vars.clone_from(&ex.vars);
        inner.sub = Sub {
            inserted: true,
            quiet,
            depth: ex.sub.depth + 1,
            page: ex.sub.page.clone(),
            slice: None,
        };
        // A slice is a part of the location's answer: it does not look for a location again.
        let routed = match ask {
            Ask::Target(_) => None,
            Ask::Slice(slice) => {
                inner.sub.slice = Some(slice);
                Some(Routed::Location)
            }
        };
        let (ours, theirs) = tokio::io::duplex(PIPE);
        Self {
            task: spawn(worker, inner, Stream::Inside(theirs), routed),
            pipe: ours,
            piece: Vec::with_capacity(PIPE),
        }
    }

    /// The next bytes of the body.
    pub(crate) async fn next(&mut self) -> Option<&[u8]> {
        self.piece.clear();
        match self.pipe.read_buf(&mut self.piece).await {
            Ok(count) if count > 0 => Some(&self.piece),
            _ => None,
        }
    }

    /// What became of it; `None` is a bug of ours that the log tells of.
    pub(crate) async fn finish(self, ex: &mut Exchange) -> Option<Exchange> {
        let mut inner = self.task.await.ok()?;
        give_back(ex, &mut inner);
        Some(inner)
    }
}

/// Asks for `target` with the client's fields and without its body. Variables that are set there are set here too.
pub(crate) async fn ask(worker: &Worker, ex: &mut Exchange, target: &[u8]) -> Exchange {
    let mut inner = inside(worker, ex, target);
    inner.vars = std::mem::take(&mut ex.vars);
    let mut client = Client::new(Stream::Nowhere, Rc::clone(&ex.connection));
    serve(worker, &mut inner, &mut client, None).await;
    give_back(ex, &mut inner);
    inner
}

/// Sends the client's request to `target` as well, and drops the answer (`mirror`).
pub(crate) fn mirror(
    worker: &Worker,
    ex: &mut Exchange,
    target: &[u8],
    body: Option<Rc<Spool>>,
) -> AbortOnDropHandle<Exchange> {
    let mut inner = inside(worker, ex, target);
    inner.request.args.clone_from(&ex.request.args);
    inner.request.method = ex.request.method;
    if body.is_some() {
        inner.request.framing = ex.request.framing;
    }
    inner.request.body = body;
    inner.vars.clone_from(&ex.vars);
    spawn(worker, inner, Stream::Nowhere, None)
}

fn spawn(
    worker: &Worker,
    mut inner: Exchange,
    stream: Stream,
    routed: Option<Routed>,
) -> AbortOnDropHandle<Exchange> {
    let worker = worker.me();
    let task = tokio::task::spawn_local(async move {
        let mut client = Client::new(stream, Rc::clone(&inner.connection));
        serve(&worker, &mut inner, &mut client, routed).await;
        inner
    });
    AbortOnDropHandle::new(task)
}

async fn serve(worker: &Worker, inner: &mut Exchange, client: &mut Client, routed: Option<Routed>) {
    worker.lend_buffers(client);
    let routed = routed.map_or_else(|| route::route(inner), Ok);
    pipeline::serve_inner(worker, inner, client, routed).await;
    let held = client.buffer.filled().len();
    client.buffer.consume(held);
    worker.reclaim_buffers(client);
}

fn give_back(ex: &mut Exchange, inner: &mut Exchange) {
    ex.vars = std::mem::take(&mut inner.vars);
    ex.held.append(&mut inner.held);
    ex.request_verdict = inner.request_verdict;
    ex.connection_verdict = inner.connection_verdict;
}

/// The same request in the same location.
fn again(worker: &Worker, ex: &mut Exchange) -> Exchange {
    let mut inner = inside(worker, ex, b"");
    inner.request.path.clone_from(&ex.request.path);
    inner.request.args.clone_from(&ex.request.args);
    inner.request.untouched = ex.request.untouched;
    inner.request.method = ex.request.method;
    inner.request.body.clone_from(&ex.request.body);
    inner.location = Arc::clone(&ex.location);
    inner.captures.clone_from(&ex.captures);
    inner
}

/// Asks a peer for what is stored and too old, while the client has the old answer already.
pub(crate) fn update(
    worker: &Worker,
    ex: &mut Exchange,
    caching: Box<Caching>,
    pass: &Arc<ProxyPass>,
) {
    let mut inner = again(worker, ex);
    inner.vars.clone_from(&ex.vars);
    inner.started = std::time::Instant::now();
    inner.caching = Some(caching);
    let pass = Arc::clone(pass);
    worker.spawn(async move |worker| {
        let mut client = Client::new(Stream::Nowhere, Rc::clone(&inner.connection));
        worker.lend_buffers(&mut client);
        if let Some(caching) = &mut inner.caching {
            caching.reopen().await;
        }
        pipeline::update(&worker, &mut inner, &mut client, &pass).await;
        worker.reclaim_buffers(&mut client);
        worker.give_head(inner.request.head);
    });
}

/// What is known of the client's request is known of ours; what became of it is not.
fn inside(worker: &Worker, ex: &mut Exchange, target: &[u8]) -> Exchange {
    // One name for all of them.
    identity::request_id(ex);
    let mut head = worker.take_head();
    head.clone_from(&ex.request.head);
    let mut request = Request {
        path_at: ex.request.path_at,
        host: ex.request.host.clone(),
        port: ex.request.port.clone(),
        method: Some(b"GET"),
        framing: Framing::None,
        keep_alive: true,
        ..Request::refused(head)
    };
    request.go_to(target, Vec::new());
    let server = Arc::clone(&ex.server);
    Exchange {
        asked_by: ex.asked_by.clone(),
        request_verdict: ex.request_verdict,
        connection_verdict: ex.connection_verdict,
        pipelined: ex.pipelined,
        connection_requests: ex.connection_requests,
        internal: true,
        inner: true,
        request_id: ex.request_id.clone(),
        ..Exchange::new(ex.started, &ex.connection, &ex.config, server, request)
    }
}
