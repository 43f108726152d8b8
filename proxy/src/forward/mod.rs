//! Stage "forward", with the turn back to "balance" for each retry: takes an exchange and where
//! it should go, decides which peer to ask next, hands on the answer.

mod attempt;
mod fields;
mod reach;
mod redirect;
mod relay;
mod request;
mod sticky;
mod tunnel;
mod tunnel_pass;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use fields::{Passed, pass_header};
pub(crate) use reach::network_of;
pub(crate) use tunnel_pass::tunnel;

use crate::accept::Client;
use crate::balance::{ClientAddr, PickKey};
use crate::body::Spool;
use crate::config::{Mirrors, ProxyPass, ProxySettings, UpstreamBlock};
use crate::exchange::{Exchange, Try};
use crate::fault::{Blame, Fault};
use crate::http1::Framing;
use crate::http1::framing::Piece;
use crate::pipeline::Flow;
use crate::samples::Phase;
use crate::subrequest;
use crate::upstream::{Failure, Lease, Tried, Upstream};
use crate::worker::Worker;

use attempt::Attempt;

// ANCHOR: proxy
/// Asks peers in turn until one answers, as `proxy_next_upstream` allows.
pub(crate) async fn proxy(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    pass: &Arc<ProxyPass>,
) -> Result<Flow, Fault> {
    let settings = &pass.settings;
    let destination = redirect::destination(ex, pass).await?;
    take_body(ex, client, settings).await?;
    ex.mark(Phase::Upload);
    let hash_key = destination
        .upstream
        .hash_key
        .as_ref()
        .map(|key| key.evaluate(ex));
    let key = PickKey {
        client: client_address(ex),
        hash_key: hash_key.as_deref().unwrap_or_default(),
    };
    let (mut tried, started) = (Tried::default(), Instant::now());
    if let Some(sticky) = &destination.upstream.sticky {
        tried.wanted = sticky::wanted(ex, sticky);
    }
    loop {
        let upstream = &destination.upstream.upstream;
        let mut lease = pick(ex, upstream, &key, &mut tried);
        if lease.is_none() && upstream.has_queue() {
            // Boxed, since only few requests need its memory.
            lease = Box::pin(upstream.wait(&key, &mut tried)).await;
        }
        ex.mark(Phase::Balance);
        let Some(lease) = lease else {
            return Err(no_live_upstreams(ex, &destination.upstream));
        };
        let turns = Turns {
            tried: &tried,
            started,
        };
        let attempt = Attempt {
            worker,
            pass,
            destination: &destination,
            turns,
        };
        match attempt.run(ex, client, lease).await {
            Err(fault) if turns.may_retry(ex, client, settings, &fault) => note_retry(ex, &fault),
            done => return done,
        }
    }
}
// ANCHOR_END: proxy

/// Takes the request's body, of which a cache's key may be made, and says which URL a peer would be asked for.
pub(crate) async fn receive(
    ex: &mut Exchange,
    client: &mut Client,
    pass: &ProxyPass,
) -> Result<Vec<u8>, Fault> {
    let aim = redirect::aim(ex, pass)?;
    take_body(ex, client, &pass.settings).await?;
    Ok(request::url(ex, &aim))
}

async fn take_body(
    ex: &mut Exchange,
    client: &mut Client,
    settings: &ProxySettings,
) -> Result<(), Fault> {
    if settings.request_buffering || !settings.pass_request_body {
        read_body(ex, client).await
    } else {
        take_arrived_body(ex, client)
    }
}

/// The choice of a sampled request is explained, too.
fn pick(
    ex: &mut Exchange,
    upstream: &Upstream,
    key: &PickKey<'_>,
    tried: &mut Tried,
) -> Option<Lease> {
    if ex.notes.is_none() {
        return upstream.pick(key, tried, Instant::now());
    }
    let (lease, choice) = upstream.pick_explained(key, tried, Instant::now());
    ex.note_choice(choice);
    lease
}

fn client_address(ex: &Exchange) -> ClientAddr {
    match ex.client().map(|address| address.ip()) {
        Some(IpAddr::V4(ip)) => ClientAddr::V4(ip),
        Some(IpAddr::V6(ip)) => ClientAddr::V6(ip),
        None => ClientAddr::Unix,
    }
}

fn no_live_upstreams(ex: &mut Exchange, block: &UpstreamBlock) -> Fault {
    let address = block.upstream.name().to_owned();
    ex.tries.push(Try {
        address,
        scheme: "http",
        status: Some(502),
        response_time: Some(Duration::ZERO),
        ..Try::default()
    });
    Fault::new(
        502,
        Blame::Upstream,
        "no live upstreams while connecting to upstream",
    )
}

