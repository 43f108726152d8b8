//! RFC 9111 to the letter (`proxy_cache_rfc on`), where nginx has rules of its own: what may be stored, how old it is, when
//! it may be used, and what an answer of 304 changes. Plain functions of heads and the time.

use super::cache_control::{Directive, directives, seconds};
use super::record::Times;
use crate::clock;
use crate::config::CacheSettings;
use crate::http1::{Head, Header, Known, ResponseHead};

/// A guess is never longer than a day (section 4.2.2 asks for moderation).
const LONGEST_GUESS: u64 = 86_400;

/// The directives of an answer or a request that matter here.
#[derive(Debug, Default)]
struct Control {
    no_store: bool,
    no_cache: bool,
    private: bool,
    public: bool,
    must_revalidate: bool,
    proxy_revalidate: bool,
    must_understand: bool,
    only_if_cached: bool,
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    min_fresh: Option<u64>,
    max_stale: Option<u64>,
    stale_while_revalidate: Option<u64>,
    stale_if_error: Option<u64>,
}

impl Control {
    fn of(head: &Head) -> Self {
        let mut control = Self::default();
        for field in head
            .iter()
            .filter(|field| field.known == Known::CacheControl)
        {
            for directive in directives(field.value) {
                control.read(&directive);
            }
        }
        control
    }

    fn read(&mut self, directive: &Directive<'_>) {
        let number = directive.value.as_ref().map(|value| seconds(value.text));
        // What is no number means stale (section 4.2.1); of several the shortest counts.
        let shortest = |old: Option<u64>| {
            let new = number.flatten().unwrap_or(0);
            Some(old.map_or(new, |old| old.min(new)))
        };
        match directive.name.to_ascii_lowercase().as_slice() {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"max-age" => self.max_age = shortest(self.max_age),
            b"s-maxage" => self.s_maxage = shortest(self.s_maxage),
            b"min-fresh" => self.min_fresh = number.flatten(),
            // Without a number: however stale.
            b"max-stale" => {
                self.max_stale = Some(number.map_or(u64::MAX, Option::unwrap_or_default));
            }
            b"stale-while-revalidate" => self.stale_while_revalidate = number.flatten(),
            b"stale-if-error" => self.stale_if_error = number.flatten(),
            _ => {}
        }
    }

    /// Section 4.2.4: these answers are never served stale, whatever else is allowed.
    fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache || self.s_maxage.is_some()
    }
}

/// Statuses whose meaning for caches we know, for `must-understand`.
fn is_understood(status: u16) -> bool {
    may_guess(status) || matches!(status, 302 | 303 | 307 | 400 | 401 | 403 | 500 | 502..=504)
}

