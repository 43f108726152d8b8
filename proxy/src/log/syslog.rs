//! Logs that go to a syslog server (RFC 3164), as datagrams: a message is sent or lost, and nobody waits for it.

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::{fmt, io};

use crate::{clock, identity};

/// A longer message would fit into no datagram.
const LONGEST: usize = 60_000;

#[derive(Debug)]
pub(crate) struct Syslog {
    pub(crate) to: Destination,
    socket: Socket,
}

/// Where messages go and what they say of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) server: Server,
    pub(crate) facility: u8,
    /// Of access lines; error messages bring their own.
    pub(crate) severity: u8,
    pub(crate) tag: String,
    pub(crate) hostname: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Udp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket, SocketAddr),
    Unix(UnixDatagram, PathBuf),
}

impl Syslog {
    /// Opens a socket; the server need not be there yet, and may come back.
    pub(crate) fn open(to: Destination) -> io::Result<Self> {
        let socket = match &to.server {
            Server::Udp(address) => {
                let any: SocketAddr = if address.is_ipv4() {
                    ([0; 4], 0).into()
                } else {
                    ([0; 16], 0).into()
                };
                let socket = UdpSocket::bind(any)?;
                socket.set_nonblocking(true)?;
                Socket::Udp(socket, *address)
            }
            Server::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Socket::Unix(socket, path.clone())
            }
        };
        Ok(Self { to, socket })
    }

    /// Sends one message without its line end; whatever keeps it from going loses it.
    pub(super) fn send(&self, severity: u8, message: &[u8]) {
        let mut datagram = Vec::with_capacity(message.len() + 64);
        let header = Header {
            to: &self.to,
            severity,
        };
        clock::with(|now| header.write(now.syslog(), &mut datagram));
        datagram.extend_from_slice(&message[..message.len().min(LONGEST)]);
        let _ = match &self.socket {
            Socket::Udp(socket, address) => socket.send_to(&datagram, address),
            Socket::Unix(socket, path) => socket.send_to(&datagram, path),
        };
    }
}

struct Header<'a> {
    to: &'a Destination,
    severity: u8,
}

impl Header<'_> {
    /// `<187>Nov 27 18:30:00 host nginx: `
    fn write(&self, time: &str, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(64);
        let priority = u32::from(self.to.facility) * 8 + u32::from(self.severity);
        let _ = write!(text, "<{priority}>{time} ");
        if self.to.hostname {
            text.push_str(&identity::hostname().to_ascii_lowercase());
            text.push(' ');
        }
        let _ = write!(text, "{}: ", self.to.tag);
        out.extend_from_slice(text.as_bytes());
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn to(server: Server) -> Destination {
        Destination {
            server,
            facility: 23,
            severity: 6,
            tag: "nginx".to_owned(),
            hostname: false,
        }
    }

    #[test]
    fn a_message_says_how_bad_it_is_when_and_from_whom() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        listener
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let server = Server::Udp(listener.local_addr().unwrap());
        Syslog::open(to(server)).unwrap().send(3, b"it broke");
        let mut room = [0; 200];
        let length = listener.recv(&mut room).unwrap();
        let message = String::from_utf8_lossy(&room[..length]).into_owned();
        assert!(message.starts_with("<187>"), "{message}");
        assert!(message.ends_with(" nginx: it broke"), "{message}");
    }

    #[test]
    fn a_server_that_is_not_there_costs_nothing_but_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let syslog = Syslog::open(to(Server::Unix(path.clone()))).unwrap();
        syslog.send(6, b"lost");
        let listener = UnixDatagram::bind(&path).unwrap();
        // Nobody reads: once the queue is full, messages are lost, and this returns.
        for _ in 0..10_000 {
            syslog.send(6, b"one of many");
        }
        let mut room = [0; 200];
        let length = listener.recv(&mut room).unwrap();
        assert!(room[..length].ends_with(b"nginx: one of many"));
    }
}
