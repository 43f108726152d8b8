//! One connection of the load client: TCP, the upgrade, the way into a room.
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::dialect::Dialect;
use super::frames::{self, Frames};

const PATIENCE: Duration = Duration::from_secs(60);
/// Each loopback address has its own ports, so that no number of connections runs out of them.
const PER_ADDRESS: usize = 5000;

/// A connection that is in its room.
pub(super) struct Member {
    pub(super) stream: TcpStream,
    pub(super) frames: Frames,
}

/// Who comes into which room of the server on `port`.
#[derive(Clone, Copy)]
pub(super) struct Door<'a> {
    pub(super) port: u16,
    pub(super) dialect: Dialect,
    pub(super) room: &'a str,
}

impl Member {
    pub(super) async fn enter(door: Door<'_>, index: usize) -> Result<Self> {
        let inside = tokio::time::timeout(PATIENCE, Self::come_in(door, index)).await;
        inside.context("no answer")?
    }

    async fn come_in(door: Door<'_>, index: usize) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let last = u8::try_from(1 + index / PER_ADDRESS).context("too many connections")?;
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0)))?;
        let mut stream = socket
            .connect(SocketAddr::from(([127, 0, 0, 1], door.port)))
            .await?;
        stream.set_nodelay(true)?;
        let after_head = upgrade(&mut stream, door).await?;
        let mut member = Self {
            stream,
            frames: Frames::default(),
        };
        let mut heard = Vec::new();
        member.hear(&after_head, &mut heard);
        for step in door.dialect.way_in(door.room, &format!("member{index}")) {
            member.wait_for(step.heard, &mut heard).await?;
            if !step.say.is_empty() {
                member.stream.write_all(&frames::text(&step.say)).await?;
            }
        }
        Ok(member)
    }

    fn hear(&mut self, bytes: &[u8], heard: &mut Vec<String>) {
        self.frames.feed(bytes, |_, payload| {
            heard.push(String::from_utf8_lossy(payload).into_owned());
        });
    }

    async fn wait_for(&mut self, part: &str, heard: &mut Vec<String>) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            if part.is_empty() {
                return Ok(());
            }
            if let Some(at) = heard.iter().position(|message| message.contains(part)) {
                heard.drain(..=at);
                return Ok(());
            }
            let read = self.stream.read(&mut buffer).await?;
            ensure!(read > 0, "closed while waiting for {part}: {heard:?}");
            self.hear(&buffer[..read], heard);
        }
    }
}

/// Returns what came behind the answer's head.
async fn upgrade(stream: &mut TcpStream, door: Door<'_>) -> Result<Vec<u8>> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        door.dialect.path(),
        door.port
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let rest = answer.split_off(end + 4);
            let head = String::from_utf8_lossy(&answer);
            if !head.starts_with("HTTP/1.1 101 ") {
                bail!("not upgraded: {head}");
            }
            return Ok(rest);
        }
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0, "closed during the upgrade");
    }
}
