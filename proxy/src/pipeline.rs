//! The path of one request, stage by stage, on one screen:
//!
//! `accept -> parse -> route -> limit -> access -> cache -> balance -> connect -> forward -> log`
//!
//! Stages know the `Exchange` and typed configuration, never each other. (Balance, connect and
//! forward repeat for each peer that is tried; an answer is stored on its way through forward.)

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::accept::Client;
use crate::cache::{self, Opened};
use crate::config::{CacheSettings, Handler, Level, ProxyPass, Server};
use crate::content;
use crate::exchange::{Exchange, Request};
use crate::fault::{CLOSE_SILENTLY, Fault};
use crate::forward;
use crate::http1::{Body, Framing, RequestHead};
use crate::respond::{self, Reply};
use crate::route::{self, Routed};
use crate::samples::{self, Notes, Phase};
use crate::worker::Worker;
use crate::{access, limit, log, parse, subrequest, trace};

/// What happens to the connection after an exchange.
#[derive(Debug)]
pub(crate) enum Next {
    KeepAlive {
        timeout: Duration,
    },
    Close,
    /// Close, but let the client read the answer first.
    Linger {
        total: Duration,
        silence: Duration,
    },
}

/// Where an exchange goes on after a stage.
#[derive(Debug)]
pub(crate) enum Flow {
    /// The answer is out.
    Done,
    /// Round again by path, or to a location by name (`error_page`, `index`, `try_files`).
    Redirect,
    RedirectNamed(String),
    /// No peer's answer is to be sent, but the one that is stored.
    Stored,
}

// ANCHOR: pipeline
/// Serves the request whose first byte is there.
pub(crate) async fn serve(worker: &Worker, client: &mut Client) -> Next {
    worker.counters().head_began();
    let Some(mut ex) = read_request(worker, client).await else {
        worker.counters().head_broke();
        return Next::Close;
    };
    worker.counters().request();
    let result = stages(worker, &mut ex, client).await;
    let next = respond::finish(worker, &mut ex, client, result).await;
    log::debug(&ex, || {
        format!("answered {} with {} bytes", ex.sent.status, ex.sent.bytes)
    });
    worker.counters().answered(ex.sent.status);
    log::access(&ex);
    samples::finish(worker.counters().ring(), &mut ex);
    trace::finish(&ex);
    worker.counters().request_finished();
    for mirror in std::mem::take(&mut ex.mirrors) {
        // The next request waits for them, so that they can't pile up.
        let _ = mirror.await;
    }
    worker.give_head(ex.request.head);
    if let Some(answer) = ex.upstream_head {
        worker.give_answer(answer);
    }
    next
}

/// Serves a request of our own making.
pub(crate) async fn serve_inner(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    routed: Result<Routed, Fault>,
) {
    match rounds(worker, ex, client, routed).await {
        Ok(_) => ex.sent.complete = true,
        Err(fault) if ex.sent.status == 0 => ex.sent.status = fault.status,
        Err(_) => {}
    }
    if ex.location.log_subrequest {
        log::access(ex);
    }
}

/// All stages between parse and log; whatever fails becomes an answer here, and nowhere else.
async fn stages(worker: &Worker, ex: &mut Exchange, client: &mut Client) -> Result<Flow, Fault> {
    let routed = match ex.fault_at_parse.take() {
        Some(fault) => Err(fault),
        None => route::route(ex),
    };
    rounds(worker, ex, client, routed).await
}

/// From a location to the next, until the answer is out.
async fn rounds(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    mut routed: Result<Routed, Fault>,
) -> Result<Flow, Fault> {
    loop {
        ex.mark(Phase::Route);
        let flow = match routed {
            Ok(Routed::Return { status, text }) => returned(worker, ex, client, status, text).await,
            Ok(Routed::Location) => content(worker, ex, client).await,
            Err(fault) => Err(fault),
        };
        let flow = match flow {
            Err(fault) => respond::fault(worker, ex, client, fault).await?,
            Ok(flow) => flow,
        };
        routed = match flow {
            Flow::Done | Flow::Stored => return Ok(Flow::Done),
            Flow::Redirect => route::count_cycle(ex).and_then(|()| route::route(ex)),
            Flow::RedirectNamed(name) => {
                route::count_cycle(ex).and_then(|()| route::route_named(ex, &name))
            }
        };
    }
}

