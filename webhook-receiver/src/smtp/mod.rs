//! The mail door: whatever is sent to `<token>@<any domain>` becomes an event of that token. It takes mail for its own
//! inboxes only, and says so before the text is sent.

pub(crate) mod letter;
pub mod session;
pub mod text;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use bytes::Bytes;
use service::Shutdown;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::inbox::BODY_LIMIT;
use crate::store::{Kind, NewEvent};
use session::{Envelope, LINE, Session, Step};
use text::Text;

/// Connections at the same time; each may hold a mail in memory.
const CONNECTIONS: usize = 32;
/// A client that is silent for longer is hung up on.
const SILENCE: Duration = Duration::from_secs(60);
/// Commands that mean nothing before we hang up: somebody speaks another protocol, or guesses tokens.
const MISTAKES: usize = 20;

/// Serves until the shutdown.
pub(crate) async fn serve(listener: TcpListener, app: App, shutdown: Shutdown) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.triggered() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, peer)) => { connections.spawn(connection(stream, peer, app.clone())); }
                Err(error) => {
                    tracing::warn!(%error, "accepting mail failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    // Mail that was not acknowledged is sent again by its sender.
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: App) {
    let mut wire = Wire(BufStream::new(stream));
    if let Err(error) = converse(&mut wire, peer, &app).await {
        tracing::debug!(%error, %peer, "a mail connection ended badly");
    }
}

async fn converse(wire: &mut Wire, peer: SocketAddr, app: &App) -> io::Result<()> {
    wire.say("220 hook.localhost keeps what you send\r\n")
        .await?;
    let (mut session, mut mistakes) = (Session::default(), 0);
    while let Some(line) = wire.line().await? {
        let said = match session.command(&line, BODY_LIMIT) {
            Step::Reply(text) => text,
            Step::Recipient(address) => {
                let known = inbox_of(app, &address).await;
                session.recipient(address, known)
            }
            Step::Data => {
                wire.say("354 End with a dot on a line of its own\r\n")
                    .await?;
                let Some(mail) = wire.text().await? else {
                    return Ok(());
                };
                keep(app, peer, session.take(), mail.finish()).await
            }
            Step::Quit(text) => return wire.say(&text).await,
        };
        mistakes += usize::from(said.starts_with('5'));
        wire.say(&said).await?;
        if mistakes >= MISTAKES {
            return wire.say("421 That was too much\r\n").await;
        }
    }
    Ok(())
}

async fn inbox_of(app: &App, address: &str) -> bool {
    let Some(name) = session::token(address) else {
        return false;
    };
    matches!(app.store.token(name).await, Ok(Some(_)))
}

/// One event for each recipient's token; acknowledged when all are committed.
async fn keep(app: &App, peer: SocketAddr, envelope: Envelope, mail: Option<Vec<u8>>) -> String {
    let Some(mail) = mail.map(Bytes::from) else {
        return "552 Too large\r\n".to_owned();
    };
    let mut stored = Vec::new();
    for recipient in &envelope.recipients {
        let name = session::token(recipient).unwrap_or_default();
        let Ok(Some(token)) = app.store.token(name).await else {
            return "451 Try again\r\n".to_owned();
        };
        if stored.contains(&token.id) {
            continue;
        }
        let mut event = NewEvent::now(token.id, Kind::Email);
        event.method = "POST".to_owned();
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        event.origin = format!("smtp://{domain}");
        event.ip = peer.ip().to_canonical().to_string();
        event.sender = Some(envelope.sender.clone());
        event.destinations.clone_from(&envelope.recipients);
        event.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("message/rfc822"),
        );
        event.body = mail.clone();
        if let Err(error) = app.store.store(event, &token).await {
            tracing::warn!(%error, "a mail was not kept");
            return "451 Try again\r\n".to_owned();
        }
        stored.push(token.id);
    }
    "250 Kept\r\n".to_owned()
}

/// A connection in lines and texts.
struct Wire(BufStream<TcpStream>);

impl Wire {
    /// Sends at once: the client waits for it.
    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        timeout(SILENCE, self.0.flush()).await?
    }

    /// A command without its line end; None at the end of the connection.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.0).take(LINE as u64);
        timeout(SILENCE, limited.read_until(b'\n', &mut line)).await??;
        match line.strip_suffix(b"\r\n") {
            Some(command) => Ok(Some(command.to_vec())),
            None if line.is_empty() => Ok(None),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line that is too long or has a bare LF",
            )),
        }
    }

    /// A mail's text to its end; None if the connection ends first.
    async fn text(&mut self) -> io::Result<Option<Text>> {
        let mut text = Text::new(BODY_LIMIT);
        loop {
            let piece = timeout(SILENCE, self.0.fill_buf()).await??;
            if piece.is_empty() {
                return Ok(None);
            }
            let (used, ended) = text.push(piece);
            self.0.consume(used);
            if ended {
                return Ok(Some(text));
            }
        }
    }
}
