//! A request of our own to another location of the same server, on behalf of a client's (`auth_request`). Takes the
//! client's exchange and a target, hands on the finished inner exchange; its answer goes to nobody.

use std::rc::Rc;
use std::sync::Arc;

use crate::accept::Client;
use crate::cache::Caching;
use crate::config::ProxyPass;
use crate::exchange::{Exchange, Request, Sent};
use crate::http1::{Framing, Stream};
use crate::pipeline;
use crate::worker::Worker;

/// Asks for `target` with the client's fields and without its body. Variables that are set there are set here too.
pub(crate) async fn ask(worker: &Worker, ex: &mut Exchange, target: &[u8]) -> Exchange {
    let mut inner = inside(worker, ex, target);
    let mut client = Client::new(Stream::Nowhere, Rc::clone(&ex.connection));
    worker.lend_buffers(&mut client);
    pipeline::serve_inner(worker, &mut inner, &mut client).await;
    let held = client.buffer.filled().len();
    client.buffer.consume(held);
    worker.reclaim_buffers(&mut client);
    ex.vars = std::mem::take(&mut inner.vars);
    ex.held.append(&mut inner.held);
    ex.request_verdict = inner.request_verdict;
    ex.connection_verdict = inner.connection_verdict;
    inner
}

/// Asks a peer for what is stored and too old, while the client has the old answer already.
pub(crate) fn update(
    worker: &Worker,
    ex: &mut Exchange,
    caching: Box<Caching>,
    pass: &Arc<ProxyPass>,
) {
    let vars = ex.vars.clone();
    let mut inner = inside(worker, ex, b"");
    ex.vars = vars;
    inner.location = Arc::clone(&ex.location);
    inner.captures.clone_from(&ex.captures);
    inner.request.method = ex.request.method;
    inner.request.path.clone_from(&ex.request.path);
    inner.request.args.clone_from(&ex.request.args);
    inner.request.untouched = ex.request.untouched;
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
    Exchange {
        started: ex.started,
        connection: Rc::clone(&ex.connection),
        asked_by: ex.asked_by.clone(),
        request_verdict: ex.request_verdict,
        connection_verdict: ex.connection_verdict,
        held: Vec::new(),
        pipelined: ex.pipelined,
        connection_requests: ex.connection_requests,
        config: Arc::clone(&ex.config),
        server: Arc::clone(&ex.server),
        location: Arc::clone(&ex.server.root),
        request,
        vars: std::mem::take(&mut ex.vars),
        captures: Vec::new(),
        tries: Vec::new(),
        upstream_head: None,
        upstream_trailers: None,
        proxied_to: Default::default(),
        caching: None,
        sent: Sent::default(),
        fault: None,
        fault_at_parse: None,
        limit_rate: None,
        rewrites: 0,
        error_status: None,
        status_overwrite: None,
        chain: None,
        unsatisfied: None,
        internal: true,
        inner: true,
        challenge: None,
        classes: Default::default(),
        request_id: ex.request_id.clone(),
        sticky_cookie: None,
        trace: None,
        notes: None,
    }
}
