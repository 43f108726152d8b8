//! One member: says hello, joins, reads, comes back after a cut with the last number that it has seen.

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use websocket_chat::protocol::{ClientMessage, ServerMessage};

pub(crate) type Line = WebSocketStream<TcpStream>;

#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) room: String,
    session: Option<String>,
    epoch: Option<String>,
    /// The last number that it has seen.
    pub(crate) last: u64,
    /// How often numbers were missing or came again.
    pub(crate) gaps: u64,
}

impl Member {
    pub(crate) fn new(name: String, room: String) -> Self {
        Self {
            name,
            room,
            ..Self::default()
        }
    }

    /// Connects and joins, behind what it has seen.
    pub(crate) async fn connect(&mut self, address: &str) -> anyhow::Result<Line> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(1024);
        let url = format!("ws://{address}/chat");
        let (mut line, _) =
            tokio_tungstenite::client_async_with_config(url, tcp, Some(config)).await?;
        let (name, session) = (self.name.clone(), self.session.clone());
        say(&mut line, &ClientMessage::Hello { name, session }).await?;
        let (room, epoch) = (self.room.clone(), self.epoch.clone());
        let after = epoch.is_some().then_some(self.last);
        say(&mut line, &ClientMessage::Join { room, epoch, after }).await?;
        let again = self.epoch.is_some();
        loop {
            match next(&mut line).await? {
                ServerMessage::Welcome { session, .. } => self.session = Some(session),
                ServerMessage::Joined {
                    epoch,
                    head,
                    recovered,
                    ..
                } => {
                    if again && !recovered {
                        self.gaps += 1;
                    }
                    if !again {
                        self.last = head.saturating_sub(50);
                    }
                    self.epoch = Some(epoch);
                    return Ok(line);
                }
                ServerMessage::Error { reason, .. } => bail!("refused: {reason}"),
                _ => {}
            }
        }
    }

    /// Takes note of what came.
    pub(crate) fn see(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Message { seq, .. } => {
                self.gaps += u64::from(*seq != self.last + 1);
                self.last = *seq;
            }
            ServerMessage::Skipped { .. } => self.gaps += 1,
            _ => {}
        }
    }
}

pub(crate) async fn say(line: &mut Line, message: &ClientMessage) -> anyhow::Result<()> {
    let text = serde_json::to_string(message)?;
    Ok(line.send(Message::text(text)).await?)
}

/// The next message; pings are answered on the way. An error tells how the line ended.
pub(crate) async fn next(line: &mut Line) -> anyhow::Result<ServerMessage> {
    loop {
        match line.next().await.context("cut off without a word")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(frame) => bail!("closed: {frame:?}"),
            _ => {}
        }
    }
}
