//! Chapter 1: somebody stands between you and the servers, and only that somebody can be reached.
use std::net::TcpStream;

use anyhow::Result;

use super::Finding;
use super::witness::Witness;

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let greeting = witness.get("/").await?;
    let seen = witness.get("/whoami").await?;
    let before = witness.status().await?.requests;
    witness.get("/").await?;
    let after = witness.status().await?.requests;
    Ok(vec![
        Finding::new(
            greeting.starts_with("Hello from Server "),
            format!("one URL answers for three servers: {}", greeting.trim()),
            "`docker compose restart` (or `cargo lab up` again), and put nginx.conf back as it was",
        ),
        Finding::new(
            seen.contains("X-Forwarded-For"),
            "a backend is told about you by a header, because it only sees the proxy's connection",
            "nginx.conf has lost its line with X-Forwarded-For",
        ),
        Finding::new(
            after > before,
            format!("the proxy counts what passes it: {after} requests since it started"),
            "the request did not go through the proxy; is another program on the lab's port?",
        ),
        Finding::new(
            TcpStream::connect(("127.0.0.1", 5000)).is_err(),
            "port 5000 of your machine is not a backend: only the proxy is published",
            "another program listens on port 5000 (on macOS: AirPlay); it is not part of the lab",
        ),
    ])
}
