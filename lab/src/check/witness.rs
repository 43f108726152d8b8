//! What the checks may ask: the main lab, and the status API in the few words that they need.
use anyhow::{Context, Result};
use reqwest::Client;
use serde::Deserialize;

use crate::health;
use crate::ports::Ports;

#[derive(Debug)]
pub(super) struct Witness {
    client: Client,
    main: String,
    status: String,
}

/// The part of /api/status that chapters talk about.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) generation: u64,
    pub(super) requests: u64,
    pub(super) upstreams: Vec<Upstream>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) peers: Vec<Peer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) why: Option<String>,
    pub(super) requests: u64,
    pub(super) fails: u64,
}

impl Witness {
    pub(super) fn new(ports: &Ports) -> Self {
        let main = format!("http://localhost:{}", ports.http);
        // The status API is published on 127.0.0.1 only, and localhost may be ::1 first.
        Self {
            client: health::client(),
            main: main.replace("localhost", "127.0.0.1"),
            status: health::status_url(ports),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<String> {
        health::text(&self.client, &format!("{}{path}", self.main)).await
    }

    /// The whole answer, whatever its status.
    pub(super) async fn answer(&self, path: &str) -> Result<reqwest::Response> {
        let url = format!("{}{path}", self.main);
        let answer = self.client.get(url).send().await;
        answer.with_context(|| format!("no answer from {path}"))
    }

    /// How the server of that name answers, to a request with one more header.
    pub(super) async fn status_of(
        &self,
        host: &str,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<u16> {
        let mut request = self.client.get(format!("{}{path}", self.main));
        request = request.header("Host", host);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("no answer from {host}{path}"))?;
        Ok(answer.status().as_u16())
    }

    /// What the backend saw of a request with this header.
    pub(super) async fn echo(&self, name: &str, value: &str) -> Result<String> {
        let url = format!("{}/echo", self.main);
        let answer = self
            .client
            .get(url)
            .header(name, value)
            .send()
            .await
            .context("no answer from /echo")?;
        Ok(answer.text().await?)
    }

    /// The `X-Request-ID` that a client is told, and the one that the backend saw, of one request.
    pub(super) async fn request_ids(&self) -> Result<(Option<String>, Option<String>)> {
        let url = format!("{}/echo", self.main);
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .context("no answer from /echo")?;
        let told = answer.headers().get("x-request-id");
        let told = told.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let seen = header(&answer.text().await?, "X-Request-ID").map(str::to_owned);
        Ok((told, seen))
    }

    /// What /metrics counts at the module's backends.
    pub(super) async fn counted_tries(&self) -> Result<u64> {
        let metrics = self.status.replace("/api/status", "/metrics");
        let text = health::text(&self.client, &metrics).await?;
        let counts = text.lines().filter_map(|line| {
            let (series, count) = line.rsplit_once(' ')?;
            let ours = series.starts_with("proxy_upstream_peer_requests_total{")
                && series.contains("peer=\"backend");
            ours.then(|| count.parse::<u64>().ok()).flatten()
        });
        Ok(counts.sum())
    }

    pub(super) async fn status(&self) -> Result<Status> {
        let value = health::json(&self.client, &self.status).await?;
        serde_json::from_value(value).context("the status API says something else than expected")
    }

    /// The servers' numbers that answer so many requests, one after the other.
    pub(super) async fn servers(&self, requests: usize) -> Result<Vec<u32>> {
        let mut numbers = Vec::with_capacity(requests);
        for _ in 0..requests {
            let answer = self.get("/").await?;
            let number = answer
                .trim_end()
                .trim_end_matches('!')
                .rsplit(' ')
                .next()
                .and_then(|id| id.parse().ok());
            numbers.push(number.with_context(|| format!("no server's greeting: {answer:?}"))?);
        }
        Ok(numbers)
    }
}

impl Status {
    /// The upstream of the module, whatever the student calls it: the one with the backends.
    pub(super) fn servers(&self) -> Result<&Upstream> {
        let named = |upstream: &&Upstream| {
            upstream
                .peers
                .iter()
                .any(|peer| peer.name.starts_with("backend"))
        };
        self.upstreams
            .iter()
            .find(named)
            .context("no upstream has the backends; look at proxy/conf/nginx.conf")
    }
}

/// The value of a header line in what /echo shows.
pub(super) fn header<'a>(echo: &'a str, name: &str) -> Option<&'a str> {
    echo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
