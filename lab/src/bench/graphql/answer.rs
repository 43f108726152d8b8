//! One question, asked over a bare socket before the race.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// HTTP/1.0, because its answers come in one piece and end with the connection.
pub(super) fn ask(port: u16, body: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    write!(
        stream,
        "POST /graphql HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, json) = answer.split_once("\r\n\r\n").context("no end of head")?;
    serde_json::from_str(json).with_context(|| format!("{answer:.300}"))
}