/// What this request has used up of its tries.
#[derive(Clone, Copy, Debug)]
struct Turns<'a> {
    tried: &'a Tried,
    started: Instant,
}

impl Turns<'_> {
    // ANCHOR: may_retry
    /// Whether another peer may be asked: nothing of an answer is out, the failure is of a kind that
    /// the configuration lists, the request can be sent again, and neither count nor time is used up.
    fn may_retry(
        self,
        ex: &Exchange,
        client: &Client,
        settings: &ProxySettings,
        fault: &Fault,
    ) -> bool {
        let next = &settings.next_upstream;
        let listed = match fault.failure {
            None => false,
            Some(Failure::Connect(_) | Failure::ReadError) => next.error,
            Some(Failure::Timeout) => next.timeout,
            Some(Failure::InvalidHeader) => next.invalid_header,
            Some(Failure::Denied) => next.denied,
            Some(Failure::HttpStatus(status)) => next.statuses.contains(&status),
        };
        // A request with an effect must not take effect twice, unless it was never sent (RFC 9110 section 9.2.2).
        let sent = ex.tries.last().is_some_and(|one| one.sent > 0);
        let repeatable = next.non_idempotent
            || !sent
            || !matches!(ex.request.method(), b"POST" | b"LOCK" | b"PATCH");
        let body_at_hand = ex.request.body.is_some()
            || ex.request.framing == Framing::None
            || client.body_read == 0;
        let tries = settings.next_upstream_tries;
        let time = settings.next_upstream_timeout;
        listed
            && repeatable
            && body_at_hand
            && ex.sent.status == 0
            && self.tried.may_retry()
            && (tries == 0 || ex.tries.len() < tries)
            && (time.is_zero() || self.started.elapsed() < time)
    }
    // ANCHOR_END: may_retry
}

fn note_retry(ex: &mut Exchange, fault: &Fault) {
    if let Some(last) = ex.tries.last_mut() {
        last.failure = Some(fault.why.clone());
        if last.status.is_none() {
            last.status = Some(fault.status);
        }
    }
    crate::log::exchange_error(ex, crate::config::Level::Error, &fault.why);
}

/// A body that is here whole already need not be streamed: it can be sent again, and is known to
/// `$request_body`.
fn take_arrived_body(ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
    let bytes = client.buffer.filled();
    let mut look = client.body.clone();
    let (mut at, mut spool) = (0, Spool::new(usize::MAX, false));
    loop {
        match look.next(&bytes[at..]) {
            Ok(Piece::Data { skip, length }) => {
                at += skip + length;
                // In memory, so it can't fail.
                let _ = spool.push(&bytes[at - length..at]);
            }
            Ok(Piece::End { .. }) if spool.len() > 0 => break,
            // More is to come, or an error that the stream will meet again.
            _ => return Ok(()),
        }
    }
    let limit = ex.location.client.max_body_size;
    if limit == 0 || spool.len() <= limit {
        client.skip_arrived_body()?;
        ex.request.body = Some(Rc::new(spool));
    }
    Ok(())
}

/// Sends the request to the location's mirrors as well; nobody waits for their answers.
pub(crate) async fn mirror(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    mirrors: &Mirrors,
) -> Result<(), Fault> {
    if mirrors.request_body {
        read_body(ex, client).await?;
    }
    for target in &mirrors.targets {
        let body = ex.request.body.clone().filter(|_| mirrors.request_body);
        let mirror = subrequest::mirror(worker, ex, target, body);
        ex.mirrors.push(mirror);
    }
    Ok(())
}

/// Reads the body whole before a peer is asked (`proxy_request_buffering on`).
async fn read_body(ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
    client.pay_continue(ex.location.client.send_timeout).await?;
    if ex.request.body.is_some() || client.body.is_done() {
        return Ok(());
    }
    let location = Arc::clone(&ex.location);
    let settings = &location.client;
    let mut spool = Spool::new(settings.body_buffer_size, settings.body_in_file_only);
    while let Some(length) = client
        .body_data(settings.max_body_size, settings.body_timeout)
        .await?
    {
        let stored = spool.push(&client.buffer.filled()[..length]);
        stored.map_err(|why| {
            Fault::new(
                500,
                Blame::Us,
                format!("the request body could not be stored ({why})"),
            )
        })?;
        client.buffer.consume(length);
    }
    ex.request.body = Some(Rc::new(spool));
    Ok(())
}
