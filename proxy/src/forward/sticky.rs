//! `sticky`: which peer a request asks for, and what its client and we are told of the peer that has answered.

use std::sync::Arc;
use std::time::Instant;

use crate::clock;
use crate::config::{Binding, Lifetime, Sticky, StickyCookie, Template};
use crate::exchange::Exchange;
use crate::upstream::Peer;

const MAX_AGE: u64 = 315_360_000;

/// The peer that this request belongs to, by its own name for sticky clients.
pub(super) fn wanted(ex: &Exchange, sticky: &Sticky) -> Option<Arc<str>> {
    let id = first(ex, &sticky.lookup)?;
    match &sticky.binding {
        Binding::Cookie(_) | Binding::Route => std::str::from_utf8(&id).ok().map(Arc::from),
        Binding::Learn(learn) => learn.sessions.look(&id, learn.timeout, Instant::now()),
    }
}

/// The head of a peer's answer is to be passed on.
pub(super) fn answers(ex: &mut Exchange, sticky: &Sticky, peer: &Peer) {
    match &sticky.binding {
        Binding::Cookie(cookie) => ex.sticky_cookie = Some(set_cookie(ex, cookie, &peer.sid)),
        Binding::Learn(learn) if learn.header => remember(ex, sticky, peer),
        Binding::Route | Binding::Learn(_) => {}
    }
}

/// The answer is through.
pub(super) fn answered(ex: &Exchange, sticky: &Sticky, peer: &Peer) {
    if let Binding::Learn(learn) = &sticky.binding
        && !learn.header
    {
        remember(ex, sticky, peer);
    }
}

fn remember(ex: &Exchange, sticky: &Sticky, peer: &Peer) {
    let Binding::Learn(learn) = &sticky.binding else {
        return;
    };
    let created = first(ex, &learn.create);
    let is_created = created.is_some();
    if let Some(id) = created.or_else(|| first(ex, &sticky.lookup)) {
        let now = Instant::now();
        learn.sessions.answered(&id, &peer.sid, is_created, now);
    }
}

fn first(ex: &Exchange, templates: &[Template]) -> Option<Vec<u8>> {
    let mut values = templates.iter().map(|template| template.evaluate(ex));
    values.find(|value| !value.is_empty())
}

fn set_cookie(ex: &Exchange, cookie: &StickyCookie, sid: &str) -> Box<[u8]> {
    let mut out = format!("{}={sid}", cookie.name).into_bytes();
    let mut add = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    };
    match cookie.expires {
        Some(Lifetime::Max) => {
            let date = "Thu, 31-Dec-37 23:55:55 GMT";
            add(
                "; expires=",
                format!("{date}; max-age={MAX_AGE}").as_bytes(),
            );
        }
        Some(Lifetime::After(time)) => {
            let date = clock::cookie_date(clock::since_epoch().as_secs() + time.as_secs());
            add(
                "; expires=",
                format!("{date}; max-age={}", time.as_secs()).as_bytes(),
            );
        }
        None => {}
    }
    if let Some(domain) = value(ex, cookie.domain.as_ref()) {
        add("; domain=", &domain);
    }
    if let Some(path) = &cookie.path {
        add("; path=", path.as_bytes());
    }
    if let Some(samesite) = value(ex, cookie.samesite.as_ref()) {
        let known = [&b"lax"[..], b"none"].into_iter();
        let mut known = known.filter(|known| samesite.eq_ignore_ascii_case(known));
        // Who says something else wants to be on the safe side, as in nginx.
        add("; samesite=", known.next().unwrap_or(b"strict"));
    }
    if cookie.secure {
        add("; secure", b"");
    }
    if cookie.httponly {
        add("; httponly", b"");
    }
    out.into()
}

/// What ends an attribute is left out of it: the value may come from the client.
fn value(ex: &Exchange, template: Option<&Template>) -> Option<Vec<u8>> {
    let mut value = template?.evaluate(ex);
    value.retain(|&b| b != b';' && !b.is_ascii_control());
    (!value.is_empty()).then_some(value)
}
