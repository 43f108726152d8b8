//! Which port each listening socket of the lab has. All are movable: a second lab, or a test, takes free ones.
use std::net::TcpListener;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The ports of one lab, all on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The main lab: what `listen 80` of nginx.conf becomes.
    pub http: u16,
    /// The book as readers reach it: `listen 8000`.
    pub docs: u16,
    /// Lab home, status API and metrics.
    pub admin: u16,
    /// The three backends; in Docker each has port 5000 of its own host.
    pub backends: [u16; 3],
    /// The server behind `docs`.
    pub docs_server: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            http: 8088,
            docs: 8000,
            admin: 8080,
            backends: [5001, 5002, 5003],
            docs_server: 5008,
        }
    }
}

impl Ports {
    /// Ports that nobody has at this moment. All are held until the last is known, so they differ.
    pub fn free() -> Result<Self> {
        let held = (0..7)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<Vec<_>, _>>()
            .context("no free port on 127.0.0.1")?;
        let mut ports = held
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.port()));
        let mut next = || ports.next().expect("one was bound for each field");
        Ok(Self {
            http: next()?,
            docs: next()?,
            admin: next()?,
            backends: [next()?, next()?, next()?],
            docs_server: next()?,
        })
    }

    /// The ports that compose.yaml publishes, moved by the same variables. Backends have none.
    pub fn of_compose() -> Result<Self> {
        Ok(Self {
            http: from_environment("LAB_HTTP_PORT", 80)?,
            docs: from_environment("LAB_DOCS_PORT", 8000)?,
            admin: from_environment("LAB_ADMIN_PORT", 8080)?,
            ..Self::default()
        })
    }

    /// The URL of a port, as people click it.
    pub fn url(port: u16) -> String {
        format!("http://localhost:{port}/")
    }
}

fn from_environment(variable: &str, default: u16) -> Result<u16> {
    match std::env::var(variable) {
        Ok(port) => port.parse().with_context(|| format!("{variable}={port}")),
        Err(_) => Ok(default),
    }
}
