//! What can go wrong with one request, as groups that can be counted, each with a hint that says what to do.

use std::{fmt, io};

use crate::response::BadResponse;

/// Why a request got no good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nobody listens there.
    Refused,
    /// No route to the address.
    Unreachable,
    /// This process may not open another socket.
    TooManyFiles,
    /// This machine has no free local port for the connection.
    NoFreePort,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The answer was not complete in time.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the answer was complete.
    ClosedEarly,
    /// The bytes that came are not an HTTP answer.
    BadResponse(BadResponse),
    /// An answer of 400 or more.
    Status(u16),
    /// Still on its way when the run ended.
    CutOff,
    /// Due during the run, but no connection was free to send it.
    NotSent,
    /// Some other error of the system, by its number.
    System(i32),
}

impl Fault {
    /// The group an error of a socket belongs to.
    pub(crate) fn of(error: &io::Error) -> Self {
        use nix::errno::Errno;
        let number = error.raw_os_error().unwrap_or(0);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            io::ErrorKind::AddrNotAvailable => Self::NoFreePort,
            io::ErrorKind::TimedOut => Self::ConnectTimeout,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted => Self::Reset,
            _ => match Errno::from_raw(number) {
                Errno::EMFILE | Errno::ENFILE => Self::TooManyFiles,
                _ => Self::System(number),
            },
        }
    }

    /// May another address of the same name do better?
    pub(crate) fn is_of_address(self) -> bool {
        matches!(self, Self::Refused | Self::Unreachable)
    }

    /// Did the request wait for its answer as long as it could? Then the time it waited counts as latency: leaving it
    /// out would make a server look the better the more it stalls.
    pub(crate) fn waited(self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout | Self::Timeout | Self::CutOff | Self::NotSent
        )
    }

    /// What to do about it.
    pub fn hint(self) -> String {
        match self {
            Self::Refused => {
                "nothing listens there. Is the lab up? `docker compose up -d` answers on http://localhost/, \
                 `cargo lab up` on http://localhost:8088/"
            }
            Self::Unreachable => "no way leads to that address; check the network and the host's name",
            Self::TooManyFiles => "every connection is an open file: raise the limit with `ulimit -n 65536`, or lower -c",
            Self::NoFreePort => "all local ports are in use: keep connections alive (--keepalive), or wait a minute",
            Self::ConnectTimeout => "the server accepts no connection: its queue is full or a firewall drops packets",
            Self::Timeout => "the server took the request and did not answer in time: look for it in its log, or raise --timeout",
            Self::Reset => "the server dropped the connection: did it crash or restart? Its log says so",
            Self::ClosedEarly => "the server closed in the middle of an answer: did it crash or restart? Its log says so",
            Self::BadResponse(_) => "look at the bytes: `curl -v` the same address, or `nc` to the port",
            Self::Status(502) => "the proxy got no good answer from a backend: are the backends up? `docker compose ps`",
            Self::Status(503) => "the server refuses work for now: no backend left, or a limit is reached",
            Self::Status(504) => "the backend did not answer the proxy in time: see proxy_read_timeout",
            Self::Status(499) => "the proxy says that we gave up first: raise --timeout",
            Self::Status(429) => "a rate limit holds you back: lower --rate or -c",
            Self::Status(404) => "nothing has that path: check the address and the proxy's location rules",
            Self::Status(400..500) => "the server finds fault with the request: check method, headers and path",
            Self::Status(_) => "the server failed: its error log says why",
            Self::CutOff => "the run was over before these were answered; -d ends it",
            Self::NotSent => "no connection was free when they were due: the server is slower than --rate; raise -c or lower --rate",
            Self::System(_) => "an error of the operating system on this machine",
        }
        .to_owned()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::TooManyFiles => f.write_str("too many open files"),
            Self::NoFreePort => f.write_str("no free local port"),
            Self::ConnectTimeout => f.write_str("no connection in time"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Reset => f.write_str("connection reset"),
            Self::ClosedEarly => f.write_str("closed before the answer was complete"),
            Self::BadResponse(reason) => write!(f, "not a valid answer: {reason}"),
            Self::Status(code) => write!(f, "HTTP {code}"),
            Self::CutOff => f.write_str("unanswered at the end of the run"),
            Self::NotSent => f.write_str("never sent"),
            Self::System(number) => write!(f, "{}", io::Error::from_raw_os_error(*number)),
        }
    }
}
