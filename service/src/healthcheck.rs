//! One GET over plain TCP, for the `healthcheck` subcommand that a container's engine runs every few seconds: no
//! runtime, no client library, an answer within two seconds.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// What is wrong with the service.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    #[error("{0:?} is no URL of the form http://HOST:PORT/PATH")]
    Url(String),
    #[error("no answer from {0}: {1}")]
    Unreachable(String, #[source] io::Error),
    #[error("{0} answered {1:?}")]
    Unhealthy(String, String),
}

/// Fetches `url`; any 2xx is healthy.
pub fn healthcheck(url: &str) -> Result<(), HealthcheckError> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| HealthcheckError::Url(url.into()))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let status_line =
        get(authority, path).map_err(|error| HealthcheckError::Unreachable(url.into(), error))?;
    match status_line.split(' ').nth(1) {
        Some(status) if status.len() == 3 && status.starts_with('2') => Ok(()),
        _ => Err(HealthcheckError::Unhealthy(url.into(), status_line)),
    }
}

fn get(authority: &str, path: &str) -> io::Result<String> {
    let address = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let resolved = address
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&resolved, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = Vec::new();
    // `HTTP/1.1 200 OK` and no more: the body is nobody's business here.
    stream.take(64).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().unwrap_or_default().to_owned())
}
