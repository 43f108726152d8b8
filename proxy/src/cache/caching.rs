//! What the cache knows of one request, from the look-up to the stored answer. It lies in the `Exchange`; `forward` asks
//! it how the peer is to be asked and shows it what the peer answers.

use std::sync::Arc;

use super::freshness;
use super::key::Digest;
use super::record::{self, Record, Times};
use super::rfc;
use super::status::CacheStatus;
use super::store::Fill;
use super::stored::Stored;
use super::vary::{self, Vary};
use super::zone::{Guard, Zone};
use crate::clock;
use crate::config::{CacheSettings, ProxyPass, any_holds};
use crate::exchange::Exchange;
use crate::http1::{Head, Known, ResponseHead};
use crate::respond::Origin;
use crate::upstream::Failure;

#[derive(Debug)]
pub(crate) struct Caching {
    pub(super) zone: Arc<Zone>,
    pub(super) pass: Arc<ProxyPass>,
    pub(crate) key: Vec<u8>,
    pub(super) main: Digest,
    pub(super) digest: Digest,
    pub(super) family: u64,
    pub(crate) status: CacheStatus,
    /// The answer may be stored, unless it turns out otherwise.
    pub(super) cacheable: bool,
    /// What is stored may be used though it is too old, where something else allows it (RFC 9111 forbids some).
    pub(super) may_be_stale: bool,
    /// Too old, or the answer itself.
    pub(super) stored: Option<Box<Stored>>,
    pub(super) guard: Option<Guard>,
    pub(super) fill: Option<Fill>,
}

/// What becomes of a peer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It goes to the client.
    PassOn,
    /// The stored one goes instead.
    UseStored,
}

impl Caching {
    pub(super) fn settings(&self) -> &CacheSettings {
        let settings = self.pass.settings.cache.as_deref();
        settings.expect("only a location with a cache makes one of these")
    }

    /// The client's conditions and ranges stay here: what is to be stored must be whole.
    pub(crate) fn hides(&self, header: &[u8]) -> bool {
        const HIDDEN: [&str; 6] = [
            "if-modified-since",
            "if-unmodified-since",
            "if-none-match",
            "if-match",
            "range",
            "if-range",
        ];
        self.cacheable
            && HIDDEN
                .iter()
                .any(|name| header.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// `If-None-Match` and `If-Modified-Since` of what is stored (`proxy_cache_revalidate`).
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let stored = self.stored.as_ref().filter(|stored| {
            let whole = self.settings().rfc || matches!(stored.head.status, 200 | 206);
            self.cacheable && self.revalidates() && whole
        });
        let field = |known| stored?.head.head.get(known);
        let tag = field(Known::Etag).map(|tag| ("If-None-Match", tag));
        let date = field(Known::LastModified).map(|date| ("If-Modified-Since", date));
        date.into_iter().chain(tag)
    }

    fn revalidates(&self) -> bool {
        let settings = self.settings();
        (settings.revalidate || settings.rfc) && self.status == CacheStatus::Expired
    }

    /// A HEAD is asked for as a GET, so that the answer is worth storing (`proxy_cache_convert_head`).
    pub(crate) fn asks_by_get(&self) -> bool {
        self.cacheable && self.settings().convert_head
    }

    /// The answer is wanted even if the client goes away.
    pub(crate) fn wants_answer(&self) -> bool {
        self.cacheable
    }

    // ANCHOR: answered
    /// A peer has answered, and no other is to be asked.
    pub(crate) async fn answered(&mut self, answer: &ResponseHead, request: &Head) -> Answered {
        if self.status != CacheStatus::Expired || self.stored.is_none() {
            return Answered::PassOn;
        }
        let settings = self.settings();
        if self.may_be_stale && settings.use_stale.statuses.contains(&answer.status) {
            self.status = CacheStatus::Stale;
            return Answered::UseStored;
        }
        if answer.status == 304 && self.conditions().next().is_some() {
            self.renew(answer, request).await;
            self.status = CacheStatus::Revalidated;
            return Answered::UseStored;
        }
        Answered::PassOn
    }
    // ANCHOR_END: answered

    /// The peer says that what is stored is still good: from now on it is fresh again.
    async fn renew(&mut self, confirmed: &ResponseHead, request: &Head) {
        let now = clock::since_epoch().as_secs();
        let Some(mut stored) = self.stored.take() else {
            return;
        };
        let renewed = if self.settings().rfc {
            self.update(&mut stored, confirmed, request, now).await
        } else if let Some(times) =
            freshness::renewed(confirmed, &stored.head, self.settings(), now)
        {
            stored.record.times = times;
            stored.renew(&self.zone, &self.digest)
        } else {
            Ok(())
        };
        if let Err(why) = renewed {
            tracing::warn!(%why, zone = self.zone.name, "an entry could not be renewed");
        }
        self.stored = Some(stored);
        self.guard = None;
    }

    /// As RFC 9111 has it, the 304 changes fields of what is stored, too.
    async fn update(
        &self,
        stored: &mut Stored,
        confirmed: &ResponseHead,
        request: &Head,
        now: u64,
    ) -> std::io::Result<()> {
        let raw = rfc::merged(&stored.head, confirmed, now);
        let mut head = ResponseHead::default();
        if head.parse(&raw) != Ok(Some(raw.len())) {
            return Ok(());
        }
        let times = rfc::times(request, &head, self.settings(), now);
        (stored.head, stored.record.head) = (head, raw);
        let Some(times) = times else {
            self.zone.remove(&self.digest);
            return Ok(());
        };
        stored.record.times = times;
        stored.rewrite(&self.zone, self.digest).await
    }

    /// No peer has given an answer that could go to the client: whether the stored one may.
    pub(super) fn rescues(&mut self, failure: Option<Failure>) -> bool {
        let may = self.may_be_stale && self.status == CacheStatus::Expired;
        let Some(stored) = self.stored.as_ref().filter(|_| may) else {
            return false;
        };
        let times = stored.record.times;
        let now = clock::since_epoch().as_secs();
        let lasts = times.fresh_until.saturating_add(times.if_error) >= now;
        let cases = &self.settings().use_stale;
        let listed = match failure {
            // No peer could be chosen.
            None | Some(Failure::Connect(_) | Failure::ReadError) => cases.error,
            Some(Failure::Timeout) => cases.timeout,
            Some(Failure::Denied) => return false,
            Some(Failure::InvalidHeader) => cases.invalid_header,
            Some(Failure::HttpStatus(status)) => cases.statuses.contains(&status),
        };
        if listed || lasts {
            self.status = CacheStatus::Stale;
        }
        listed || lasts
    }

    /// An error of ours, or one whose page is ours, that `proxy_cache_valid` lists is remembered.
    pub(crate) fn remember_error(&mut self, status: u16, answer: Option<&ResponseHead>) {
        if !self.cacheable {
            return;
        }
        let now = clock::since_epoch().as_secs();
        let told = answer.map(|head| freshness::told(&head.head, self.settings().ignored, now));
        if told.is_some_and(|told| told.refused) {
            return;
        }
        let by_status = || self.settings().valid_for(status).map(|time| now + time);
        if let Some(until) = told.and_then(|told| told.until).or_else(by_status)
            && let Some(node) = self.zone.index().peek_mut(&self.digest)
        {
            node.error = Some((status, until));
        }
    }

    /// Where the answer belongs, by its `Vary`; `None` is nowhere.
    fn place(&self, vary: &Vary, request: &Head) -> Option<(Digest, Digest, Vec<u8>)> {
        let names = match vary {
            Vary::Everything => return None,
            Vary::Nothing => return Some((self.main, Digest::default(), Vec::new())),
            Vary::On(names) => names.clone(),
        };
        let variant = vary::variant(self.main, self.family, &names, request);
        // A variant of another family than was looked for: it starts its own.
        let digest = if variant == self.digest {
            variant
        } else {
            self.main
        };
        Some((digest, variant, names))
    }

    /// What stands before the body of an entry.
    fn record(
        &self,
        answer: &ResponseHead,
        times: Times,
        request: &Head,
    ) -> Option<(Digest, Record)> {
        let (settings, now) = (self.settings(), times.stored);
        let head = if settings.rfc {
            rfc::kept(answer, now)
        } else {
            answer.head.raw().to_vec()
        };
        let vary = if settings.ignored.vary {
            Vary::Nothing
        } else {
            Vary::of(&answer.head)
        };
        let (digest, variant, vary) = self.place(&vary, request)?;
        let record = Record {
            key: self.key.clone(),
            vary,
            variant,
            family: self.family,
            head,
            times,
            body_length: 0,
            body_crc: 0,
        };
        record::fits(&record.key, &record.head).then_some((digest, record))
    }

    /// What `take` could not store is no longer tried.
    fn give_up(&mut self, why: &std::io::Error) {
        tracing::error!(%why, zone = self.zone.name, "an answer could not be stored");
        self.forget();
    }

    /// The answer is not stored; others need not wait for it.
    pub(crate) fn forget(&mut self) {
        self.cacheable = false;
        self.fill = None;
        self.guard = None;
    }

    /// A piece of the body, on its way to the client.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        if let Some(fill) = &mut self.fill
            && let Err(why) = fill.push(bytes)
        {
            self.give_up(&why);
        }
    }

