//! Turns an address that a person typed into a listening socket and a URL to click, or into an error that says what
//! to do.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::port_owner::who_listens;

/// Connections that wait to be accepted; a burst of a thousand clients at once must not be refused.
const BACKLOG: u32 = 4096;

/// Why an address can't be listened on, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{0:?} is no address to listen on: write HOST:PORT, such as 127.0.0.1:5000")]
    Address(String, #[source] io::Error),
    #[error("{0} is taken by {1}: stop that, or choose another port")]
    Taken(SocketAddr, String),
    #[error(
        "{0} needs more rights: ports below 1024 are root's on many systems, choose a higher one"
    )]
    Denied(SocketAddr, #[source] io::Error),
    #[error("can't listen on {0}: {1}")]
    Other(SocketAddr, #[source] io::Error),
}

/// Listens on `HOST:PORT` (port 0: any free one) and logs the URL; an error's text is meant for the terminal.
pub async fn bind(address: &str) -> Result<TcpListener, BindError> {
    let unresolved = |error| BindError::Address(address.into(), error);
    let mut resolved = lookup_host(address).await.map_err(unresolved)?;
    let wanted = resolved
        .next()
        .ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))?;
    let (listener, actual) = listen(wanted).map_err(|error| explain(wanted, error))?;
    tracing::info!("listening on {}", clickable(actual));
    Ok(listener)
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Without it a restarted service would wait for its last connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let actual = listener.local_addr()?;
    Ok((listener, actual))
}

fn explain(address: SocketAddr, error: io::Error) -> BindError {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let unknown = || {
                format!(
                    "another program (`lsof -nP -iTCP:{} -sTCP:LISTEN` names it)",
                    address.port()
                )
            };
            BindError::Taken(address, who_listens(address.port()).unwrap_or_else(unknown))
        }
        io::ErrorKind::PermissionDenied => BindError::Denied(address, error),
        _ => BindError::Other(address, error),
    }
}

/// The URL a person can click: a wildcard address is reached as `localhost`, and port 80 goes without saying.
pub fn clickable(address: SocketAddr) -> String {
    let host = match address.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    match address.port() {
        80 => format!("http://{host}/"),
        port => format!("http://{host}:{port}/"),
    }
}