async fn content(worker: &Worker, ex: &mut Exchange, client: &mut Client) -> Result<Flow, Fault> {
    check_body_size(ex)?;
    let location = Arc::clone(&ex.location);
    if !ex.inner {
        parse::real_ip::apply(ex, location.real_ip.as_ref());
    }
    log::debug(ex, || location.describe());
    trace::begin(ex, &location);
    limit::check(ex, &location).await?;
    ex.mark(Phase::Limit);
    access::check(worker, ex, &location).await?;
    ex.mark(Phase::Access);
    if let Some(mirrors) = location.mirrors.as_ref().filter(|_| !ex.inner) {
        Box::pin(forward::mirror(worker, ex, client, mirrors)).await?;
    }
    if let Some(flow) = content::try_files(ex)? {
        return Ok(flow);
    }
    if ex.request.is_connect() {
        return Box::pin(forward::tunnel(worker, ex, client, &location.handler)).await;
    }
    let exception = location.exception(ex.request.method());
    if let Some(pass) = exception.and_then(|limit| limit.pass.as_ref()) {
        return proxied(worker, ex, client, pass).await;
    }
    match &location.handler {
        Handler::Proxy(pass) => proxied(worker, ex, client, pass).await,
        Handler::Tunnel(_) => Err(parse::not_served("client sent no CONNECT method")),
        Handler::Static => content::file(worker, ex, client).await,
        Handler::StubStatus => respond::stub_status(worker, ex, client).await,
    }
}

/// From the cache, else from a peer.
async fn proxied(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    pass: &Arc<ProxyPass>,
) -> Result<Flow, Fault> {
    match &pass.settings.cache {
        None => forward::proxy(worker, ex, client, pass).await,
        // Boxed, so that a location without a cache pays nothing for one.
        Some(cache) => Box::pin(cached(worker, ex, client, pass, cache)).await,
    }
}

async fn cached(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    pass: &Arc<ProxyPass>,
    settings: &CacheSettings,
) -> Result<Flow, Fault> {
    let url = forward::receive(ex, client, pass).await?;
    let before = ex.sent.body_bytes;
    let found = cache::look_up(ex, pass, settings, &url).await;
    ex.mark(Phase::Cache);
    let mut flow = match found? {
        Opened::Stored => Ok(Flow::Stored),
        Opened::StoredAndUpdate(update) => {
            subrequest::update(worker, ex, update, pass);
            Ok(Flow::Stored)
        }
        Opened::Purged(count) => return purged(worker, ex, client, count).await,
        Opened::Ask => {
            let asked = forward::proxy(worker, ex, client, pass).await;
            cache::invalidate(ex, settings, &url);
            cache::settle(ex, asked)
        }
    };
    if let Ok(Flow::Stored) = flow {
        flow = cache::replay(worker, ex, client).await;
    }
    cache::count(ex, ex.sent.body_bytes - before);
    flow
}

/// Asks a peer for a request of our own that has no client.
pub(crate) async fn update(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    pass: &Arc<ProxyPass>,
) {
    let asked = forward::proxy(worker, ex, client, pass).await;
    if let Err(fault) = cache::settle(ex, asked) {
        log::exchange_error(ex, Level::Error, &fault.why);
    }
}
// ANCHOR_END: pipeline

async fn purged(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    count: usize,
) -> Result<Flow, Fault> {
    if count == 0 {
        return Err(Fault::status(404));
    }
    let reply = Reply::text(ex, 204, Vec::new());
    respond::reply(worker, ex, client, reply).await
}

async fn returned(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    status: u16,
    text: Option<Vec<u8>>,
) -> Result<Flow, Fault> {
    let redirects = matches!(status, 301 | 302 | 303 | 307 | 308);
    if redirects && respond::has_page(ex, status) {
        return Err(Fault::status(status));
    }
    if status == CLOSE_SILENTLY || (text.is_none() && status >= 400) {
        return Err(Fault {
            closes: status == CLOSE_SILENTLY,
            ..Fault::status(status)
        });
    }
    let reply = match text {
        Some(text) if redirects => {
            ex.status_overwrite = None;
            Reply::redirect(ex, status, text)
        }
        text => Reply::text(ex, status, text.unwrap_or_default()),
    };
    respond::reply(worker, ex, client, reply).await
}

