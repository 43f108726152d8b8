//! What can go wrong with an exchange: whose fault it is, which status it gets, and whether
//! another peer may be asked. One place (`respond::fault`) turns it into an answer.

use crate::upstream::Failure;

/// Who is to blame; decides the log level and the wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    Client,
    Upstream,
    Us,
}

#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) blame: Blame,
    pub(crate) why: String,
    /// What the peer did wrong: for its health, and for `proxy_next_upstream`.
    pub(crate) failure: Option<Failure>,
    /// The connection can't be used for another request.
    pub(crate) closes: bool,
    /// Answered by a head alone, as nginx answers a switch of protocols that nobody asked for.
    pub(crate) bare: bool,
}

/// Closes the connection without an answer (`return 444`).
pub(crate) const CLOSE_SILENTLY: u16 = 444;
/// The client went away before the answer (nginx's own status, for the log).
pub(crate) const CLIENT_CLOSED: u16 = 499;

impl Fault {
    pub(crate) fn new(status: u16, blame: Blame, why: impl Into<String>) -> Self {
        Self {
            status,
            blame,
            why: why.into(),
            failure: None,
            closes: false,
            bare: false,
        }
    }

    /// A request that can't be understood: nothing after it on this connection can be trusted.
    pub(crate) fn bad_request(why: impl Into<String>) -> Self {
        Self {
            closes: true,
            ..Self::new(400, Blame::Client, why)
        }
    }

    pub(crate) fn upstream(status: u16, failure: Failure, why: impl Into<String>) -> Self {
        Self {
            failure: Some(failure),
            ..Self::new(status, Blame::Upstream, why)
        }
    }

    /// An answer with this status and nothing to complain about (`return 404`, a missing file).
    pub(crate) fn status(status: u16) -> Self {
        Self::new(status, Blame::Client, "")
    }

    pub(crate) fn client_closed(why: impl Into<String>) -> Self {
        Self {
            closes: true,
            ..Self::new(CLIENT_CLOSED, Blame::Client, why)
        }
    }
}
