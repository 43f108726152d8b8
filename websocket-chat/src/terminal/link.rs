//! The terminal client's connection: address, upgrade, and how long to wait before the next try.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};

use crate::protocol::SUBPROTOCOL;

/// How long connecting and the upgrade may take together.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause, doubled with each try up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// `ws://HOST[:PORT]/PATH`; the lab has no TLS in front of the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    host: String,
    port: u16,
    uri: Uri,
}

/// Why an address is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address like ws://localhost:8003/chat")]
pub(crate) struct NotAnAddress;

impl FromStr for Url {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let uri: Uri = text.parse().map_err(|_| NotAnAddress)?;
        let host = uri.host().ok_or(NotAnAddress)?;
        if uri.scheme_str() != Some("ws") {
            return Err(NotAnAddress);
        }
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            uri,
        })
    }
}

/// An upgraded connection.
pub(super) type Link = WebSocketStream<TcpStream>;

/// Connects and upgrades.
pub(super) async fn open(url: &Url) -> anyhow::Result<Link> {
    let upgraded = timeout(PATIENCE, async {
        let stream = TcpStream::connect((url.host.as_str(), url.port))
            .await
            .with_context(|| format!("{} does not answer", url.uri))?;
        stream.set_nodelay(true)?;
        let mut request = url.uri.clone().into_client_request()?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (link, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .with_context(|| format!("{} is no chat", url.uri))?;
        anyhow::Ok(link)
    });
    upgraded.await.context("connecting takes too long")?
}

/// Exponential, and anywhere between half and all of it: else all who were cut together come back together.
pub(super) fn pause(tries: u32) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(1 << tries.min(10))
        .min(LONGEST_PAUSE);
    // The clock's lowest digits are as good as dice for this.
    let dice = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_micros() % 1000);
    whole / 2 + whole / 2 * dice / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_host_and_port() {
        let cases = [
            ("ws://localhost:8003/chat", "localhost", 8003),
            ("ws://[::1]:80/chat", "::1", 80),
            ("ws://chat.test/chat", "chat.test", 80),
        ];
        for (text, host, port) in cases {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.host.as_str(), url.port), (host, port), "{text}");
        }
        for text in ["http://localhost/", "wss://localhost/", "", "/chat"] {
            assert_eq!(text.parse::<Url>(), Err(NotAnAddress), "{text}");
        }
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        for tries in 0..40 {
            let whole = FIRST_PAUSE
                .saturating_mul(1 << tries.min(10))
                .min(LONGEST_PAUSE);
            let pause = pause(tries);
            assert!(pause >= whole / 2 && pause <= whole, "{tries}: {pause:?}");
        }
    }
}
