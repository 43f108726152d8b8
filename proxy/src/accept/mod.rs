//! Stage "accept": takes a listening socket, decides whether a connection may come in, hands on
//! its bytes and what is known of its two ends.

mod client;
pub(crate) mod client_hello;
mod connection;
mod linger;
pub(crate) mod listener;
pub(crate) mod proxy_protocol;
mod transparent;

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

pub(crate) use client::{Client, Gone};
pub(crate) use connection::serve;
pub(crate) use transparent::{DENIED, Original};

use crate::config::ListenAddress;
use crate::tls::Security;

/// The two ends of a client's connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionInfo {
    /// `$connection`: counted from 1 over all workers.
    pub(crate) serial: u64,
    /// `None` on a Unix-domain socket.
    pub(crate) remote: Option<SocketAddr>,
    /// The address it came in by: a wildcard listen is narrowed to where the client went.
    pub(crate) address: ListenAddress,
    pub(crate) since: Instant,
    pub(crate) security: Security,
    pub(crate) http2: bool,
    /// Where it was going when it was redirected to us.
    pub(crate) original: Option<Box<Original>>,
    /// Everything about it is logged (`debug_connection`).
    pub(crate) debug: bool,
    /// What the proxy in front of us said of it (`proxy_protocol`).
    pub(crate) told: Option<Rc<proxy_protocol::Told>>,
    remote_text: OnceCell<String>,
}

impl ConnectionInfo {
    pub(crate) fn new(serial: u64, remote: Option<SocketAddr>, address: ListenAddress) -> Self {
        Self {
            serial,
            remote,
            address,
            since: Instant::now(),
            security: Security::Plain,
            http2: false,
            original: None,
            debug: false,
            told: None,
            remote_text: OnceCell::new(),
        }
    }

    /// The same connection, told to come from another address.
    pub(crate) fn seen_as(&self, remote: SocketAddr) -> Self {
        Self {
            remote: Some(remote),
            remote_text: OnceCell::new(),
            ..self.clone()
        }
    }

    /// The same connection, with what the proxy in front of us says of it.
    fn told(&self, told: proxy_protocol::Told) -> Self {
        Self {
            told: Some(Rc::new(told)),
            ..self.clone()
        }
    }

    /// The same connection, with what is known after its handshake.
    pub(crate) fn secured(&self, security: Security) -> Self {
        Self {
            security,
            ..self.clone()
        }
    }

    /// The same connection, of a client that speaks HTTP/2.
    pub(crate) fn speaking_http2(&self) -> Self {
        Self {
            http2: true,
            ..self.clone()
        }
    }

    /// `$remote_addr`.
    pub(crate) fn remote_ip(&self) -> &[u8] {
        let text = || match self.remote {
            Some(remote) => remote.ip().to_canonical().to_string(),
            None => "unix:".to_owned(),
        };
        self.remote_text.get_or_init(text).as_bytes()
    }

    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self.address {
            ListenAddress::Tcp(local) => Some(local),
            ListenAddress::Unix(_) => None,
        }
    }

    pub(crate) fn listen_name(&self) -> String {
        self.address.to_string()
    }
}
