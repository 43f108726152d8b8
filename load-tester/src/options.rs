//! What to send, how much of it, and when to stop: typed, and checked once.

use std::time::Duration;

use crate::{Target, request};

/// A client has no more ports to connect from.
const MOST_CONNECTIONS: usize = 65_536;
const MOST_THREADS: usize = 256;

/// One load run. The default is the module's client: 1000 requests, all in flight at once, each on its own connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whom to ask.
    pub target: Target,
    /// The request method.
    pub method: String,
    /// Fields beside Host and User-Agent; the same name given here replaces those.
    pub headers: Vec<(String, String)>,
    /// The body of every request.
    pub body: Vec<u8>,
    /// Stop after so many requests.
    pub requests: Option<u64>,
    /// Send no new request after so long.
    pub duration: Option<Duration>,
    /// At most so many connections at the same time.
    pub connections: usize,
    /// Requests per second, sent at their time whether or not earlier ones are answered. Without it every connection
    /// sends its next request when it has the answer to the last.
    pub rate: Option<f64>,
    /// Send further requests on a connection that has answered.
    pub keepalive: bool,
    /// How long one request may take.
    pub timeout: Duration,
    /// Threads that share the connections.
    pub threads: usize,
}

/// Why options cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// Nothing says when to stop.
    #[error("neither a number of requests nor a duration says when to stop")]
    Endless,
    /// Zero of something that must be there.
    #[error("{0} must be more than zero")]
    Zero(&'static str),
    /// More than one machine can do.
    #[error("{0} must be at most {1}")]
    TooMany(&'static str, usize),
    /// The rate is not a number we can keep time for.
    #[error("the rate must be above zero and at most a million requests a second")]
    Rate,
    /// The method is not an HTTP token.
    #[error("{0:?} is not a request method")]
    Method(String),
    /// A field would break the request apart.
    #[error("{0:?} is not a header field: write `Name: value`")]
    Header(String),
    /// Fields that decide the framing are ours to write.
    #[error("{0} is written by the load tester itself; leave it out")]
    Framing(String),
}

impl Options {
    /// The module's client, asking `target`.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            method: "GET".into(),
            headers: Vec::new(),
            body: Vec::new(),
            requests: Some(1000),
            duration: None,
            connections: 1000,
            rate: None,
            keepalive: false,
            timeout: Duration::from_secs(30),
            threads: 1,
        }
    }

    /// Checks everything that could go wrong before the first connection.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if self.requests.is_none() && self.duration.is_none() {
            return Err(OptionsError::Endless);
        }
        for (name, zero) in [
            ("the number of requests", self.requests == Some(0)),
            ("the duration", self.duration == Some(Duration::ZERO)),
            ("the number of connections", self.connections == 0),
            ("the timeout", self.timeout.is_zero()),
            ("the number of threads", self.threads == 0),
        ] {
            if zero {
                return Err(OptionsError::Zero(name));
            }
        }
        for (name, number, most) in [
            (
                "the number of connections",
                self.connections,
                MOST_CONNECTIONS,
            ),
            ("the number of threads", self.threads, MOST_THREADS),
        ] {
            if number > most {
                return Err(OptionsError::TooMany(name, most));
            }
        }
        if self.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1e6)) {
            return Err(OptionsError::Rate);
        }
        request::check(self)
    }

    /// May a request be sent twice without harm? (RFC 9110, section 9.2.2)
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(
            self.method.as_str(),
            "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, OptionsError};

    fn options() -> Options {
        Options::new("http://localhost:8088/a?b=c".parse().unwrap())
    }

    #[test]
    fn a_run_without_an_end_or_with_nothing_to_do_is_refused() {
        let mut endless = options();
        endless.requests = None;
        assert_eq!(endless.check(), Err(OptionsError::Endless));
        let mut idle = options();
        idle.connections = 0;
        assert_eq!(
            idle.check(),
            Err(OptionsError::Zero("the number of connections"))
        );
        let mut many = options();
        many.threads = 100_000;
        assert_eq!(
            many.check(),
            Err(OptionsError::TooMany("the number of threads", 256))
        );
        for rate in [f64::NAN, 0.0, -1.0, 1e7] {
            let options = Options {
                rate: Some(rate),
                ..options()
            };
            assert_eq!(options.check(), Err(OptionsError::Rate));
        }
    }
}
