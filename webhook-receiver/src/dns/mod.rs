//! The DNS door: a query for any name below `<token>.dnshook.localhost` becomes an event of that token. It answers what
//! the token's content says, `[{"type":"a","value":"192.0.2.1"}]`, and is nobody's resolver: other names are refused.

pub mod answer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use service::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::store::{Kind, NewEvent, Token};
use answer::{Asked, Outcome};

/// Questions at the same time; what is beyond is dropped, as DNS does, and asked again.
const AT_ONCE: usize = 128;
/// A TCP client that is silent for longer is hung up on.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest message that UDP brings us whole.
const DATAGRAM: usize = 4096;

/// Both of a name server's sockets, on one address.
#[derive(Debug)]
pub struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
}

impl Sockets {
    /// Listens on `address`; with port 0, on one that is free for both.
    pub async fn bind(address: &str) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        let udp = UdpSocket::bind(tcp.local_addr()?).await?;
        tracing::info!("listening for DNS on {}", tcp.local_addr()?);
        Ok(Self { udp, tcp })
    }
}

/// Serves until the shutdown.
pub(crate) async fn serve(sockets: Sockets, app: App, shutdown: Shutdown) {
    let udp = Arc::new(sockets.udp);
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            () = shutdown.triggered() => break,
            Some(_) = tasks.join_next() => {}
            received = udp.recv_from(&mut buffer) => {
                if let (Ok((size, peer)), Ok(permit)) = (received, room.clone().try_acquire_owned()) {
                    let (udp, app, message) = (udp.clone(), app.clone(), buffer[..size].to_vec());
                    tasks.spawn(async move {
                        if let Some(reply) = reply(&app, peer, &message, true).await {
                            // Lost or sent: with UDP nobody knows.
                            let _ = udp.send_to(&reply, peer).await;
                        }
                        drop(permit);
                    });
                }
            }
            accepted = sockets.tcp.accept() => {
                if let (Ok((stream, peer)), Ok(permit)) = (accepted, room.clone().try_acquire_owned()) {
                    let app = app.clone();
                    tasks.spawn(async move {
                        if let Err(error) = connection(stream, peer, &app).await {
                            tracing::debug!(%error, %peer, "a DNS connection ended badly");
                        }
                        drop(permit);
                    });
                }
            }
        }
    }
    tasks.shutdown().await;
}

/// Messages over TCP have their length in front.
async fn connection(mut stream: TcpStream, peer: SocketAddr, app: &App) -> io::Result<()> {
    loop {
        let Ok(length) = timeout(SILENCE, stream.read_u16()).await else {
            return Ok(());
        };
        let Ok(length) = length else { return Ok(()) };
        let mut message = vec![0; usize::from(length)];
        timeout(SILENCE, stream.read_exact(&mut message)).await??;
        let Some(reply) = reply(app, peer, &message, false).await else {
            return Ok(());
        };
        let length = u16::try_from(reply.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let framed = [&length.to_be_bytes()[..], &reply].concat();
        timeout(SILENCE, stream.write_all(&framed)).await??;
    }
}

/// Keeps the question, then answers it; None if it deserves no answer.
async fn reply(app: &App, peer: SocketAddr, message: &[u8], datagram: bool) -> Option<Vec<u8>> {
    let asked = match answer::read(message) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let outcome = match asked.token() {
        None => Outcome::Refused,
        Some(name) => match app.store.token(name).await {
            Ok(Some(token)) => keep(app, peer, &asked, &token).await,
            Ok(None) => Outcome::NoSuchName,
            Err(_) => Outcome::Failed,
        },
    };
    asked.answer(&outcome, datagram)
}

async fn keep(app: &App, peer: SocketAddr, asked: &Asked, token: &Token) -> Outcome {
    let mut event = NewEvent::now(token.id, Kind::Dns);
    event.method = asked.kind();
    event.origin = asked.name();
    event.ip = peer.ip().to_canonical().to_string();
    event.body = format!("{} {}", asked.name(), asked.kind()).into();
    match app.store.store(event, token).await {
        Ok(_) => Outcome::Content(token.default_content.clone()),
        Err(error) => {
            tracing::warn!(%error, "a DNS query was not kept");
            Outcome::Failed
        }
    }
}