    /// How old the stored answer is, where its age is to be said.
    pub(super) fn age(&self, stored: &Stored) -> Option<u64> {
        let now = clock::since_epoch().as_secs();
        let rfc = self.settings().rfc;
        rfc.then(|| rfc::current_age(&stored.record.times, now))
    }

    /// Whether something is being stored.
    pub(crate) fn is_storing(&self) -> bool {
        self.fill.is_some()
    }

    /// The body was whole.
    pub(crate) fn finish(&mut self) {
        if let Some(fill) = self.fill.take()
            && let Err(why) = fill.commit()
        {
            self.give_up(&why);
        }
        self.guard = None;
    }
}

// ANCHOR: begin
/// An answer is about to go to the client: decides whether it is stored on its way.
pub(crate) fn begin(ex: &mut Exchange, answer: &ResponseHead, buffering: bool) -> Origin {
    let Some(mut caching) = ex.caching.take() else {
        return Origin::Passed;
    };
    // The old one is of no use any more.
    caching.stored = None;
    let wanted = buffering && !any_holds(&caching.settings().no_cache, ex);
    caching.cacheable &= wanted;
    let now = clock::since_epoch().as_secs();
    let (settings, request) = (caching.settings(), &ex.request.head.head);
    let times = if settings.rfc {
        rfc::times(request, answer, settings, now)
    } else {
        freshness::times(answer, settings, now)
    };
    let times = times.filter(|_| caching.cacheable);
    let record = times.and_then(|times| caching.record(answer, times, request));
    let origin = match record {
        Some((digest, record)) => {
            let temporary = caching.settings().temporary.clone();
            let zone = Arc::clone(&caching.zone);
            caching.fill = Some(Fill::new(zone, digest, record, temporary));
            Origin::Storing
        }
        None => {
            caching.forget();
            Origin::Passed
        }
    };
    ex.caching = Some(caching);
    origin
}
// ANCHOR_END: begin
