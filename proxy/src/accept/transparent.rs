//! Connections that a firewall has redirected to us (`listen ... transparent`, ours): takes one, finds out where it wanted to
//! go and, if it begins with TLS, which host it names; hands on a request that says so, as if the client had asked a proxy.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::time::{Instant, timeout_at};

use super::client_hello::{self, Hello};
use super::{Client, ConnectionInfo};
use crate::http1::Stream;
use crate::parse::parse_authority;

/// Where a redirected connection was going.
#[derive(Clone, Debug)]
pub(crate) struct Original {
    pub(crate) address: SocketAddr,
    /// The host that its ClientHello names.
    pub(crate) server_name: Option<Box<str>>,
}

/// The handshake message that a TLS connection begins with.
const HANDSHAKE: u8 = 22;
/// A fatal alert, access_denied: what a TLS client is told that may not go on (RFC 8446 section 6.2).
pub(crate) const DENIED: &[u8] = &[21, 3, 3, 0, 2, 2, 49];

/// The address that the client believes to talk to. One that really meant us would be sent round in circles.
pub(super) fn destination(stream: &Stream, info: &ConnectionInfo) -> io::Result<SocketAddr> {
    let Stream::Tcp(tcp) = stream else {
        return Err(io::Error::other("it is no TCP connection"));
    };
    let socket = SockRef::from(tcp);
    let found = match info.local() {
        Some(SocketAddr::V6(_)) => socket.original_dst_v6(),
        _ => socket.original_dst_v4(),
    };
    let original = found?.as_socket();
    let original = original.ok_or_else(|| io::Error::other("it has no address"))?;
    if info.local() == Some(original) {
        return Err(io::Error::other("it was not redirected"));
    }
    Ok(original)
}

/// Reads how the client begins: TLS becomes a request for a tunnel, everything else is left to be read as HTTP. `Err` says
/// why neither is possible.
pub(super) async fn begin(client: &mut Client, patience: Duration) -> Result<(), &'static str> {
    let deadline = Instant::now() + patience;
    loop {
        let filled = client.buffer.filled();
        match filled.first() {
            Some(&HANDSHAKE) => match client_hello::server_name(filled)? {
                Hello::More => {}
                Hello::Whole(name) => return ask_for_tunnel(client, name),
            },
            Some(_) => return Ok(()),
            None => {}
        }
        let more = timeout_at(deadline, client.buffer.fill(&mut client.stream)).await;
        match more {
            Ok(Ok(count)) if count > 0 => {}
            Ok(_) => return Err("client closed connection before it said where to"),
            Err(_) => return Err("client timed out before it said where to"),
        }
    }
}

fn ask_for_tunnel(client: &mut Client, name: Option<String>) -> Result<(), &'static str> {
    let info = std::rc::Rc::make_mut(&mut client.info);
    let Some(original) = info.original.as_mut() else {
        return Err("client was not redirected");
    };
    let port = original.address.port();
    let host = match (&name, original.address.ip()) {
        (Some(name), _) => name.clone(),
        (None, IpAddr::V4(ip)) => ip.to_string(),
        (None, IpAddr::V6(ip)) => format!("[{ip}]"),
    };
    let authority = format!("{host}:{port}");
    parse_authority(authority.as_bytes()).ok_or("client sent invalid server name")?;
    original.server_name = name.map(Into::into);
    let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    client.stand_in = Some(head.into_bytes().into());
    Ok(())
}
