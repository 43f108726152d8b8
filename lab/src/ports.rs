//! Which port each listening socket of the lab has. All are movable: a second lab, or a test, takes free ones.
use std::net::TcpListener;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The ports of one lab, all on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The main lab: what `listen 80` of nginx.conf becomes.
    pub http: u16,
    /// The same by TLS, once chapter 8 has a `listen 443 ssl`.
    pub https: u16,
    /// The book as readers reach it: `listen 8000`.
    pub docs: u16,
    /// Lab home, status API and metrics.
    pub admin: u16,
    /// The demos' pages: `listen 8001` to `listen 8004`.
    pub soap: u16,
    pub graphql: u16,
    pub chat: u16,
    pub webhooks: u16,
    /// The forward proxy, and its own status API (which Docker does not publish).
    pub forward: u16,
    pub forward_admin: u16,
    /// The webhook receiver's mail and name servers (the latter UDP, too), past the proxy, which speaks HTTP.
    pub smtp: u16,
    pub dns: u16,
    /// The three backends; in Docker each has port 5000 of its own host.
    pub backends: [u16; 3],
    /// The server behind `docs`.
    pub docs_server: u16,
    /// The servers behind the demos' pages, in their order.
    pub demo_servers: [u16; 4],
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            http: 8088,
            https: 8443,
            docs: 8000,
            admin: 8080,
            soap: 8001,
            graphql: 8002,
            chat: 8003,
            webhooks: 8004,
            forward: 3128,
            forward_admin: 5009,
            smtp: 2525,
            dns: 5300,
            backends: [5001, 5002, 5003],
            docs_server: 5008,
            demo_servers: [5011, 5012, 5013, 5014],
        }
    }
}

impl Ports {
    /// Ports that nobody has at this moment. All are held until the last is known, so they differ.
    pub fn free() -> Result<Self> {
        let held = (0..20)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<Vec<_>, _>>()
            .context("no free port on 127.0.0.1")?;
        let mut ports = held
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.port()));
        let mut next = || ports.next().expect("one was bound for each field");
        Ok(Self {
            http: next()?,
            https: next()?,
            docs: next()?,
            admin: next()?,
            soap: next()?,
            graphql: next()?,
            chat: next()?,
            webhooks: next()?,
            forward: next()?,
            forward_admin: next()?,
            smtp: next()?,
            dns: next()?,
            backends: [next()?, next()?, next()?],
            docs_server: next()?,
            demo_servers: [next()?, next()?, next()?, next()?],
        })
    }

    /// The ports that compose.yaml publishes, moved by the same variables. What stands behind the proxy has none.
    pub fn of_compose() -> Result<Self> {
        Ok(Self {
            http: from_environment("LAB_HTTP_PORT", 80)?,
            https: from_environment("LAB_HTTPS_PORT", 8443)?,
            docs: from_environment("LAB_DOCS_PORT", 8000)?,
            admin: from_environment("LAB_ADMIN_PORT", 8080)?,
            soap: from_environment("LAB_SOAP_PORT", 8001)?,
            graphql: from_environment("LAB_GRAPHQL_PORT", 8002)?,
            chat: from_environment("LAB_CHAT_PORT", 8003)?,
            webhooks: from_environment("LAB_WEBHOOK_PORT", 8004)?,
            forward: from_environment("LAB_FORWARD_PORT", 3128)?,
            smtp: from_environment("LAB_SMTP_PORT", 2525)?,
            dns: from_environment("LAB_DNS_PORT", 5300)?,
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
