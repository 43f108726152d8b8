//! How long an answer may be stored, by nginx's rules: its own fields first (`X-Accel-Expires`, then `Cache-Control`,
//! then `Expires`), `proxy_cache_valid` where they say nothing. Takes a head and the time, hands on times or a refusal.

use super::cache_control::directives;
use super::record::Times;
use crate::clock;
use crate::config::{CacheSettings, Ignored};
use crate::http1::{Head, Known, ResponseHead};

/// What the fields of an answer say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) until: Option<u64>,
    pub(super) while_updating: u64,
    pub(super) if_error: u64,
    pub(super) refused: bool,
}

// ANCHOR: told
/// Reads the fields that set the parameters of caching, without those that `proxy_ignore_headers` names.
pub(super) fn told(answer: &Head, ignored: Ignored, now: u64) -> Told {
    let mut told = Told::default();
    let accel = answer
        .get(Known::XAccelExpires)
        .filter(|_| !ignored.accel_expires);
    // Zero refuses; what is no number says nothing.
    let accel = accel.and_then(|text| accel_expires(text, now));
    let cookie = answer.get(Known::SetCookie).is_some() && !ignored.set_cookie;
    told.refused = cookie || accel == Some(0);
    told.until = accel;
    let control = answer
        .iter()
        .filter(|field| field.known == Known::CacheControl && !ignored.cache_control);
    for field in control {
        read_control(field.value, accel.is_some(), now, &mut told);
    }
    let expires = answer.get(Known::Expires).filter(|_| !ignored.expires);
    if let (None, Some(text)) = (told.until, expires) {
        let date = std::str::from_utf8(text).ok();
        match date.and_then(clock::parse_http_date) {
            Some(date) if date >= now => told.until = Some(date),
            // `Expires: 0` and other dates that are none are in the past (RFC 9111 section 5.3).
            _ => told.refused = true,
        }
    }
    told
}
// ANCHOR_END: told

fn accel_expires(text: &[u8], now: u64) -> Option<u64> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    match text.strip_prefix(b"@") {
        Some(absolute) => number(absolute).map(|time| time.max(1)),
        None => number(text).map(|n| if n == 0 { 0 } else { now.saturating_add(n) }),
    }
}

/// One line of `Cache-Control`. Where `X-Accel-Expires` has decided, only the extensions of RFC 5861 are of interest.
fn read_control(line: &[u8], decided: bool, now: u64, told: &mut Told) {
    let (mut shared, mut any) = (None, None);
    for directive in directives(line) {
        let is = |name: &str| directive.is(name);
        let lasts = !decided && (is("s-maxage") || is("max-age"));
        let extends = is("stale-while-revalidate") || is("stale-if-error");
        if !decided && (is("no-cache") || is("no-store") || is("private")) {
            told.refused = true;
        }
        if !lasts && !extends {
            continue;
        }
        let Some(seconds) = directive.seconds() else {
            // Somebody meant something, and we can't tell what.
            told.refused |= directive.value.is_some();
            continue;
        };
        match directive.name.to_ascii_lowercase().as_slice() {
            b"s-maxage" => shared = shared.or(Some(seconds)),
            b"max-age" => any = any.or(Some(seconds)),
            b"stale-while-revalidate" => {
                told.while_updating = seconds;
                told.if_error = told.if_error.max(seconds);
            }
            _ => told.if_error = seconds,
        }
    }
    match shared.or(any) {
        Some(0) => told.refused = true,
        Some(seconds) => told.until = Some(now + seconds),
        None => {}
    }
}

/// The times of an answer that is to be stored; `None` refuses.
pub(super) fn times(answer: &ResponseHead, settings: &CacheSettings, now: u64) -> Option<Times> {
    let told = told(&answer.head, settings.ignored, now);
    if told.refused {
        return None;
    }
    told.times(settings, answer.status, now)
}