/// A length that says so is refused before a byte of it is read (`client_max_body_size`).
fn check_body_size(ex: &Exchange) -> Result<(), Fault> {
    let limit = ex.location.client.max_body_size;
    match ex.request.framing {
        Framing::Length(length) if limit > 0 && length > limit && !ex.internal => {
            let why = format!("client intended to send too large body: {length} bytes");
            Err(Fault {
                closes: true,
                ..Fault::new(413, crate::fault::Blame::Client, why)
            })
        }
        _ => Ok(()),
    }
}

/// Reads a head and makes an exchange of it; `None` if the client went before it was complete.
/// A head that can't be served still makes one, with its fault, so that it is answered and logged.
async fn read_request(worker: &Worker, client: &mut Client) -> Option<Box<Exchange>> {
    let config = Arc::clone(&worker.config.borrow());
    let listen = config.listen_for(&client.info.address)?;
    let server = Arc::clone(listen.servers.default_server());
    let notes = (worker.counters().ring().takes_one()).then(|| Box::new(Notes::new()));
    let mut head = worker.take_head();
    let read = read_head(client, &mut head, &server).await;
    let started = Instant::now();
    let request = match read {
        Ok(false) => {
            worker.give_head(head);
            return None;
        }
        Ok(true) => parse::request(head, &server),
        Err(fault) => Err((head, fault)),
    };
    client.requests += 1;
    let (request, fault) = match request {
        Ok(request) => (request, None),
        Err((head, fault)) => (Request::refused(head), Some(fault)),
    };
    client.body = Body::new(request.framing);
    client.body_read = 0;
    client.owes_continue = request.expects_continue;
    let (server, pattern) = listen.servers.find(&request.host);
    let server = Arc::clone(server);
    // Made where it stays: it is large, and goes through many hands.
    let mut ex = Box::write(
        Box::new_uninit(),
        Exchange::new(started, &client.info, &config, server, request),
    );
    ex.pipelined = std::mem::take(&mut client.pipelined);
    ex.connection_requests = client.requests;
    ex.vars = vec![None; config.user_variables];
    ex.fault_at_parse = fault;
    ex.notes = notes;
    if let Some(pattern) = pattern {
        let host = ex.request.host.clone();
        if let Some(captures) = pattern.regex.captures(&host) {
            ex.remember(&captures, &pattern.named);
        }
    }
    let root = Arc::clone(&ex.location);
    parse::real_ip::apply(&mut ex, root.real_ip.as_ref());
    if ex.fault_at_parse.is_none() {
        let allowed = access::check_security(&ex).and_then(|()| access::check_connect(&ex));
        ex.fault_at_parse = allowed.err();
    }
    ex.mark(Phase::Parse);
    Some(ex)
}

/// Reads until a whole head is parsed; `Ok(false)` is a client that went away instead.
async fn read_head(
    client: &mut Client,
    head: &mut RequestHead,
    server: &Server,
) -> Result<bool, Fault> {
    if let Some(stand_in) = client.stand_in.take() {
        let parsed = head.parse(&stand_in, &server.head_rules);
        return parsed.map(|end| end.is_some()).map_err(parse::bad_head);
    }
    let deadline = tokio::time::Instant::now() + server.header_timeout;
    loop {
        if !client.buffer.is_empty() {
            match head.parse(client.buffer.filled(), &server.head_rules) {
                Ok(Some(end)) => {
                    client.buffer.consume(end);
                    return Ok(true);
                }
                Ok(None) => {}
                Err(why) => return Err(parse::bad_head(why)),
            }
        }
        let read = client.buffer.fill(&mut client.stream);
        match tokio::time::timeout_at(deadline, read).await {
            Ok(Ok(0) | Err(_)) => return Ok(false),
            Ok(Ok(_)) => {}
            Err(_) if client.buffer.is_empty() => return Ok(false),
            Err(_) => {
                let blame = crate::fault::Blame::Client;
                let fault = Fault::new(408, blame, "client timed out while sending its request");
                return Err(Fault {
                    closes: true,
                    ..fault
                });
            }
        }
    }
}