/// Section 15.1 of RFC 9110: cacheable without explicit freshness.
fn may_guess(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

// ANCHOR: storable
/// Section 3: whether a shared cache may store this answer, and how long it is fresh.
pub(super) fn times(
    request: &Head,
    answer: &ResponseHead,
    settings: &CacheSettings,
    now: u64,
) -> Option<Times> {
    let (asked, control) = (Control::of(request), Control::of(&answer.head));
    // Parts of an answer are not put together here; a 304 stands for what is stored.
    if asked.no_store || control.private || matches!(answer.status, 0..=199 | 206 | 304) {
        return None;
    }
    if control.must_understand {
        if !is_understood(answer.status) {
            return None;
        }
    } else if control.no_store {
        return None;
    }
    let for_all = control.public || control.must_revalidate || control.s_maxage.is_some();
    if request.get_named(b"authorization").is_some() && !for_all {
        return None;
    }
    let lifetime = lifetime(answer, &control, settings, now)?;
    // It will be asked for each time, whoever reads the file.
    let lifetime = if control.no_cache { 0 } else { lifetime };
    let validators = [Known::Etag, Known::LastModified];
    let can_be_validated = validators
        .iter()
        .any(|&known| answer.head.get(known).is_some());
    if lifetime == 0 && !can_be_validated {
        return None;
    }
    let age = initial_age(&answer.head, now);
    Some(Times {
        stored: now,
        fresh_until: (now + lifetime).saturating_sub(age),
        while_updating: control.stale_while_revalidate.unwrap_or(0),
        if_error: control.stale_if_error.unwrap_or(0),
        age,
    })
}
// ANCHOR_END: storable

/// Section 4.2.1: the first of these that the answer has. `None` says that nothing allows to store it.
fn lifetime(
    answer: &ResponseHead,
    control: &Control,
    settings: &CacheSettings,
    now: u64,
) -> Option<u64> {
    if let Some(explicit) = control.s_maxage.or(control.max_age) {
        return Some(explicit);
    }
    let date = date(&answer.head, Known::Date).unwrap_or(now);
    if let Some(expires) = answer.head.get(Known::Expires) {
        let several = answer.head.count(Known::Expires) > 1;
        let expires = http_date(expires).filter(|_| !several);
        return Some(expires.map_or(0, |expires| expires.saturating_sub(date)));
    }
    if let Some(seconds) = settings.valid_for(answer.status) {
        return Some(seconds);
    }
    if !may_guess(answer.status) && !control.public {
        return None;
    }
    // Ten in a hundred of how long it has not changed.
    let modified = self::date(&answer.head, Known::LastModified);
    let guess = modified.map(|modified| date.saturating_sub(modified) / 10);
    Some(guess.unwrap_or(0).min(LONGEST_GUESS))
}

/// Section 4.2.3. An `Age` that is no single number makes an answer older than any lifetime.
fn initial_age(answer: &Head, now: u64) -> u64 {
    let apparent = date(answer, Known::Date).map_or(0, |date| now.saturating_sub(date));
    let told = match answer.count(Known::Age) {
        0 => 0,
        1 => answer
            .get(Known::Age)
            .and_then(seconds)
            .unwrap_or(u64::MAX >> 1),
        _ => u64::MAX >> 1,
    };
    apparent.max(told)
}

/// The age of what was stored at a time with an age (`Age`).
pub(super) fn current_age(times: &Times, now: u64) -> u64 {
    times.age.saturating_add(now.saturating_sub(times.stored))
}

fn date(head: &Head, known: Known) -> Option<u64> {
    head.get(known).and_then(http_date)
}

fn http_date(text: &[u8]) -> Option<u64> {
    clock::parse_http_date(std::str::from_utf8(text).ok()?)
}

/// What a stored answer is good for, for one request (section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// As it is; `stale` says that it is old, and the client takes that.
    pub(super) now: bool,
    pub(super) stale: bool,
    /// Old, but allowed while it is being updated, or if that fails.
    pub(super) may_be_stale: bool,
    /// The client wants nothing that would have to be asked for.
    pub(super) only_stored: bool,
}

impl Use {
    /// nginx's rule: good until its time, and stale wherever a directive says so.
    pub(super) fn until(fresh_until: u64, now: u64) -> Self {
        Self {
            now: fresh_until >= now,
            may_be_stale: true,
            ..Self::default()
        }
    }
}

// ANCHOR: usable
pub(super) fn usable(request: &Head, stored: &ResponseHead, times: &Times, now: u64) -> Use {
    let (asked, control) = (asked(request), Control::of(&stored.head));
    let age = current_age(times, now);
    let left = times.fresh_until.saturating_sub(now);
    let too_old = asked.max_age.is_some_and(|most| age > most);
    let not_long_enough = asked.min_fresh.is_some_and(|least| left < least);
    let refused = asked.no_cache || control.no_cache || too_old || not_long_enough;
    let fresh = left > 0;
    let staleness = now.saturating_sub(times.fresh_until);
    let takes_stale = asked.max_stale.is_some_and(|most| staleness <= most);
    let may_be_stale = !control.forbids_stale() && !refused;
    Use {
        now: !refused && (fresh || (takes_stale && may_be_stale)),
        stale: !fresh,
        may_be_stale,
        only_stored: asked.only_if_cached,
    }
}
// ANCHOR_END: usable