/// After a 304: its own fields decide, then those of the stored answer, then `proxy_cache_valid`.
pub(super) fn renewed(
    confirmed: &ResponseHead,
    stored: &ResponseHead,
    settings: &CacheSettings,
    now: u64,
) -> Option<Times> {
    let of = |head: &ResponseHead| told(&head.head, settings.ignored, now);
    let (new, old) = (of(confirmed), of(stored));
    if new.refused {
        return None;
    }
    let told = if new.until.is_some() { new } else { old };
    told.times(settings, stored.status, now)
}

impl Told {
    /// Where the fields say nothing, the status decides (`proxy_cache_valid`).
    fn times(self, settings: &CacheSettings, status: u16, now: u64) -> Option<Times> {
        let by_status = || settings.valid_for(status).map(|time| now + time);
        Some(Times {
            stored: now,
            fresh_until: self.until.or_else(by_status)?,
            while_updating: self.while_updating,
            if_error: self.if_error,
            age: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn of(fields: &str) -> (Option<u64>, bool) {
        let told = told_of(fields, Ignored::default());
        (
            told.until.map(|until| until.saturating_sub(NOW)),
            told.refused,
        )
    }

    fn told_of(fields: &str, ignored: Ignored) -> Told {
        let mut head = ResponseHead::default();
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        assert_eq!(head.parse(text.as_bytes()), Ok(Some(text.len())));
        told(&head.head, ignored, NOW)
    }

    #[test]
    fn fields_have_their_rank() {
        let table = [
            ("", (None, false)),
            ("Cache-Control: max-age=10\r\n", (Some(10), false)),
            (
                "Cache-Control: max-age=10, s-maxage=20\r\n",
                (Some(20), false),
            ),
            ("Cache-Control: max-age=0\r\n", (None, true)),
            ("Cache-Control: max-age=x\r\n", (None, true)),
            ("Cache-Control: no-cache\r\n", (None, true)),
            ("Cache-Control: PRIVATE\r\n", (None, true)),
            ("Cache-Control: no-store, max-age=10\r\n", (Some(10), true)),
            ("Cache-Control: public\r\n", (None, false)),
            (
                "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n",
                (Some(60), false),
            ),
            ("Expires: Sun, 06 Nov 1994 08:48:37 GMT\r\n", (None, true)),
            ("Expires: 0\r\n", (None, true)),
            (
                "Expires: 0\r\nCache-Control: max-age=5\r\n",
                (Some(5), false),
            ),
            (
                "Cache-Control: max-age=5\r\nExpires: Sun, 06 Nov 1994 08:50:37 GMT\r\n",
                (Some(5), false),
            ),
            (
                "X-Accel-Expires: 7\r\nCache-Control: no-store\r\n",
                (Some(7), false),
            ),
            (
                "Cache-Control: max-age=5\r\nX-Accel-Expires: 7\r\n",
                (Some(7), false),
            ),
            (
                "X-Accel-Expires: @784111780\r\nExpires: 0\r\n",
                (Some(3), false),
            ),
            ("X-Accel-Expires: 0\r\n", (Some(0), true)),
            (
                "X-Accel-Expires: soon\r\nCache-Control: max-age=5\r\n",
                (Some(5), false),
            ),
            ("Set-Cookie: a=b\r\nX-Accel-Expires: 7\r\n", (Some(7), true)),
        ];
        for (fields, expected) in table {
            assert_eq!(of(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn extensions_count_whoever_set_the_time() {
        let fields =
            "X-Accel-Expires: 7\r\nCache-Control: stale-while-revalidate=3, stale-if-error=9\r\n";
        let told = told_of(fields, Ignored::default());
        assert_eq!((told.while_updating, told.if_error), (3, 9));
        let told = told_of(
            "Cache-Control: stale-while-revalidate=3\r\n",
            Ignored::default(),
        );
        assert_eq!((told.while_updating, told.if_error), (3, 3));
    }

    #[test]
    fn ignored_fields_say_nothing() {
        let ignored = Ignored {
            accel_expires: true,
            expires: true,
            cache_control: true,
            set_cookie: true,
            vary: true,
        };
        let fields =
            "X-Accel-Expires: 0\r\nExpires: 0\r\nCache-Control: no-store\r\nSet-Cookie: a=b\r\n";
        assert_eq!(told_of(fields, ignored), Told::default());
    }
}
