//! Listening sockets: bound before the pid file is written, shared by all workers (each polls its
//! own duplicate), kept over a reload.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Listen, ListenAddress};

/// The sockets of the process, by address.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    open: BTreeMap<ListenAddress, Socket>,
}

#[derive(Debug, thiserror::Error)]
#[error("bind() to {address} failed ({source}){hint}")]
pub(crate) struct BindError {
    address: ListenAddress,
    source: io::Error,
    hint: &'static str,
}

impl Listeners {
    /// Opens what a configuration asks for and is not open yet; nothing changes if one fails.
    pub(crate) fn adopt(&mut self, listens: &[Listen]) -> Result<(), BindError> {
        let wanted = bound(listens);
        let mut fresh = Vec::new();
        // A socket that goes may hold an address that a new one needs (`127.0.0.1:80` to `*:80`).
        let old = std::mem::take(&mut self.open);
        let (mut kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = old
            .into_iter()
            .partition(|(address, _)| wanted.iter().any(|l| l.address == *address));
        for listen in wanted {
            if kept.contains_key(&listen.address) {
                continue;
            }
            match bind(listen) {
                Ok(socket) => fresh.push((listen.address.clone(), socket)),
                Err(error) => {
                    kept.extend(gone);
                    self.open = kept;
                    return Err(error);
                }
            }
        }
        kept.extend(fresh);
        self.open = kept;
        Ok(())
    }

    /// A duplicate of each socket, for one worker.
    pub(crate) fn duplicate(&self) -> io::Result<Vec<(ListenAddress, Socket)>> {
        self.open
            .iter()
            .map(|(address, s)| Ok((address.clone(), s.try_clone()?)))
            .collect()
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.open.keys()
    }
}

/// `*:80` accepts for `127.0.0.1:80` as well, so only the wildcard is bound, as in nginx.
fn bound(listens: &[Listen]) -> Vec<&Listen> {
    let covered = |listen: &&Listen| {
        !listens
            .iter()
            .any(|o| o.address != listen.address && o.address.covers(&listen.address))
    };
    listens.iter().filter(covered).collect()
}

fn bind(listen: &Listen) -> Result<Socket, BindError> {
    let error = |source: io::Error| {
        let hint = match source.kind() {
            io::ErrorKind::AddrInUse => {
                "; another program listens there: stop it, or move the port"
            }
            io::ErrorKind::PermissionDenied => {
                "; a port below 1024 needs root or CAP_NET_BIND_SERVICE"
            }
            _ => "",
        };
        BindError {
            address: listen.address.clone(),
            source,
            hint,
        }
    };
    match &listen.address {
        ListenAddress::Tcp(address) => tcp(*address, listen.backlog).map_err(error),
        ListenAddress::Unix(path) => {
            // A socket file that a killed process left behind is nobody's.
            if std::os::unix::net::UnixStream::connect(path).is_err() {
                let _ = std::fs::remove_file(path);
            }
            let listener = UnixListener::bind(path).map_err(error)?;
            listener.set_nonblocking(true).map_err(error)?;
            Ok(Socket::from(listener))
        }
    }
}

fn tcp(address: std::net::SocketAddr, backlog: i32) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Accepted sockets inherit it, which saves a system call for each.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket)
}
