//! Everything known about one request, from its first byte to its line in the log. Stages add to
//! it; variables, the access log, the status API and the dashboard read it and nothing else, so
//! that they can't disagree.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::task::AbortOnDropHandle;

use crate::accept::ConnectionInfo;
use crate::body::Spool;
use crate::cache::Caching;
use crate::config::{Config, Location, Server, Worth};
use crate::fault::Fault;
use crate::http1::{Framing, Head, RequestHead, ResponseHead};
use crate::limit::{Held, Verdict};
use crate::respond::Chain;
use crate::samples::Notes;
use crate::subrequest::Sub;
use crate::trace::Trace;

/// One request and what became of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) started: Instant,
    pub(crate) connection: Rc<ConnectionInfo>,
    /// The connection as it really is, where a trusted peer has named its client (`$realip_remote_addr`).
    pub(crate) asked_by: Option<Rc<ConnectionInfo>>,
    pub(crate) request_verdict: Option<Verdict>,
    pub(crate) connection_verdict: Option<Verdict>,
    /// Places taken by `limit_conn`, given back at the end.
    pub(crate) held: Vec<Held>,
    /// It came before the answer to the one before it was out.
    pub(crate) pipelined: bool,
    /// Which request of its connection this is, from 1.
    pub(crate) connection_requests: u64,
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<Server>,
    pub(crate) location: Arc<Location>,
    pub(crate) request: Request,
    /// Values of `set` and of named captures.
    pub(crate) vars: Vec<Option<Vec<u8>>>,
    /// Groups of the last regular expression that matched; `[0]` is the whole match.
    pub(crate) captures: Vec<Option<Vec<u8>>>,
    /// One entry for each peer that was asked, in order.
    pub(crate) tries: Vec<Try>,
    /// The last response head that a peer sent.
    pub(crate) upstream_head: Option<Rc<ResponseHead>>,
    pub(crate) upstream_trailers: Option<Head>,
    pub(crate) proxied_to: ProxiedTo,
    /// Where there is a cache: what it knows of this request.
    pub(crate) caching: Option<Box<Caching>>,
    pub(crate) sent: Sent,
    /// What went wrong, for the log and the status API.
    pub(crate) fault: Option<String>,
    /// Why the head can't be served, if it can't.
    pub(crate) fault_at_parse: Option<Fault>,
    /// Bytes a second to the client, once somebody said so; 0 is as fast as can be.
    pub(crate) limit_rate: Option<u64>,
    pub(crate) rewrites: u8,
    /// The status that an `error_page` is being shown for.
    pub(crate) error_status: Option<u16>,
    /// The status that is sent in place of the page's own.
    pub(crate) status_overwrite: Option<u16>,
    /// What the body passes before it is framed, where a filter is for it.
    pub(crate) chain: Option<Box<Chain>>,
    /// The length of the answer whose range could not be had, for the 416.
    pub(crate) unsatisfied: Option<u64>,
    pub(crate) sub: Sub,
    /// Sub-requests that nobody waits for but the connection.
    pub(crate) mirrors: Vec<AbortOnDropHandle<Self>>,
    pub(crate) internal: bool,
    /// Asked by another exchange.
    pub(crate) inner: bool,
    /// What `WWW-Authenticate` says if the answer is 401.
    pub(crate) challenge: Option<Vec<u8>>,
    /// Values of `map`, `geo` and `split_clients`, each worked out once.
    pub(crate) classes: std::cell::RefCell<Vec<Worth>>,
    pub(crate) request_id: std::cell::OnceCell<[u8; 32]>,
    /// The value of the `Set-Cookie` that binds the client to its peer.
    pub(crate) sticky_cookie: Option<Box<[u8]>>,
    /// Its place in a trace, where the location has one.
    pub(crate) trace: Option<Box<Trace>>,
    /// There if this request is a sample for the dashboard.
    pub(crate) notes: Option<Box<Notes>>,
}

/// The request as the stages see it; `head` holds what was on the wire.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) head: Box<RequestHead>,
    /// `$uri`: decoded, dot segments resolved; changed by rewrites.
    pub(crate) path: Vec<u8>,
    /// `$args`, without the `?`.
    pub(crate) args: Vec<u8>,
    /// Whether the target may go to a peer as the client wrote it.
    pub(crate) untouched: bool,
    /// Where the path begins in the target as sent: past the authority of an absolute form.
    pub(crate) path_at: usize,
    /// `$host`: lower case, no port.
    pub(crate) host: Vec<u8>,
    pub(crate) port: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    /// Bytes received for this request, head included.
    pub(crate) received: u64,
    /// The body, once it was read whole.
    pub(crate) body: Option<Rc<Spool>>,
    /// A method put in place of the client's (`error_page` answers with GET).
    pub(crate) method: Option<&'static [u8]>,
    pub(crate) expects_continue: bool,
}