/// A request's own wishes; `Pragma: no-cache` is one only where nothing newer is said (section 5.4).
fn asked(request: &Head) -> Control {
    let mut asked = Control::of(request);
    let newer = request.get(Known::CacheControl).is_some();
    let pragma = request.get_named(b"pragma").filter(|_| !newer);
    asked.no_cache |= pragma.is_some_and(|pragma| directives(pragma).any(|d| d.is("no-cache")));
    asked
}

/// Whether a client forbids to ask for what is not stored.
pub(super) fn only_stored(request: &Head) -> bool {
    Control::of(request).only_if_cached
}

/// Section 3.1: fields that belong to one connection, or to one proxy, are not stored. The date of an answer that has
/// none is when it came.
pub(super) fn kept(answer: &ResponseHead, now: u64) -> Vec<u8> {
    let mut raw = status_line(answer);
    for field in answer
        .head
        .iter()
        .filter(|field| is_kept(field, &answer.head))
    {
        crate::respond::line(&mut raw, field.name, field.value);
    }
    if answer.head.get(Known::Date).is_none() {
        crate::respond::line(&mut raw, b"Date", clock::http_date(now).as_bytes());
    }
    raw.extend_from_slice(b"\r\n");
    raw
}

fn status_line(answer: &ResponseHead) -> Vec<u8> {
    let raw = answer.head.raw();
    let end = memchr::memchr(b'\n', raw).map_or(raw.len(), |at| at + 1);
    raw[..end].to_vec()
}

fn is_kept(field: &Header<'_>, head: &Head) -> bool {
    const OURS: [&[u8]; 3] = [
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
    ];
    let one_hop = matches!(
        field.known,
        Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te
            | Known::Trailer
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::Age
    );
    let listed = head.iter().any(|other| {
        other.known == Known::Connection && crate::http1::head::has_token(other.value, field.name)
    });
    let ours = OURS
        .iter()
        .any(|name| field.name.eq_ignore_ascii_case(name));
    !one_hop && !listed && !ours
}

/// Section 3.2: the fields of a 304 take the place of the stored ones, without those that describe the stored body.
pub(super) fn merged(stored: &ResponseHead, confirmed: &ResponseHead, now: u64) -> Vec<u8> {
    const OF_THE_BODY: [&[u8]; 5] = [
        b"content-encoding",
        b"content-length",
        b"content-md5",
        b"content-range",
        b"etag",
    ];
    let of_the_body = |name: &[u8]| {
        OF_THE_BODY
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    let new: Vec<_> = confirmed
        .head
        .iter()
        .filter(|field| is_kept(field, &confirmed.head) && !of_the_body(field.name))
        .collect();
    let mut raw = status_line(stored);
    for field in stored.head.iter() {
        if !new
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(field.name))
        {
            crate::respond::line(&mut raw, field.name, field.value);
        }
    }
    for field in &new {
        crate::respond::line(&mut raw, field.name, field.value);
    }
    if stored.head.get(Known::Date).is_none() && confirmed.head.get(Known::Date).is_none() {
        crate::respond::line(&mut raw, b"Date", clock::http_date(now).as_bytes());
    }
    raw.extend_from_slice(b"\r\n");
    raw
}

/// Section 4.4: what a successful answer to an unsafe method makes invalid besides its target, as paths of the same host.
pub(super) fn invalidated<'a>(answer: &'a Head, hosts: &[&[u8]]) -> Vec<&'a [u8]> {
    let location = answer.get(Known::Location);
    let content = answer.get_named(b"content_location");
    let urls = location.into_iter().chain(content);
    urls.filter_map(|url| {
        if url.starts_with(b"/") && !url.starts_with(b"//") {
            return Some(url);
        }
        let at = memchr::memmem::find(url, b"://")?;
        let rest = &url[at + 3..];
        let end = rest.iter().position(|&b| b == b'/')?;
        let same = hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(&rest[..end]));
        same.then_some(&rest[end..])
    })
    .collect()
}

pub(super) fn is_unsafe(method: &[u8]) -> bool {
    !matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}

#[cfg(test)]
mod tests;
