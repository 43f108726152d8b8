//! The negotiation of permessage-deflate (RFC 7692, section 7.1): reads what a client offers in
//! `Sec-WebSocket-Extensions`, takes the first offer that we can keep, and writes the answer.

use std::fmt::{self, Display, Formatter};

/// What both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// We start each message with an empty window.
    pub server_no_context_takeover: bool,
    /// The client does.
    pub client_no_context_takeover: bool,
    /// How far back our compressed messages may point: 2 to this.
    pub server_max_window_bits: u8,
    /// How far back the client's may; only a client that says it understands may be told.
    pub client_max_window_bits: Option<u8>,
}

/// Whose memory of earlier messages is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// Each side's, as the client offers: the best ratio, some 300 KiB for each connection that talks.
    Kept,
    /// Nobody's: a room's message is compressed once for all members, and an idle connection costs nothing.
    Shared,
}

/// The largest window, and what a side has that names none.
const MAX_BITS: u8 = 15;

impl Agreement {
    /// The first acceptable offer among `headers`, the values of all `Sec-WebSocket-Extensions` lines.
    pub fn negotiate<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        contexts: Contexts,
    ) -> Option<Self> {
        let mut offers = headers.into_iter().flat_map(|header| header.split(','));
        let mut agreement = offers.find_map(Self::accept)?;
        if contexts == Contexts::Shared {
            agreement.server_no_context_takeover = true;
            agreement.client_no_context_takeover = true;
        }
        Some(agreement)
    }

    /// One offer; None if it is of another extension, or has a parameter that is unknown, twice, or out of range.
    fn accept(offer: &str) -> Option<Self> {
        let mut parts = offer.split(';').map(str::trim);
        if parts.next()? != "permessage-deflate" {
            return None;
        }
        let mut agreement = Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: None,
        };
        let mut seen = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
                None => (part, None),
            };
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
            match (name, value) {
                ("server_no_context_takeover", None) => agreement.server_no_context_takeover = true,
                ("client_no_context_takeover", None) => agreement.client_no_context_takeover = true,
                // zlib can't compress with a window of 256 bytes (8), so that offer can't be kept.
                ("server_max_window_bits", Some(value)) => {
                    agreement.server_max_window_bits = bits(value).filter(|&bits| bits > 8)?;
                }
                ("client_max_window_bits", None) => {
                    agreement.client_max_window_bits = Some(MAX_BITS);
                }
                ("client_max_window_bits", Some(value)) => {
                    agreement.client_max_window_bits = Some(bits(value)?);
                }
                _ => return None,
            }
        }
        Some(agreement)
    }

    /// True if a message that was compressed with the largest window and no memory may be sent.
    pub(crate) fn takes_shared(&self) -> bool {
        self.server_max_window_bits == MAX_BITS
    }
}

/// A value may be quoted (section 5.2).
fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

/// 8 to 15, without leading zeros.
fn bits(value: &str) -> Option<u8> {
    if value.starts_with('0') || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    value
        .parse()
        .ok()
        .filter(|bits| (8..=MAX_BITS).contains(bits))
}

/// The answer's `Sec-WebSocket-Extensions`.
impl Display for Agreement {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            to.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            to.write_str("; client_no_context_takeover")?;
        }
        if self.server_max_window_bits < MAX_BITS {
            write!(
                to,
                "; server_max_window_bits={}",
                self.server_max_window_bits
            )?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(to, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(offer: &str, contexts: Contexts) -> String {
        Agreement::negotiate([offer], contexts).map_or_else(|| "-".to_owned(), |a| a.to_string())
    }

    #[test]
    fn an_offer_is_answered_with_what_it_asks_for() {
        const P: &str = "permessage-deflate";
        for (offer, expected) in [
            ("permessage-deflate", P.to_owned()),
            // What Chrome offers, and the answer on the module's slide
            (
                "permessage-deflate; client_max_window_bits",
                format!("{P}; client_max_window_bits=15"),
            ),
            (
                "permessage-deflate;server_no_context_takeover ; server_max_window_bits = \"9\"",
                format!("{P}; server_no_context_takeover; server_max_window_bits=9"),
            ),
            (
                "permessage-deflate; client_no_context_takeover; client_max_window_bits=8",
                format!("{P}; client_no_context_takeover; client_max_window_bits=8"),
            ),
            // The second offer, since the first can't be kept
            (
                "permessage-deflate; server_max_window_bits=8, permessage-deflate",
                P.to_owned(),
            ),
            ("x-webkit-deflate-frame, permessage-deflate", P.to_owned()),
            ("permessage-deflate; server_max_window_bits", "-".to_owned()),
            (
                "permessage-deflate; server_max_window_bits=016",
                "-".to_owned(),
            ),
            (
                "permessage-deflate; server_max_window_bits=16",
                "-".to_owned(),
            ),
            (
                "permessage-deflate; client_max_window_bits=7",
                "-".to_owned(),
            ),
            (
                "permessage-deflate; client_max_window_bits=+9",
                "-".to_owned(),
            ),
            (
                "permessage-deflate; client_no_context_takeover=1",
                "-".to_owned(),
            ),
            (
                "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
                "-".to_owned(),
            ),
            ("permessage-deflate; more", "-".to_owned()),
            ("permessage-deflate;", "-".to_owned()),
            ("", "-".to_owned()),
        ] {
            assert_eq!(answer(offer, Contexts::Kept), expected, "{offer}");
        }
    }

    #[test]
    fn a_room_keeps_no_contexts() {
        assert_eq!(
            answer(
                "permessage-deflate; client_max_window_bits",
                Contexts::Shared
            ),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits=15"
        );
    }
}
