//! Whose list of favourites it is: a session's name in a cookie, or in `X-Session` for clients without cookies.

use std::sync::OnceLock;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

const COOKIE_NAME: &str = "visitor";
const MAX_NAME: usize = 64;

/// The name of a visitor's session. A new visitor's name is made up when it is needed, and most never need one.
#[derive(Debug, Default)]
pub(crate) struct Visitor {
    known: Option<String>,
    new: OnceLock<String>,
}

impl Visitor {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let named = headers.get("x-session").and_then(text);
        let cookies = headers.get_all(COOKIE).iter();
        let in_cookie = || {
            cookies
                .filter_map(|line| cookie(line.to_str().ok()?))
                .next()
        };
        Self {
            known: named.or_else(in_cookie).filter(|name| is_name(name)),
            new: OnceLock::new(),
        }
    }

    /// A visitor who calls the session that, or else nothing yet.
    pub(crate) fn named(name: Option<&str>) -> Self {
        Self {
            known: name.filter(|name| is_name(name)).map(str::to_owned),
            new: OnceLock::new(),
        }
    }

    pub(crate) fn session(&self) -> &str {
        match &self.known {
            Some(name) => name,
            None => self.new.get_or_init(|| Uuid::new_v4().to_string()),
        }
    }

    /// `Set-Cookie`'s value, if a name had to be made up.
    pub(crate) fn new_cookie(&self) -> Option<HeaderValue> {
        let session = self.new.get()?;
        let cookie = format!("{COOKIE_NAME}={session}; Path=/; HttpOnly; SameSite=Lax");
        HeaderValue::from_str(&cookie).ok()
    }
}

fn cookie(line: &str) -> Option<String> {
    let mut pairs = line
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    Some(value.to_owned())
}

/// Whether a client may call its session that.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
}
