//! Stage "cache" (`proxy_cache`): takes an exchange that is to be passed on, decides whether a stored answer is enough,
//! hands on that answer, or the question with what is to be done about storing its answer.
//!
//! The answer itself is stored on its way from the peer (`caching`), and a stored one goes to the client by the way that
//! a peer's goes (`replay`), so that ranges, conditions and filters treat both alike.

pub(crate) mod cache_control;
mod caching;
mod freshness;
mod index;
mod keeper;
mod key;
mod lookup;
mod purge;
pub(crate) mod record;
mod replay;
mod rfc;
mod status;
mod store;
mod stored;
pub(crate) mod vary;
mod zone;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use caching::{Answered, Caching, begin};
pub(crate) use keeper::keep;
pub(crate) use key::Levels;
pub(crate) use replay::replay;
pub(crate) use status::CacheStatus;
pub(crate) use zone::{Caches, Limits, Pace, Report, Served, Zone};

use crate::clock;
use crate::config::{CacheSettings, Level, ProxyPass, ZoneName, any_holds};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::http1::Known;
use crate::log;
use crate::pipeline::Flow;
use lookup::{Found, Place};
use zone::Guard;

/// nginx refuses a zone below two pages.
pub(crate) const SMALLEST: u64 = 2 * 4096;

/// What is to happen after the look-up.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A peer is to be asked.
    Ask,
    /// The stored answer is to be sent.
    Stored,
    /// As `Stored`, and a peer is to be asked behind the client's back.
    StoredAndUpdate(Box<Caching>),
    /// It was a purge; so many entries went.
    Purged(usize),
}

// ANCHOR: look_up
/// Looks for a stored answer to this request; `url` is what a peer would be asked for.
pub(crate) async fn look_up(
    ex: &mut Exchange,
    pass: &Arc<ProxyPass>,
    settings: &CacheSettings,
    url: &[u8],
) -> Result<Opened, Fault> {
    ex.caching = None;
    let purging = any_holds(&settings.purge, ex);
    if !purging && !settings.covers(ex.request.method()) {
        return Ok(Opened::Ask);
    }
    let Some(zone) = zone_of(ex, settings)? else {
        return Ok(Opened::Ask);
    };
    let key = settings
        .key
        .as_ref()
        .map_or_else(|| url.to_vec(), |key| key.evaluate(ex));
    if purging {
        return Ok(Opened::Purged(purge::purge(&zone, key).await));
    }
    if key.len() > key::LONGEST {
        let text = format!("the cache key is too long: {} bytes", key.len());
        log::exchange_error(ex, Level::Error, &text);
        return Ok(Opened::Ask);
    }
    let mut caching = Box::new(Caching::new(zone, pass, key));
    let opened = if any_holds(&settings.bypass, ex) {
        caching.bypass(ex).await;
        Ok(Opened::Ask)
    } else {
        caching.find(ex).await
    };
    if matches!(opened, Ok(Opened::Ask)) && beyond(ex, settings) {
        caching.forget();
    }
    ex.caching = Some(caching);
    opened
}
// ANCHOR_END: look_up

fn zone_of(ex: &Exchange, settings: &CacheSettings) -> Result<Option<Arc<Zone>>, Fault> {
    let name = match &settings.zone {
        ZoneName::Fixed(zone) => return Ok(Some(Arc::clone(zone))),
        ZoneName::Variable(name) => name.evaluate(ex),
    };
    if name.is_empty() || name == b"off" {
        return Ok(None);
    }
    let zone = ex
        .config
        .caches
        .iter()
        .find(|zone| zone.name.as_bytes() == name);
    let unknown = || {
        let why = format!("cache \"{}\" not found", String::from_utf8_lossy(&name));
        Fault::new(500, Blame::Us, why)
    };
    zone.cloned().map(Some).ok_or_else(unknown)
}

