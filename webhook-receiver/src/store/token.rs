//! A token: somebody's inbox, and how it answers. Its id is the only key to it, so who knows it may read and change it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long events are kept if the token doesn't say: seven days.
pub(crate) const EXPIRY: u32 = 7 * 24 * 3600;
/// How many events are kept if the token doesn't say.
pub(crate) const REQUEST_LIMIT: u32 = 500;

/// An inbox's settings, kept as one JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Token {
    pub(crate) id: Uuid,
    /// A second name, which may stand in every address in place of the id.
    pub(crate) alias: Option<String>,
    pub(crate) default_status: u16,
    pub(crate) default_content: String,
    pub(crate) default_content_type: String,
    /// Seconds to wait before the answer.
    pub(crate) timeout: u8,
    /// Seconds to wait for a forwarder's answer, while one is there.
    pub(crate) listen: u8,
    /// Seconds until an event is dropped.
    pub(crate) expiry: u32,
    /// The newest so many events are kept; 0: none, they are only shown live.
    pub(crate) request_limit: u32,
    /// Answers carry the headers that let any web page read them.
    pub(crate) cors: bool,
    /// Secrets that deliveries are signed with, in the words of `signature::check`.
    pub(crate) secret: String,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Default for Token {
    fn default() -> Self {
        let now = Timestamp::now();
        Self {
            id: Uuid::new_v4(),
            alias: None,
            default_status: 200,
            default_content: String::new(),
            default_content_type: "text/plain".to_owned(),
            timeout: 0,
            listen: 0,
            expiry: EXPIRY,
            request_limit: REQUEST_LIMIT,
            cors: false,
            secret: String::new(),
            ip: String::new(),
            user_agent: String::new(),
            created_at: now,
            updated_at: now,
        }
    }
}

/// What is known about a token's events without reading them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) requests: u64,
    pub(crate) latest: Option<(Uuid, Timestamp)>,
}

/// Whether `name` may be an alias: what no path, mail address or DNS label could read otherwise.
pub(crate) fn is_alias(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (3..=32).contains(&name.len()) && name.bytes().all(plain) && !RESERVED.contains(&name)
}

/// First parts of our own paths; a token named so could never be reached.
const RESERVED: [&str; 8] = [
    "assets", "healthz", "new", "send", "sender", "socket", "token", "tokens",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_short_plain_and_none_of_our_paths() {
        for good in ["abc", "My-hook_1", &"x".repeat(32)] {
            assert!(is_alias(good), "{good}");
        }
        for bad in [
            "ab",
            "a b c",
            "a/b/c",
            "token",
            "new",
            "caf\u{e9}",
            &"x".repeat(33),
        ] {
            assert!(!is_alias(bad), "{bad}");
        }
    }
}
