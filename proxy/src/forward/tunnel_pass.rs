//! CONNECT (ngx_http_tunnel_module): takes an exchange that names a host and a port, decides which peer that is and whether
//! it may be reached, hands on two streams of bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{client_address, no_live_upstreams, note_retry, reach, redirect, tunnel as pipe, wire};
use crate::accept::Client;
use crate::balance::PickKey;
use crate::config::{Handler, Template, TunnelPass, TunnelTarget, UpstreamBlock};
use crate::connect::{self, PeerConnection};
use crate::exchange::{Exchange, Try};
use crate::fault::{Blame, Fault};
use crate::parse;
use crate::pipeline::Flow;
use crate::respond;
use crate::upstream::{Failure, Lease, Tried};
use crate::worker::Worker;

// ANCHOR: tunnel
/// Connects to the peer that the request names, says 200, and lets bytes pass until both sides have ended.
pub(crate) async fn tunnel(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    handler: &Handler,
) -> Result<Flow, Fault> {
    let Handler::Tunnel(pass) = handler else {
        return Err(parse::not_served("client sent CONNECT method"));
    };
    let upstream = destination(ex, pass).await?;
    let (peer, lease) = reach_one(worker, ex, pass, &upstream).await?;
    write_head(ex, client);
    respond::flush(ex, client).await?;
    let rules = pipe::Rules {
        idle: pass.read_timeout,
        stuck: pass.read_timeout.min(pass.send_timeout),
        half_closed: true,
    };
    let started = Instant::now();
    pipe::pass_bytes(worker, ex, client, peer, rules).await;
    let one = wire::last_try(ex);
    let first_byte = one.header_time.unwrap_or_default();
    one.response_time = Some(first_byte + started.elapsed());
    lease.succeed(first_byte, first_byte, 200, one.received, Instant::now());
    Ok(Flow::Done)
}
// ANCHOR_END: tunnel

async fn destination(ex: &Exchange, pass: &TunnelPass) -> Result<Arc<UpstreamBlock>, Fault> {
    let (address, names) = match &pass.target {
        TunnelTarget::Fixed(block) => return Ok(Arc::clone(block)),
        TunnelTarget::Variable { address, names } => (address, names),
    };
    let invalid = |why: &str| Fault::new(500, Blame::Us, format!("{why} in tunnel_pass"));
    let authority = String::from_utf8(address.evaluate(ex)).map_err(|_| invalid("no UTF-8"))?;
    let block = redirect::named(ex, names, &authority, 0).await?;
    if block.needs_port() {
        return Err(invalid(&format!("no port in upstream \"{authority}\"")));
    }
    Ok(block)
}

/// Asks peers in turn until one takes the connection, as `tunnel_next_upstream` allows.
async fn reach_one(
    worker: &Worker,
    ex: &mut Exchange,
    pass: &TunnelPass,
    upstream: &UpstreamBlock,
) -> Result<(Box<PeerConnection>, Lease), Fault> {
    let hash_key = upstream.hash_key.as_ref().map(|key| key.evaluate(ex));
    let key = PickKey {
        client: client_address(ex),
        hash_key: hash_key.as_deref().unwrap_or_default(),
    };
    let (mut tried, started) = (Tried::default(), Instant::now());
    let mut bind = None;
    loop {
        let picked = upstream.upstream.pick(&key, &mut tried, Instant::now());
        let Some(lease) = picked else {
            return Err(no_live_upstreams(ex, upstream));
        };
        let since = Instant::now();
        ex.tries.push(Try {
            address: lease.peer().label.clone(),
            scheme: "tunnel",
            ..Try::default()
        });
        let checked = reach::check(ex, &pass.allow, lease.address());
        if bind.is_none() || pass.bind_dynamic {
            bind = Some(local_address(ex, pass.bind.as_ref()));
        }
        let connected = match checked {
            Err(denied) => Err(denied),
            Ok(()) => open(worker, pass, upstream, &lease, bind.flatten()).await,
        };
        let took = since.elapsed();
        match connected {
            Ok(peer) => {
                lease.alive(Instant::now());
                let one = wire::last_try(ex);
                (one.status, one.connect_time, one.header_time) =
                    (Some(200), Some(took), Some(took));
                return Ok((peer, lease));
            }
            Err(fault) => {
                let one = wire::last_try(ex);
                (one.status, one.response_time) = (Some(fault.status), Some(took));
                if let Some(failure) = fault.failure {
                    lease.fail(failure, Instant::now());
                }
                if !may_retry(ex, pass, &tried, started.elapsed(), &fault) {
                    return Err(fault);
                }
                note_retry(ex, &fault);
            }
        }
    }
}

fn may_retry(ex: &Exchange, pass: &TunnelPass, tried: &Tried, took: Duration, why: &Fault) -> bool {
    let next = &pass.next;
    let listed = match why.failure {
        Some(Failure::Denied) => next.denied,
        Some(Failure::Timeout) => next.timeout,
        Some(_) => next.error,
        None => false,
    };
    listed
        && tried.may_retry()
        && (next.tries == 0 || ex.tries.len() < next.tries)
        && (next.time.is_zero() || took < next.time)
}

/// An address, or an address with a port.
fn local_address(ex: &Exchange, bind: Option<&Template>) -> Option<SocketAddr> {
    let text = String::from_utf8(bind?.evaluate(ex)).ok()?;
    let whole: Option<SocketAddr> = text.parse().ok();
    whole.or_else(|| Some(SocketAddr::new(text.parse().ok()?, 0)))
}

async fn open(
    worker: &Worker,
    pass: &TunnelPass,
    upstream: &UpstreamBlock,
    lease: &Lease,
    bind: Option<SocketAddr>,
) -> Result<Box<PeerConnection>, Fault> {
    let key = connect::Key {
        upstream: upstream.id,
        address: lease.address().clone(),
        bind,
        tls: None,
    };
    // Never a kept one: it may have spoken HTTP before.
    let mut peer = connect::fresh(key, None, pass.connect_timeout).await?;
    if pass.socket_keepalive {
        peer.stream.keep_alive();
    }
    peer.buffer.lend(worker.buffer_memory());
    Ok(peer)
}

/// The 200 that opens the tunnel; it has neither length nor body (RFC 9110 section 9.3.6).
fn write_head(ex: &mut Exchange, client: &mut Client) {
    ex.sent.status = 200;
    if ex.speaks_tls_to_others() {
        return;
    }
    let out = &mut client.out;
    let start = out.len();
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    respond::line(out, b"Server", crate::cli::SERVER.as_bytes());
    crate::clock::with(|now| respond::line(out, b"Date", now.http().as_bytes()));
    out.extend_from_slice(b"\r\n");
    ex.sent.bytes += (out.len() - start) as u64;
}
