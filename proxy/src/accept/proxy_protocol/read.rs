//! Reads the header off a connection, and not one byte of what follows: that may be a TLS handshake.

use std::io;
use std::rc::Rc;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::{Broken, SHORTEST, Told, parse, v1, v2};
use crate::accept::ConnectionInfo;
use crate::config::{Level, Listen};
use crate::http1::Stream;
use crate::log;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{why}: \"{}\"", .said.escape_ascii())]
    Broken { why: Broken, said: Vec<u8> },
    #[error("client closed connection")]
    Gone(#[from] io::Error),
    #[error("client timed out")]
    TimedOut,
}

/// The connection, with what its header says; `None` is its end.
pub(crate) async fn accept(
    listen: &Listen,
    stream: &mut Stream,
    info: &ConnectionInfo,
) -> Option<Rc<ConnectionInfo>> {
    let server = listen.servers.default_server();
    let read = timeout(server.header_timeout, read(stream)).await;
    match read.unwrap_or(Err(Failed::TimedOut)) {
        Ok(told) => Some(Rc::new(info.told(told))),
        Err(why) => {
            let level = match why {
                Failed::Broken { .. } => Level::Error,
                Failed::Gone(_) | Failed::TimedOut => Level::Info,
            };
            let client = String::from_utf8_lossy(info.remote_ip());
            let text = format!(
                "*{} {why} while reading PROXY protocol, client: {client}, server: {}",
                info.serial, info.address
            );
            log::message(&server.root.error_log, level, &text);
            None
        }
    }
}

async fn read(stream: &mut Stream) -> Result<Told, Failed> {
    let mut said = vec![0; SHORTEST];
    let mut length = 0;
    // Word by word, so that what is no header is refused before it is long enough to be one.
    while length < SHORTEST {
        match stream.read(&mut said[length..]).await? {
            0 => return Err(Failed::Gone(io::ErrorKind::UnexpectedEof.into())),
            count => length += count,
        }
        if let Err(why) = parse(&said[..length]) {
            said.truncate(length);
            return Err(Failed::Broken { why, said });
        }
    }
    loop {
        match parse(&said) {
            Ok(Some((told, _))) => return Ok(told),
            Ok(None) => {}
            Err(why) => {
                said.truncate(v1::LONGEST);
                return Err(Failed::Broken { why, said });
            }
        }
        let more = if said.starts_with(v2::SIGNATURE) {
            v2::length(&said).unwrap_or(v2::FIXED) - said.len()
        } else {
            rest_of_line(stream, v1::LONGEST - said.len()).await?
        };
        let have = said.len();
        said.resize(have + more, 0);
        stream.read_exact(&mut said[have..]).await?;
    }
}

/// How many of the bytes that have come belong to the line; at least one.
async fn rest_of_line(stream: &Stream, most: usize) -> io::Result<usize> {
    let mut ahead = [0; v1::LONGEST];
    match stream.peek(&mut ahead[..most]).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(memchr::memchr(b'\n', &ahead[..count]).map_or(count, |at| at + 1)),
    }
}