/// `proxy_cache_max_range_offset`: a range that begins late is passed on; to fetch all before it would take too long.
fn beyond(ex: &Exchange, settings: &CacheSettings) -> bool {
    let Some(most) = settings.max_range_offset else {
        return false;
    };
    let Some(range) = ex.request.head.head.get_named(b"range") else {
        return false;
    };
    let Some(start) = range.strip_prefix(b"bytes=").filter(|_| most > 0) else {
        return most == 0;
    };
    let digits = start.iter().take_while(|b| b.is_ascii_digit()).count();
    let start = std::str::from_utf8(&start[..digits]).ok();
    start
        .and_then(|start| start.parse::<u64>().ok())
        .is_none_or(|start| start >= most)
}

impl Caching {
    fn new(zone: Arc<Zone>, pass: &Arc<ProxyPass>, key: Vec<u8>) -> Self {
        let main = key::digest(&key);
        Self {
            zone,
            pass: Arc::clone(pass),
            key,
            main,
            digest: main,
            family: 0,
            status: CacheStatus::Miss,
            cacheable: true,
            may_be_stale: true,
            stored: None,
            guard: None,
            fill: None,
        }
    }

    /// The answer is not taken from the cache, but goes there; beside its variants, if there are any.
    async fn bypass(&mut self, ex: &Exchange) {
        let now = clock::since_epoch().as_secs();
        let place =
            lookup::find(&self.zone, &self.key, self.main, &ex.request.head.head, now).await;
        (self.digest, self.family) = (place.digest, place.family);
        self.status = CacheStatus::Bypass;
    }

    /// Looks, and waits for another request that asks for the same (`proxy_cache_lock`).
    async fn find(&mut self, ex: &Exchange) -> Result<Opened, Fault> {
        let wait_until = clock::since_epoch() + self.settings().lock_timeout;
        loop {
            let now = clock::since_epoch();
            let head = &ex.request.head.head;
            let place = lookup::find(&self.zone, &self.key, self.main, head, now.as_secs()).await;
            (self.digest, self.family) = (place.digest, place.family);
            match place.found {
                Found::Error(status) => {
                    self.status = CacheStatus::Hit;
                    return Err(Fault::status(status));
                }
                Found::Stored(_) => return self.judge(ex, place, now),
                Found::Nothing if self.settings().rfc && rfc::only_stored(head) => {
                    return Err(Fault::status(504));
                }
                Found::Nothing if place.uses < self.settings().min_uses => {
                    self.cacheable = false;
                    return Ok(Opened::Ask);
                }
                Found::Nothing => {}
            }
            if !self.settings().lock || !self.waits(now, wait_until).await {
                return Ok(Opened::Ask);
            }
        }
    }

    /// What is stored, by its age.
    fn judge(&mut self, ex: &Exchange, place: Place, now: Duration) -> Result<Opened, Fault> {
        let Found::Stored(stored) = place.found else {
            return Ok(Opened::Ask);
        };
        let (times, seconds) = (stored.record.times, now.as_secs());
        let usable = if self.settings().rfc {
            rfc::usable(&ex.request.head.head, &stored.head, &times, seconds)
        } else {
            rfc::Use::until(times.fresh_until, seconds)
        };
        self.stored = Some(stored);
        self.may_be_stale = usable.may_be_stale;
        if usable.now {
            self.status = if usable.stale {
                CacheStatus::Stale
            } else {
                CacheStatus::Hit
            };
            return Ok(Opened::Stored);
        }
        if usable.only_stored {
            return Err(Fault::status(504));
        }
        let settings = self.settings();
        let meanwhile = usable.may_be_stale
            && (settings.use_stale_updating
                || times.fresh_until.saturating_add(times.while_updating) >= seconds);
        let repeatable = ex.request.body.is_none();
        let in_background = meanwhile && settings.background_update && repeatable;
        let age = if settings.lock {
            millis(settings.lock_age)
        } else {
            u64::MAX
        };
        Ok(
            match Guard::take(&self.zone, self.digest, millis(now), age) {
                Ok(guard) if in_background => {
                    self.status = CacheStatus::Stale;
                    Opened::StoredAndUpdate(self.behind_the_back(guard))
                }
                Err(_) if meanwhile => {
                    self.status = CacheStatus::Updating;
                    Opened::Stored
                }
                taken => {
                    self.guard = taken.ok();
                    self.status = CacheStatus::Expired;
                    Opened::Ask
                }
            },
        )
    }