impl Request {
    /// Stands in for a request that was not understood.
    pub(crate) fn refused(head: Box<RequestHead>) -> Self {
        Self {
            head,
            path: Vec::new(),
            args: Vec::new(),
            untouched: false,
            path_at: 0,
            host: Vec::new(),
            port: Vec::new(),
            framing: Framing::None,
            keep_alive: false,
            received: 0,
            body: None,
            method: None,
            expects_continue: false,
        }
    }

    /// Goes on inside the proxy under another target; `args` are for one that brings none.
    pub(crate) fn go_to(&mut self, target: &[u8], args: Vec<u8>) {
        let question = target.iter().position(|&b| b == b'?');
        self.path = target[..question.unwrap_or(target.len())].to_vec();
        self.args = question.map_or(args, |at| target[at + 1..].to_vec());
        self.untouched = false;
    }

    pub(crate) fn method(&self) -> &[u8] {
        self.method.unwrap_or_else(|| self.head.method())
    }

    /// `$request_uri`: path and query as sent.
    pub(crate) fn uri(&self) -> &[u8] {
        match &self.head.target()[self.path_at..] {
            // As nginx has it, also for a CONNECT.
            b"" => b"/",
            uri => uri,
        }
    }

    /// Whether a tunnel is asked for (RFC 9110 section 9.3.6).
    pub(crate) fn is_connect(&self) -> bool {
        self.head.method() == b"CONNECT"
    }

    /// Whether the answer's body is withheld (RFC 9110 section 9.3.2).
    pub(crate) fn is_head(&self) -> bool {
        self.head.method() == b"HEAD"
    }
}

/// `$proxy_host` and `$proxy_port`.
#[derive(Debug, Default)]
pub(crate) struct ProxiedTo {
    pub(crate) host: Arc<str>,
    pub(crate) port: Arc<str>,
}

/// One peer asked, with what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Try {
    pub(crate) scheme: &'static str,
    pub(crate) address: String,
    pub(crate) status: Option<u16>,
    pub(crate) connect_time: Option<Duration>,
    pub(crate) header_time: Option<Duration>,
    pub(crate) response_time: Option<Duration>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) body_received: u64,
    /// Why it was given up, if it was.
    pub(crate) failure: Option<String>,
}

/// The answer, as far as it went to the client.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) body_bytes: u64,
    /// A copy of the head, where the configuration has a `$sent_http_…`.
    pub(crate) head: Vec<u8>,
    pub(crate) complete: bool,
    /// Trailers, where the configuration has a `$sent_trailer_…`.
    pub(crate) trailers: Vec<u8>,
}

impl Exchange {
    /// One of which nothing is known yet but who asks what of which server.
    pub(crate) fn new(
        started: Instant,
        connection: &Rc<ConnectionInfo>,
        config: &Arc<Config>,
        server: Arc<Server>,
        request: Request,
    ) -> Self {
        Self {
            started,
            connection: Rc::clone(connection),
            asked_by: None,
            request_verdict: None,
            connection_verdict: None,
            held: Vec::new(),
            pipelined: false,
            connection_requests: 0,
            config: Arc::clone(config),
            location: Arc::clone(&server.root),
            server,
            request,
            vars: Vec::new(),
            captures: Vec::new(),
            tries: Vec::new(),
            upstream_head: None,
            upstream_trailers: None,
            proxied_to: ProxiedTo::default(),
            caching: None,
            sent: Sent::default(),
            fault: None,
            fault_at_parse: None,
            limit_rate: None,
            rewrites: 0,
            error_status: None,
            status_overwrite: None,
            chain: None,
            unsatisfied: None,
            sub: Sub::default(),
            mirrors: Vec::new(),
            internal: false,
            inner: false,
            challenge: None,
            classes: Default::default(),
            request_id: std::cell::OnceCell::new(),
            sticky_cookie: None,
            trace: None,
            notes: None,
        }
    }

    /// Whether the client's bytes are TLS for somebody else: its CONNECT is our word for it, and no answer may be in HTTP.
    pub(crate) fn speaks_tls_to_others(&self) -> bool {
        self.connection.original.is_some() && self.request.is_connect()
    }

    pub(crate) fn client(&self) -> Option<SocketAddr> {
        self.connection.remote
    }

    /// Whether the answer waits for another one before it can go on.
    pub(crate) fn waits(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.is_waiting())
    }

    /// Remembers the groups of a match for `$1` and for the named variables.
    pub(crate) fn remember(
        &mut self,
        captures: &regex::bytes::Captures<'_>,
        named: &[(usize, usize)],
    ) {
        self.captures.clear();
        self.captures.extend(
            captures
                .iter()
                .map(|group| group.map(|m| m.as_bytes().to_vec())),
        );
        for &(group, variable) in named {
            let value = captures.get(group).map(|m| m.as_bytes().to_vec());
            self.vars[variable] = Some(value.unwrap_or_default());
        }
    }
}
