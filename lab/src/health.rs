//! Asking the lab over HTTP: is a service well, and what does its JSON say. Never through a proxy of the environment.
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;

use crate::ports::Ports;
use crate::services::Service;

/// A client that gives up soon and ignores `http_proxy`.
pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(3))
        .build()
        .expect("no TLS and no system proxy: nothing can be missing")
}

/// Why a service is not well, if it isn't.
pub async fn ailment(client: &Client, service: &Service, ports: &Ports) -> Option<String> {
    match client.get(service.health_url(ports)).send().await {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(format!("{} answers {}", service.health, answer.status())),
        Err(error) if error.is_connect() => Some("nobody listens".to_owned()),
        Err(error) if error.is_timeout() => Some("no answer within 3 s".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// The body of a GET, whatever the status.
pub async fn text(client: &Client, url: &str) -> Result<String> {
    let answer = client
        .get(url)
        .send()
        .await
        .with_context(|| format!("no answer from {url}"))?;
    answer
        .text()
        .await
        .with_context(|| format!("{url} broke off"))
}

/// The body of a GET as JSON.
pub async fn json(client: &Client, url: &str) -> Result<Value> {
    let body = text(client, url).await?;
    serde_json::from_str(&body).with_context(|| format!("{url} does not answer JSON"))
}

/// The proxy's status API.
pub fn status_url(ports: &Ports) -> String {
    format!("http://127.0.0.1:{}/api/status", ports.admin)
}