    /// The same for a request of our own that brings the entry up to date.
    fn behind_the_back(&self, guard: Guard) -> Box<Self> {
        let mut caching = Self::new(Arc::clone(&self.zone), &self.pass, self.key.clone());
        (caching.digest, caching.family) = (self.digest, self.family);
        caching.status = CacheStatus::Expired;
        caching.guard = Some(guard);
        Box::new(caching)
    }

    /// Takes the right to ask, or waits for who has it; `false` is to ask now.
    async fn waits(&mut self, now: Duration, wait_until: Duration) -> bool {
        let age = millis(self.settings().lock_age);
        let (done, late) = match Guard::take(&self.zone, self.digest, millis(now), age) {
            Ok(guard) => {
                self.guard = Some(guard);
                return false;
            }
            Err(taken) => taken,
        };
        let left = wait_until.saturating_sub(now);
        if left.is_zero() {
            self.cacheable = false;
            return false;
        }
        let notified = done.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        // It may have ended before we listened.
        if self.zone.index().is_updating(&self.digest, millis(now)) {
            let late = Duration::from_millis(late).saturating_sub(now);
            let _ = tokio::time::timeout(left.min(late), notified).await;
        }
        true
    }

    /// What is stored, for the request behind the back, whose client's request has taken it.
    pub(crate) async fn reopen(&mut self) {
        let now = clock::since_epoch().as_secs();
        self.stored = self.zone.open(&self.digest, now).await.map(Box::new);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

// ANCHOR: settle
/// What the peers have come to: an error may be answered by what is stored, and may be remembered.
pub(crate) fn settle(ex: &mut Exchange, result: Result<Flow, Fault>) -> Result<Flow, Fault> {
    let Some(caching) = &mut ex.caching else {
        return result;
    };
    let fault = match &result {
        Err(fault) => fault,
        Ok(Flow::Stored) => return result,
        Ok(_) => {
            caching.forget();
            return result;
        }
    };
    let by_peer = fault.blame == Blame::Upstream;
    if by_peer && ex.sent.status == 0 && caching.rescues(fault.failure) {
        log::exchange_error(ex, Level::Error, &fault.why);
        return Ok(Flow::Stored);
    }
    // What broke off in its body was no error when it began.
    if by_peer && ex.sent.status == 0 && matches!(fault.status, 502 | 504) {
        caching.remember_error(fault.status, None);
    }
    caching.forget();
    result
}
// ANCHOR_END: settle

/// RFC 9111 section 4.4: what was written to may have changed; `url` is what was written to.
pub(crate) fn invalidate(ex: &Exchange, settings: &CacheSettings, url: &[u8]) {
    let changed = matches!(ex.sent.status, 200..=399) && rfc::is_unsafe(ex.request.method());
    let Ok(Some(zone)) = zone_of(ex, settings) else {
        return;
    };
    if !settings.rfc || !changed {
        return;
    }
    if let Some(key) = &settings.key {
        zone.remove(&key::digest(&key.evaluate(ex)));
        return;
    }
    zone.remove(&key::digest(url));
    let host = ex.request.head.head.get(Known::Host).unwrap_or_default();
    let peer = ex.proxied_to.host.as_bytes();
    let Some(answer) = &ex.upstream_head else {
        return;
    };
    let scheme = memchr::memmem::find(url, b"://").map_or(0, |at| at + 3);
    for path in rfc::invalidated(&answer.head, &[host, peer]) {
        zone.remove(&key::digest(&[&url[..scheme], peer, path].concat()));
    }
}

/// Counts what the cache had to do with an answer of which so many bytes went out.
pub(crate) fn count(ex: &Exchange, bytes: u64) {
    if let Some(caching) = &ex.caching {
        caching.zone.count(caching.status, bytes);
    }
}
