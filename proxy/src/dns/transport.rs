//! A question on its way: over UDP to one name server after the other, over TCP where the reply did not fit.
//!
//! Each attempt has a socket of its own, so a source port that nobody can guess, connected, so that the kernel drops
//! what comes from elsewhere. A slow server may still answer while the next one is asked.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::message::{Kind, Question, Reply};
use super::{Name, Trouble};

/// How long a server may be silent before the next one is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_ATTEMPTS: usize = 5;
/// Without EDNS 512 bytes are allowed; more is taken if it comes.
const LARGEST_DATAGRAM: usize = 4096;

/// Ends with the first reply; without one when the last server has failed, else when the caller has waited enough.
/// `first` is the server to begin with.
pub(super) async fn ask(
    servers: &[SocketAddr],
    first: usize,
    name: &Name,
    kind: Kind,
) -> Result<(Question, Reply), Trouble> {
    let mut attempts = JoinSet::new();
    let mut last = Trouble::Timeout;
    for turn in 0..MOST_ATTEMPTS.max(servers.len()) {
        let question = Question {
            id: rand::random(),
            name: name.clone(),
            kind,
        };
        attempts.spawn(attempt(servers[(first + turn) % servers.len()], question));
        let is_last = turn + 1 >= MOST_ATTEMPTS.max(servers.len());
        let next = Instant::now() + PATIENCE;
        loop {
            tokio::select! {
                done = attempts.join_next(), if !attempts.is_empty() => match done {
                    Some(Ok(Ok(answered))) => return Ok(answered),
                    Some(Ok(Err(why))) => {
                        last = Trouble::Unreachable(why.kind());
                        if turn + 1 < servers.len() {
                            break;
                        }
                    }
                    Some(Err(_)) | None => {}
                },
                () = sleep_until(next), if !is_last => break,
                else => return Err(last),
            }
        }
    }
    Err(last)
}

async fn attempt(server: SocketAddr, question: Question) -> io::Result<(Question, Reply)> {
    let packet = question.encode();
    let mut reply = over_udp(server, &packet, &question).await?;
    if reply.truncated {
        reply = over_tcp(server, &packet, &question).await?;
    }
    Ok((question, reply))
}

async fn over_udp(server: SocketAddr, packet: &[u8], question: &Question) -> io::Result<Reply> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(packet).await?;
    let mut bytes = vec![0; LARGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut bytes).await?;
        // Whatever is not ours may have been sent to keep us from the real reply.
        if let Ok(reply) = question.decode(&bytes[..length]) {
            return Ok(reply);
        }
    }
}

async fn over_tcp(server: SocketAddr, packet: &[u8], question: &Question) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(packet.len()).expect("a question has some 280 bytes at most");
    stream
        .write_all(&[&length.to_be_bytes(), packet].concat())
        .await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    match question.decode(&bytes) {
        Ok(reply) if !reply.truncated => Ok(reply),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
