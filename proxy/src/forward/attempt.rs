//! One peer asked: connect, send, read the head, decide what it means, pass the answer on.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::redirect::Destination;
use super::request;
use super::wire::{self, Sending};
use super::{Turns, reach, relay, sticky, tunnel};
use crate::accept::Client;
use crate::cache::{self, Answered};
use crate::config::{ProxyPass, ProxySettings, Scheme, parse_size};
use crate::connect::{self, PeerConnection};
use crate::exchange::{Exchange, Try};
use crate::fault::{Blame, Fault};
use crate::http1::{Body, Framing, Known, ResponseHead, Version, framing, head};
use crate::pipeline::Flow;
use crate::respond::{self, Origin, Outgoing, Source};
use crate::samples::Phase;
use crate::tls::UpstreamTls;
use crate::upstream::{Failure, Lease};
use crate::worker::Worker;

pub(super) struct Attempt<'a> {
    pub(super) worker: &'a Worker,
    pub(super) pass: &'a Arc<ProxyPass>,
    pub(super) destination: &'a Destination,
    pub(super) turns: Turns<'a>,
}

impl Attempt<'_> {
    // ANCHOR: attempt
    /// Asks the peer of this lease, and tells its health how it went.
    pub(super) async fn run(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        lease: Lease,
    ) -> Result<Flow, Fault> {
        let started = Instant::now();
        let address = lease.peer().label.clone();
        ex.tries.push(Try {
            address,
            scheme: self.destination.aim.scheme.as_str(),
            ..Try::default()
        });
        let result = self.ask(ex, client, &lease, started).await;
        ex.mark_end_of_try();
        if let Some(sticky) = &self.destination.upstream.sticky
            && result.is_ok()
        {
            sticky::answered(ex, sticky, lease.peer());
        }
        let one = wire::last_try(ex);
        let now = Instant::now();
        one.response_time = Some(now - started);
        match &result {
            Ok(_) => {
                let first_byte = one.header_time.unwrap_or_default();
                lease.succeed(
                    first_byte,
                    now - started,
                    one.status.unwrap_or_default(),
                    one.received,
                    now,
                );
            }
            // It answered, only not what was hoped for.
            Err(Fault {
                failure: Some(Failure::HttpStatus(status @ (403 | 404))),
                ..
            }) => {
                let first_byte = one.header_time.unwrap_or_default();
                lease.succeed(first_byte, now - started, *status, one.received, now);
            }
            Err(Fault {
                failure: Some(failure),
                ..
            }) => lease.fail(*failure, now),
            // The client went away, or we failed: the peer is not to blame.
            Err(_) => {}
        }
        result
    }
    // ANCHOR_END: attempt

    async fn ask(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        lease: &Lease,
        started: Instant,
    ) -> Result<Flow, Fault> {
        reach::check(ex, &self.pass.settings.allow, lease.address())?;
        loop {
            let mut peer = self.connect(ex, lease, started).await?;
            let reused = peer.requests > 0;
            let answered = self.converse(ex, client, &mut peer, started).await;
            let (sending, framing) = match answered {
                Ok(answered) => answered,
                Err(fault) => {
                    peer.discard(self.worker);
                    if reused && Self::stale(ex, client, &fault) {
                        continue;
                    }
                    return Err(fault);
                }
            };
            lease.alive(started + wire::last_try(ex).header_time.unwrap_or_default());
            return self
                .pass_on(ex, client, lease, peer, framing, sending)
                .await;
        }
    }

    async fn connect(
        &self,
        ex: &mut Exchange,
        lease: &Lease,
        started: Instant,
    ) -> Result<Box<PeerConnection>, Fault> {
        let settings = &self.pass.settings;
        // `proxy_bind`: an address, or an address with a port.
        let bind = settings.bind.as_ref().and_then(|bind| {
            let text = String::from_utf8(bind.evaluate(ex)).ok()?;
            let whole: Option<SocketAddr> = text.parse().ok();
            whole.or_else(|| Some(SocketAddr::new(text.parse().ok()?, 0)))
        });
        let block = &self.destination.upstream;
        let mut peer = connect::connect(
            self.worker,
            block,
            lease.address(),
            bind,
            self.tls(ex)?,
            settings.connect_timeout,
            started,
        )
        .await?;
        if !peer.buffer.has_memory() {
            peer.buffer.lend(self.worker.buffer_memory());
        }
        // A kept connection was there at once.
        let kept = peer.requests > 0;
        wire::last_try(ex).connect_time = Some(if kept {
            Duration::ZERO
        } else {
            started.elapsed()
        });
        ex.mark(Phase::Connect);
        Ok(peer)
    }

    /// How to shake hands with the peer, and by which name it should be known.
    fn tls(&self, ex: &Exchange) -> Result<Option<(Arc<UpstreamTls>, String)>, Fault> {
        let is_https = self.destination.aim.scheme == Scheme::Https;
        let Some(tls) = self.pass.tls.as_ref().filter(|_| is_https) else {
            return Ok(None);
        };
        let settings = tls.for_request(ex);
        let settings = settings.map_err(|why| Fault::new(500, Blame::Us, why))?;
        let name = match &tls.name {
            Some(name) => String::from_utf8_lossy(&name.evaluate(ex)).into_owned(),
            None => ex.proxied_to.host.to_string(),
        };
        Ok(Some((settings, connect::without_port(name))))
    }

    /// A kept connection that the peer closed at the very moment we used it says nothing about
    /// the peer: a request that may be repeated gets a new one (RFC 9112 section 9.3.1).
    fn stale(ex: &mut Exchange, client: &Client, fault: &Fault) -> bool {
        let body_at_hand = ex.request.body.is_some() || client.body_read == 0;
        let one = wire::last_try(ex);
        let nothing_came = one.received == 0;
        one.sent = 0;
        fault.failure == Some(Failure::ReadError)
            && nothing_came
            && body_at_hand
            && !matches!(ex.request.method(), b"POST" | b"LOCK" | b"PATCH")
    }

    /// Sends the request and reads the answer's head; answers what is left to send (an answer may
    /// begin before the request has ended), and how the answer's body is framed.
    async fn converse(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        peer: &mut PeerConnection,
        started: Instant,
    ) -> Result<(Option<Sending>, Framing), Fault> {
        let settings = &self.pass.settings;
        let mut out = self.worker.take_out();
        let plan = request::write_head(ex, settings, self.destination, &mut out);
        if ex.notes.is_some() {
            ex.note_sent(&out);
        }
        let mut sending = Sending::new(out, plan).with_small_body(ex.request.body.as_deref());
        if let Some(last) = ex.upstream_head.take() {
            self.worker.give_answer(last);
        }
        let mut shared = self.worker.take_answer();
        let answer = Rc::get_mut(&mut shared).expect("nobody else holds a head from the pool");
        let read = wire::exchange_heads(ex, client, peer, &mut sending, answer, settings).await;
        let head_only = request::is_head(ex, settings);
        let framing = read.and_then(|()| {
            framing::of_response(answer, head_only).map_err(|why| {
                let why = format!("upstream {why} while reading response header from upstream");
                Fault::upstream(502, Failure::InvalidHeader, why)
            })
        });
        if framing.is_ok() && ex.notes.is_some() {
            ex.mark(Phase::FirstByte);
            ex.note_answer(answer);
        }
        let one = wire::last_try(ex);
        if framing.is_ok() {
            one.status = Some(answer.status);
            one.header_time = Some(started.elapsed());
        }
        ex.upstream_head = Some(shared);
        let framing = framing?;
        if !sending.is_done() {
            return Ok((Some(sending), framing));
        }
        self.worker.give_out(sending.into_buffer());
        Ok((None, framing))
    }

    /// Decides what the answer's head means, and passes the answer to the client.
    async fn pass_on(
        &self,
        ex: &mut Exchange,
        client: &mut Client,
        lease: &Lease,
        peer: Box<PeerConnection>,
        framing: Framing,
        sending: Option<Sending>,
    ) -> Result<Flow, Fault> {
        let settings = &self.pass.settings;
        let status = ex.upstream_head.as_ref().map_or(0, |head| head.status);
        if let Some(refused) = self.retry(ex, client, status) {
            peer.discard(self.worker);
            return Err(refused);
        }
        let answer = ex.upstream_head.clone().unwrap_or_default();
        if let Some(caching) = &mut ex.caching
            && caching.answered(&answer, &ex.request.head.head).await == Answered::UseStored
        {
            self.leave(peer, &answer, framing);
            return Ok(Flow::Stored);
        }
        if let Some(refused) = self.refuse(ex, status) {
            peer.discard(self.worker);
            // An `error_page` is to be shown, and may be again without asking.
            if let Some(caching) = &mut ex.caching
                && refused.why.is_empty()
            {
                caching.remember_error(status, Some(&answer));
            }
            return Err(refused);
        }
        if let Some(sticky) = &self.destination.upstream.sticky {
            sticky::answers(ex, sticky, lease.peer());
        }
        accel_limit_rate(ex, settings);
        if let Some(target) = accel_redirect(ex, settings) {
            peer.discard(self.worker);
            set_target(ex, &target);
            return Ok(Flow::Redirect);
        }
        if status == 101 {
            return tunnel::upgrade(self.worker, ex, client, peer, settings).await;
        }
        let read_rate = respond::rate(ex, settings.limit_rate.as_ref());
        respond::set_rate(ex);
        let buffering = buffers(&answer, settings);
        let origin = cache::begin(ex, &answer, buffering);
        let source = Source::Peer(&answer, framing, settings, origin);
        let (outgoing, _) = match respond::write_head(self.worker, ex, client, source) {
            Ok(written) => written,
            // A condition or a range of the client's that can't be met.
            Err(fault) => {
                peer.discard(self.worker);
                return Err(fault);
            }
        };
        if outgoing == Outgoing::Nothing && framing != Framing::None && origin == Origin::Passed {
            // Asked for by GET on behalf of a HEAD, and not to be stored after all.
            peer.discard(self.worker);
            return respond::flush(ex, client).await;
        }
        let reusable = keeps_alive(&answer) && framing != Framing::Close;
        // HEAD, 204 and 304 are through already.
        let body = Body::new(framing);
        let relay = relay::Relay {
            worker: self.worker,
            settings,
            outgoing,
            buffering,
            read_rate,
            since: Instant::now(),
        };
        relay
            .run(
                ex,
                client,
                peer,
                body,
                sending,
                reusable.then_some(&*self.destination.upstream),
            )
            .await
    }

    /// Done with a peer whose answer's body nobody wants.
    fn leave(&self, peer: Box<PeerConnection>, answer: &ResponseHead, framing: Framing) {
        if framing == Framing::None && keeps_alive(answer) {
            peer.keep(self.worker, &self.destination.upstream);
        } else {
            peer.discard(self.worker);
        }
    }

    /// An answer for which another peer is to be asked.
    fn retry(&self, ex: &Exchange, client: &Client, status: u16) -> Option<Fault> {
        let settings = &self.pass.settings;
        if settings.next_upstream.statuses.contains(&status) {
            let why = format!("upstream answered {status}");
            let fault = Fault::upstream(status, Failure::HttpStatus(status), why);
            if self.turns.may_retry(ex, client, settings, &fault) {
                return Some(fault);
            }
        }
        None
    }

    /// An answer that is not passed on: an `error_page` is shown in its place.
    fn refuse(&self, ex: &Exchange, status: u16) -> Option<Fault> {
        let settings = &self.pass.settings;
        if settings.intercept_errors && status >= 300 && respond::has_page(ex, status) {
            return Some(Fault::status(status));
        }
        if status == 101 && (ex.inner || !tunnel::was_asked_for(ex, settings)) {
            let why = "upstream switched protocols without being asked to";
            return Some(Fault {
                bare: true,
                ..Fault::upstream(502, Failure::InvalidHeader, why)
            });
        }
        let mut rules = settings.allow_response.iter();
        if !rules.all(|rule| rule.is_true(ex)) {
            let why = "upstream sent a response that is not to be passed on";
            return Some(Fault::new(403, Blame::Client, why));
        }
        None
    }
}

