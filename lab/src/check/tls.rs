//! Chapter 8: TLS ends at the proxy. Asked over TLS by rustls, trusting the lab's own authority and nobody else.
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Finding;
use crate::place::Place;
use crate::ports::Ports;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn look(place: &Place, ports: &Ports) -> Result<Vec<Finding>> {
    let asked = async {
        let mut stream = connect(place, ports, &[b"http/1.1"]).await?;
        ask(&mut stream, "localhost", "/echo").await
    };
    let secure = tokio::time::timeout(PATIENCE, asked).await?;
    let agreed = async {
        let stream = connect(place, ports, &[b"h2", b"http/1.1"]).await?;
        Ok::<_, anyhow::Error>(stream.get_ref().1.alpn_protocol() == Some(&b"h2"[..]))
    };
    let http2 = tokio::time::timeout(PATIENCE, agreed).await?;
    let plain = async {
        let mut stream = TcpStream::connect(("127.0.0.1", ports.http)).await?;
        ask(&mut stream, "secure.localhost", "/a?b").await
    };
    let plain = tokio::time::timeout(PATIENCE, plain)
        .await?
        .unwrap_or_default();
    let why = secure
        .as_ref()
        .err()
        .map_or_else(String::new, |why| format!("{why:#}; "));
    let text = secure.unwrap_or_default();
    let lower = text.to_lowercase();
    Ok(vec![
        Finding::new(
            !text.is_empty(),
            "https://localhost answers, with a certificate of the lab's authority",
            format!("{why}`cargo lab ca`, then a server with `listen 443 ssl`"),
        ),
        Finding::new(
            text.contains("X-Forwarded-Proto: https"),
            "the backend is spoken to in plain text, and told that the client was not",
            "proxy_set_header X-Forwarded-Proto $scheme;",
        ),
        Finding::new(
            lower.contains("strict-transport-security: max-age="),
            "browsers are told to come by https only (HSTS)",
            "add_header Strict-Transport-Security max-age=300 always;",
        ),
        Finding::new(
            http2.unwrap_or(false),
            "HTTP/2 is agreed on in the handshake (ALPN)",
            "http2 on;",
        ),
        Finding::new(
            plain.starts_with("HTTP/1.1 301") && plain.contains("https://secure.localhost"),
            "who comes to secure.localhost in plain text is sent to https",
            "return 301 https://$host:8443$request_uri;",
        ),
    ])
}

async fn connect(place: &Place, ports: &Ports, alpn: &[&[u8]]) -> Result<TlsStream<TcpStream>> {
    let path = place.conf.join("tls/ca.crt");
    let authority = CertificateDer::from_pem_file(&path)
        .with_context(|| format!("no authority in {}", path.display()))?;
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", ports.https)).await?;
    let name = ServerName::try_from("localhost")?;
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?)
}

/// The whole answer, head and body.
async fn ask<S>(stream: &mut S, host: &str, path: &str) -> Result<String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
