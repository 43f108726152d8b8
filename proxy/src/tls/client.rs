//! The handshake with a peer (`proxy_pass https://…`): takes a connection and the name that the
//! peer should have, decides whether it is the right one, hands on what is inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::client::{ClientSessionMemoryCache, Resumption};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ClientConfig};
use tokio_rustls::TlsConnector;

use super::chain::{self, Purpose, Trust};
use super::signatures::AnyCertificate;
use super::{TlsStream, host};
use crate::http1::Stream;

/// The `proxy_ssl_…` settings of a location, ready for use.
#[derive(Debug)]
pub(crate) struct UpstreamTls {
    /// Unlike any other of this process: connections made by other settings are other connections.
    pub(crate) id: u64,
    config: Arc<ClientConfig>,
    /// `proxy_ssl_verify on`.
    trust: Option<Arc<Trust>>,
    reuse: bool,
}

/// What an `UpstreamTls` is made of.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) trust: Option<Trust>,
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) versions: Vec<&'static rustls::SupportedProtocolVersion>,
    pub(crate) suites: Option<Vec<CipherSuite>>,
    pub(crate) send_name: bool,
    pub(crate) reuse: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerRefused {
    #[error("SSL_do_handshake() failed (SSL: {0}) while SSL handshaking to upstream")]
    Handshake(#[from] std::io::Error),
    #[error("upstream SSL certificate verify error: ({}:{}) while SSL handshaking to upstream", .0.code, .0.words)]
    Chain(chain::Refused),
    #[error("upstream SSL certificate does not match \"{0}\" while SSL handshaking to upstream")]
    Name(String),
}

impl UpstreamTls {
    pub(crate) fn new(wanted: Wanted) -> Result<Self, rustls::Error> {
        let provider = super::provider(wanted.suites.as_deref(), None);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&wanted.versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(Vec::new())));
        let mut config = match wanted.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = wanted.send_name;
        let trust = wanted.trust.map(Arc::new);
        Ok(Self::with(config, trust, wanted.reuse))
    }

    fn with(mut config: ClientConfig, trust: Option<Arc<Trust>>, reuse: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        config.resumption = if reuse {
            Resumption::store(Arc::new(ClientSessionMemoryCache::new(256)))
        } else {
            Resumption::disabled()
        };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            config: Arc::new(config),
            trust,
            reuse,
        }
    }

    /// The same, showing another certificate to the peer; sessions are its own.
    pub(crate) fn with_identity(&self, identity: Arc<CertifiedKey>) -> Self {
        let mut config = (*self.config).clone();
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
        Self::with(config, self.trust.clone(), self.reuse)
    }

    /// Shakes hands with the peer, then looks at who it is, as nginx does.
    pub(crate) async fn connect(&self, stream: Stream, name: &str) -> Result<Stream, PeerRefused> {
        // What is no name can't be sent either: an address stands in for it, which never is.
        let sent = ServerName::try_from(name.to_owned())
            .unwrap_or_else(|_| ServerName::from(std::net::Ipv4Addr::UNSPECIFIED));
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(sent, stream).await?;
        if let Some(trust) = &self.trust {
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            check(certificates, trust, name)?;
        }
        Ok(Stream::Tls(Box::new(TlsStream::new(stream))))
    }
}

fn check(sent: &[CertificateDer<'_>], trust: &Trust, name: &str) -> Result<(), PeerRefused> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    chain::verify(sent, trust, Purpose::Server, now).map_err(PeerRefused::Chain)?;
    let leaf = sent
        .first()
        .and_then(|der| x509_parser::parse_x509_certificate(der).ok());
    match leaf {
        Some((_, leaf)) if host::matches(&leaf, name) => Ok(()),
        _ => Err(PeerRefused::Name(name.to_owned())),
    }
}