fn keeps_alive(answer: &ResponseHead) -> bool {
    let values = || {
        answer
            .head
            .iter()
            .filter(|h| h.known == Known::Connection)
            .map(|h| h.value)
    };
    if values().any(|value| head::has_token(value, b"close")) {
        return false;
    }
    answer.version == Version::Http11 || values().any(|value| head::has_token(value, b"keep-alive"))
}

/// `X-Accel-Buffering` may overrule `proxy_buffering`.
fn buffers(answer: &ResponseHead, settings: &ProxySettings) -> bool {
    let ignored = settings
        .ignored
        .iter()
        .any(|name| name.known == Known::XAccelBuffering);
    match answer.head.get(Known::XAccelBuffering).filter(|_| !ignored) {
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        _ => settings.buffering,
    }
}

/// `X-Accel-Limit-Rate`: how fast the client may be answered, whatever the location says.
fn accel_limit_rate(ex: &mut Exchange, settings: &ProxySettings) {
    let mut ignored = settings.ignored.iter();
    if ignored.any(|name| name.known == Known::XAccelLimitRate) {
        return;
    }
    let answer = ex.upstream_head.as_ref();
    let Some(value) = answer.and_then(|answer| answer.head.get(Known::XAccelLimitRate)) else {
        return;
    };
    if let Some(rate) = std::str::from_utf8(value).ok().and_then(parse_size) {
        ex.limit_rate = Some(rate);
    }
}

/// `X-Accel-Redirect`: the peer names a path (or a named location) that shall answer instead.
fn accel_redirect(ex: &Exchange, settings: &ProxySettings) -> Option<Vec<u8>> {
    if settings
        .ignored
        .iter()
        .any(|name| name.known == Known::XAccelRedirect)
    {
        return None;
    }
    let target = ex.upstream_head.as_ref()?.head.get(Known::XAccelRedirect)?;
    target.starts_with(b"/").then(|| target.to_vec())
}

fn set_target(ex: &mut Exchange, target: &[u8]) {
    ex.request.go_to(target, Vec::new());
    ex.internal = true;
    if ex.request.method() != b"HEAD" {
        ex.request.method = Some(b"GET");
    }
}
