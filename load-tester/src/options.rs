//! What to send, how much of it, and when to stop: typed, checked once, and turned into the bytes of the request.

use std::time::Duration;

use crate::Target;

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
    /// The rate is not a positive number.
    #[error("the rate must be a number above zero")]
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
        if self
            .rate
            .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
        {
            return Err(OptionsError::Rate);
        }
        if !is_token(&self.method) {
            return Err(OptionsError::Method(self.method.clone()));
        }
        self.headers
            .iter()
            .try_for_each(|(name, value)| check_field(name, value))
    }

    /// May a request be sent twice without harm? (RFC 9110, section 9.2.2)
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(
            self.method.as_str(),
            "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE"
        )
    }

    /// The bytes of every request of the run.
    pub(crate) fn request_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target.path());
        let mut field = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        let given = |wanted: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !given("host") {
            field("Host", self.target.authority());
        }
        if !given("user-agent") {
            field(
                "User-Agent",
                concat!("load-tester/", env!("CARGO_PKG_VERSION")),
            );
        }
        for (name, value) in &self.headers {
            field(name, value);
        }
        if !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            field("Content-Length", &self.body.len().to_string());
        }
        if !self.keepalive && !given("connection") {
            field("Connection", "close");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn check_field(name: &str, value: &str) -> Result<(), OptionsError> {
    if !is_token(name)
        || value
            .bytes()
            .any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f)
    {
        return Err(OptionsError::Header(format!("{name}: {value}")));
    }
    let framing = ["content-length", "transfer-encoding", "expect", "upgrade"];
    if framing.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
        return Err(OptionsError::Framing(name.to_owned()));
    }
    Ok(())
}

/// RFC 9110's `token`: what a method or a field name is made of.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{Options, OptionsError};

    fn options() -> Options {
        Options::new("http://localhost:8088/a?b=c".parse().unwrap())
    }

    #[test]
    fn a_request_names_its_host_and_closes_unless_kept_alive() {
        let mut options = options();
        let version = env!("CARGO_PKG_VERSION");
        let head = format!(
            "GET /a?b=c HTTP/1.1\r\nHost: localhost:8088\r\nUser-Agent: load-tester/{version}\r\n"
        );
        assert_eq!(
            options.request_bytes(),
            format!("{head}Connection: close\r\n\r\n").into_bytes()
        );
        options.keepalive = true;
        assert_eq!(options.request_bytes(), format!("{head}\r\n").into_bytes());
    }

    #[test]
    fn given_fields_replace_ours_and_a_body_gets_its_length() {
        let mut options = options();
        options.keepalive = true;
        options.method = "POST".into();
        options.body = b"abc".to_vec();
        options.headers = vec![
            ("host".into(), "example".into()),
            ("User-Agent".into(), "me".into()),
        ];
        assert_eq!(
            String::from_utf8(options.request_bytes()).unwrap(),
            "POST /a?b=c HTTP/1.1\r\nhost: example\r\nUser-Agent: me\r\nContent-Length: 3\r\n\r\nabc"
        );
    }

    #[test]
    fn what_would_break_the_request_apart_is_refused() {
        let with = |name: &str, value: &str| {
            let mut options = options();
            options.headers = vec![(name.into(), value.into())];
            options.check()
        };
        assert_eq!(with("X-Ok", "a\tb \u{e9}"), Ok(()));
        assert!(matches!(
            with("X", "a\r\nB: c"),
            Err(OptionsError::Header(_))
        ));
        assert!(matches!(with("X Y", "a"), Err(OptionsError::Header(_))));
        assert!(matches!(
            with("Content-Length", "3"),
            Err(OptionsError::Framing(_))
        ));
        let mut options = options();
        options.method = "GET /x".into();
        assert!(matches!(options.check(), Err(OptionsError::Method(_))));
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
        let mut rate = options();
        rate.rate = Some(f64::NAN);
        assert_eq!(rate.check(), Err(OptionsError::Rate));
    }
}
