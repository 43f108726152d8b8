//! A peer's fields on their way back: which stay here, which are rewritten (`proxy_redirect`,
//! `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`).

use crate::config::{CookieMatch, CookieRule, Expires, ExpiresWhen, ProxySettings, RedirectRule};
use crate::exchange::Exchange;
use crate::http1::{Header, Known};
use crate::respond;

#[derive(Debug)]
pub(crate) enum Passed {
    AsIs,
    Changed(Vec<u8>),
    No,
}

pub(crate) fn pass_header(ex: &Exchange, settings: &ProxySettings, header: Header<'_>) -> Passed {
    match header.known {
        // Of this connection only, or written anew.
        Known::Connection
        | Known::KeepAlive
        | Known::ProxyConnection
        | Known::TransferEncoding
        | Known::ContentLength
        | Known::Upgrade
        | Known::Te => return Passed::No,
        Known::Trailer if !settings.pass_trailers => return Passed::No,
        _ => {}
    }
    if settings
        .hidden
        .iter()
        .any(|name| name.is(header.name, header.known))
    {
        return Passed::No;
    }
    let expires = ex.location.expires.as_ref();
    if expires.is_some_and(|expires| !matches!(expires, Expires::When(ExpiresWhen::Off)))
        && matches!(header.known, Known::Expires | Known::CacheControl)
    {
        return Passed::No;
    }
    // `expires` and `add_header` of the same name take the place of a single-valued field.
    let replaced = match header.known {
        Known::LastModified | Known::Etag => ex
            .location
            .add_headers
            .iter()
            .any(|add| add.name.eq_ignore_ascii_case(header.name)),
        _ => false,
    };
    if replaced {
        return Passed::No;
    }
    match header.known {
        Known::Location => changed(redirect(ex, settings, header.value).map(|url| {
            if url.starts_with(b"/") {
                respond::complete(ex, &url)
            } else {
                url
            }
        })),
        Known::Refresh => changed(refresh(ex, settings, header.value)),
        Known::SetCookie if has_cookie_rules(settings) => {
            changed(cookie(ex, settings, header.value))
        }
        _ => Passed::AsIs,
    }
}

fn changed(value: Option<Vec<u8>>) -> Passed {
    value.map_or(Passed::AsIs, Passed::Changed)
}

/// `Location`: the first rule that fits.
fn redirect(ex: &Exchange, settings: &ProxySettings, value: &[u8]) -> Option<Vec<u8>> {
    settings.redirects.iter().find_map(|rule| match rule {
        RedirectRule::Text { from, to } => {
            let rest = value.strip_prefix(&from.evaluate(ex)[..])?;
            let mut url = to.evaluate(ex);
            url.extend_from_slice(rest);
            Some(url)
        }
        RedirectRule::Pattern { from, to } => {
            let captures = from.regex.captures(value)?;
            let mut url = Vec::new();
            to.write_with(ex, Some(&captures), &mut url);
            Some(url)
        }
        RedirectRule::Default => {
            let from = format!("http://{}/", ex.proxied_to.host);
            let rest = value.strip_prefix(from.as_bytes())?;
            Some([b"/", rest].concat())
        }
    })
}

/// `Refresh: 5; url=http://…`.
fn refresh(ex: &Exchange, settings: &ProxySettings, value: &[u8]) -> Option<Vec<u8>> {
    let lower = value.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"url=")? + 4;
    let url = redirect(ex, settings, &value[at..])?;
    Some([&value[..at], &url].concat())
}

fn has_cookie_rules(settings: &ProxySettings) -> bool {
    !(settings.cookie_domain.is_empty()
        && settings.cookie_path.is_empty()
        && settings.cookie_flags.is_empty())
}

fn cookie(ex: &Exchange, settings: &ProxySettings, value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let mut parts: Vec<String> = text.split(';').map(|part| part.trim().to_owned()).collect();
    for part in parts.iter_mut().skip(1) {
        let (key, old) = part.split_once('=').unwrap_or((part, ""));
        let new = match key.to_ascii_lowercase().as_str() {
            "domain" => attribute(ex, &settings.cookie_domain, old, true),
            "path" => attribute(ex, &settings.cookie_path, old, false),
            _ => None,
        };
        if let Some(new) = new {
            *part = format!("{key}={new}");
        }
    }
    flags(ex, settings, &mut parts);
    Some(parts.join("; ").into_bytes())
}

fn attribute(ex: &Exchange, rules: &[CookieRule], old: &str, domain: bool) -> Option<String> {
    rules.iter().find_map(|rule| {
        let new = match &rule.from {
            CookieMatch::Text(from) => {
                let from = String::from_utf8_lossy(&from.evaluate(ex)).into_owned();
                let to = String::from_utf8_lossy(&rule.to.evaluate(ex)).into_owned();
                if domain {
                    // A leading dot stays as it is.
                    let bare = old.strip_prefix('.').unwrap_or(old);
                    let dot = &old[..old.len() - bare.len()];
                    bare.eq_ignore_ascii_case(&from)
                        .then(|| format!("{dot}{to}"))?
                } else {
                    format!("{to}{}", old.strip_prefix(&from)?)
                }
            }
            CookieMatch::Pattern(from) => {
                let captures = from.regex.captures(old.as_bytes())?;
                let mut new = Vec::new();
                rule.to.write_with(ex, Some(&captures), &mut new);
                String::from_utf8_lossy(&new).into_owned()
            }
        };
        Some(new)
    })
}

fn flags(ex: &Exchange, settings: &ProxySettings, parts: &mut Vec<String>) {
    let name = parts
        .first()
        .and_then(|pair| pair.split('=').next())
        .unwrap_or_default()
        .to_owned();
    let rule = settings
        .cookie_flags
        .iter()
        .find(|(cookie, _)| cookie.evaluate(ex) == name.as_bytes());
    let Some((_, flags)) = rule else { return };
    for flag in flags {
        let bare = flag
            .strip_prefix("no")
            .filter(|rest| matches!(*rest, "secure" | "httponly" | "samesite"));
        let (remove, add) = match (bare, flag.split_once('=')) {
            (Some(bare), _) => (bare, None),
            (None, Some((key, _))) => (key, Some(flag.clone())),
            (None, None) => (flag.as_str(), Some(flag.clone())),
        };
        let same = |part: &String| {
            part.split('=')
                .next()
                .is_some_and(|key| key.eq_ignore_ascii_case(remove))
        };
        parts.retain(|part| !same(part));
        parts.extend(add.map(|add| match add.as_str() {
            "secure" => "Secure".to_owned(),
            "httponly" => "HttpOnly".to_owned(),
            "samesite=strict" => "SameSite=Strict".to_owned(),
            "samesite=lax" => "SameSite=Lax".to_owned(),
            "samesite=none" => "SameSite=None".to_owned(),
            _ => add,
        }));
    }
}
