//! Stage "connect": takes a peer, decides between an idle connection to it and a new one, hands
//! on a stream.

mod idle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, UnixStream};
use tokio::time::timeout;

pub(crate) use idle::{IdlePool, Key};

use crate::config::UpstreamBlock;
use crate::fault::Fault;
use crate::http1::{Buffer, Stream};
use crate::tls::UpstreamTls;
use crate::upstream::{Address, Failure};
use crate::worker::Worker;

/// A connection to a peer, new or used before; in a box, since it goes from hand to hand.
#[derive(Debug)]
pub(crate) struct PeerConnection {
    pub(crate) stream: Stream,
    pub(crate) buffer: Buffer,
    /// Requests sent on it, this one not counted.
    pub(crate) requests: u64,
    since: Instant,
    key: Key,
}

// ANCHOR: connect
/// An idle connection to the peer if one is kept, else a new one within `limit`.
pub(crate) async fn connect(
    worker: &Worker,
    block: &UpstreamBlock,
    address: &Address,
    bind: Option<SocketAddr>,
    tls: Option<(Arc<UpstreamTls>, String)>,
    limit: Duration,
    now: Instant,
) -> Result<Box<PeerConnection>, Fault> {
    let key = Key {
        upstream: block.id,
        address: address.clone(),
        bind,
        tls: tls.as_ref().map(|(tls, name)| (tls.id, name.clone())),
    };
    if let Some(connection) = worker.idle.borrow_mut().take(&key, now) {
        return Ok(connection);
    }
    fresh(key, tls, limit).await
}
// ANCHOR_END: connect

/// A new connection within `limit`.
pub(crate) async fn fresh(
    key: Key,
    tls: Option<(Arc<UpstreamTls>, String)>,
    limit: Duration,
) -> Result<Box<PeerConnection>, Fault> {
    let stream = match timeout(limit, open(&key.address, key.bind)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => {
            let failure = Failure::Connect(why.kind());
            let why = format!("connect() failed ({why}) while connecting to upstream");
            return Err(Fault::upstream(502, failure, why));
        }
        Err(_) => {
            let why = "upstream timed out while connecting to upstream";
            return Err(Fault::upstream(504, Failure::Timeout, why));
        }
    };
    let stream = match tls {
        Some((tls, name)) => secure(stream, &tls, &name, limit).await?,
        None => stream,
    };
    Ok(Box::new(PeerConnection {
        stream,
        buffer: Buffer::default(),
        requests: 0,
        since: Instant::now(),
        key,
    }))
}

/// Boxed, since only few connections need the memory of a handshake.
async fn secure(
    stream: Stream,
    tls: &UpstreamTls,
    name: &str,
    limit: Duration,
) -> Result<Stream, Fault> {
    match timeout(limit, Box::pin(tls.connect(stream, name))).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(why)) => Err(Fault::upstream(502, Failure::ReadError, why.to_string())),
        Err(_) => {
            let why = "upstream timed out while SSL handshaking to upstream";
            Err(Fault::upstream(504, Failure::Timeout, why))
        }
    }
}

/// A new connection, from `bind` if that is given.
pub(crate) async fn open(address: &Address, bind: Option<SocketAddr>) -> std::io::Result<Stream> {
    match address {
        Address::Tcp(address) => {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()
            } else {
                TcpSocket::new_v6()
            }?;
            socket.set_nodelay(true)?;
            if let Some(local) = bind {
                if local.port() != 0 {
                    socket.set_reuseaddr(true)?;
                }
                socket.bind(local)?;
            }
            Ok(Stream::Tcp(socket.connect(*address).await?))
        }
        Address::Unix(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
    }
}

/// The name that a certificate is for.
pub(crate) fn without_port(mut name: String) -> String {
    let after_ipv6 = name.find(']').unwrap_or(0);
    if let Some(colon) = name[after_ipv6..].find(':') {
        name.truncate(after_ipv6 + colon);
    }
    name.trim_matches(['[', ']']).to_owned()
}

impl PeerConnection {
    /// Puts the connection back for the next request, if its age and use allow it.
    pub(crate) fn keep(mut self: Box<Self>, worker: &Worker, block: &UpstreamBlock) {
        let rules = &block.keepalive;
        self.requests += 1;
        let now = Instant::now();
        let worn = self.requests >= rules.requests || now - self.since >= rules.time;
        // Bytes that nobody asked for belong to no later answer.
        if worn || !self.buffer.is_empty() || worker.is_draining() {
            return self.discard(worker);
        }
        if let Some(memory) = self.buffer.release() {
            worker.give_back(memory);
        }
        worker
            .idle
            .borrow_mut()
            .put(self, rules.connections, now + rules.timeout);
    }

    pub(crate) fn discard(mut self: Box<Self>, worker: &Worker) {
        let held = self.buffer.filled().len();
        self.buffer.consume(held);
        if let Some(memory) = self.buffer.release() {
            worker.give_back(memory);
        }
    }
}
