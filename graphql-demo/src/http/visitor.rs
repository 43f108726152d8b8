//! Whose list of favourites it is: a session's name in a cookie. The server makes the name up, with 122 random bits, so
//! that nobody meets or guesses another's.

use std::sync::OnceLock;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

const COOKIE_NAME: &str = "visitor";

/// The name of a visitor's session. A new visitor's name is made up when it is needed, and most never need one.
#[derive(Debug, Default)]
pub(crate) struct Visitor {
    shown: Option<String>,
    new: OnceLock<String>,
}

impl Visitor {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let mut cookies = headers.get_all(COOKIE).iter();
        Self {
            shown: cookies.find_map(|line| cookie(line.to_str().ok()?)),
            new: OnceLock::new(),
        }
    }

    /// What the client shows; whether such a session exists is another question.
    pub(crate) fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    /// A name that nobody else has, always the same for this visitor.
    pub(crate) fn new_name(&self) -> &str {
        self.new.get_or_init(|| Uuid::new_v4().to_string())
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
