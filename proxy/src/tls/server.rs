//! The handshake with a client: takes a connection of an address with `ssl`, decides by the name
//! that the client asks for which server's certificate it gets, hands on what is inside.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::server::{Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CipherSuite, DistinguishedName, HandshakeKind, NamedGroup, ServerConfig, SignatureAlgorithm,
};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::LazyConfigAcceptor;

use super::chain::{self, Purpose, Trust};
use super::offered::Offered;
use super::sessions::{SessionCache, Tickets};
use super::signatures::AnyCertificate;
use super::{Security, TlsInfo, TlsStream, ciphers};
use crate::accept::ConnectionInfo;
use crate::config::{Level, Listen, Server};
use crate::http1::Stream;
use crate::log;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum VerifyClient {
    #[default]
    Off,
    On,
    Optional,
    OptionalNoCa,
}

/// The `ssl_…` settings of a server, ready for use.
#[derive(Debug)]
pub(crate) struct ServerTls {
    config: Arc<ServerConfig>,
    reject: bool,
    pub(crate) verify: VerifyClient,
    trust: Trust,
}

/// What a `ServerTls` is made of.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) identities: Vec<Arc<CertifiedKey>>,
    pub(crate) reject: bool,
    pub(crate) verify: VerifyClient,
    pub(crate) trust: Trust,
    /// Shown to clients that are asked for a certificate.
    pub(crate) hints: Vec<CertificateDer<'static>>,
    pub(crate) versions: Vec<&'static rustls::SupportedProtocolVersion>,
    pub(crate) suites: Option<Vec<CipherSuite>>,
    pub(crate) groups: Option<Vec<NamedGroup>>,
    pub(crate) prefer_server_ciphers: bool,
    pub(crate) cache: Option<Arc<SessionCache>>,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) http2: bool,
}

impl ServerTls {
    pub(crate) fn new(wanted: Wanted) -> Result<Self, rustls::Error> {
        let provider = super::provider(wanted.suites.as_deref(), wanted.groups.as_deref());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&wanted.versions)?;
        let builder = if wanted.verify == VerifyClient::Off {
            builder.with_no_client_auth()
        } else {
            let subject = |der: &CertificateDer<'_>| {
                let (_, read) = x509_parser::parse_x509_certificate(der).ok()?;
                Some(DistinguishedName::from(read.subject().as_raw().to_vec()))
            };
            let hints = wanted.hints.iter().filter_map(subject).collect();
            builder.with_client_cert_verifier(Arc::new(AnyCertificate::new(hints)))
        };
        let mut config = builder.with_cert_resolver(Arc::new(Identities(wanted.identities)));
        config.ignore_client_order = wanted.prefer_server_ciphers;
        match wanted.cache {
            Some(cache) => config.session_storage = cache,
            None => config.session_storage = Arc::new(NoServerSessionStorage {}),
        }
        if let Some(tickets) = wanted.tickets {
            config.ticketer = tickets;
        }
        let http1: [&[u8]; 3] = [b"http/1.1", b"http/1.0", b"http/0.9"];
        let http2: &[&[u8]] = if wanted.http2 { &[b"h2"] } else { &[] };
        config.alpn_protocols = http2
            .iter()
            .chain(&http1)
            .map(|name| name.to_vec())
            .collect();
        let (reject, verify, trust) = (wanted.reject, wanted.verify, wanted.trust);
        Ok(Self {
            config: Arc::new(config),
            reject,
            verify,
            trust,
        })
    }
}

/// The certificates of one server, at most one for each kind of key.
#[derive(Debug)]
struct Identities(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Identities {
    /// ECDSA before RSA, as it is cheaper, where the client can do both.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |identity: &&Arc<CertifiedKey>| {
            let ecdsa = identity.key.algorithm() != SignatureAlgorithm::RSA;
            identity
                .key
                .choose_scheme(hello.signature_schemes())
                .is_some()
                && hello
                    .cipher_suites()
                    .iter()
                    .any(|&suite| ciphers::goes_with(suite, ecdsa))
        };
        let rsa =
            |identity: &&Arc<CertifiedKey>| identity.key.algorithm() == SignatureAlgorithm::RSA;
        let mut fitting: Vec<_> = self.0.iter().filter(fits).collect();
        fitting.sort_by_key(|identity| rsa(identity));
        fitting.first().map(|identity| Arc::clone(identity))
    }
}

/// Why there is no connection; said in the error log.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("SSL_do_handshake() failed (SSL: {0}) while SSL handshaking")]
    Handshake(std::io::Error),
    #[error("client timed out while SSL handshaking")]
    TimedOut,
    #[error(
        "SSL_do_handshake() failed (SSL: error:0A0000EA:SSL routines::callback failed) while SSL handshaking"
    )]
    Rejected,
}

/// Brings the connection to where HTTP begins; `None` is its end.
pub(crate) async fn accept(
    listen: &Listen,
    stream: Stream,
    info: Rc<ConnectionInfo>,
) -> Option<(Stream, Rc<ConnectionInfo>)> {
    let deadline = Instant::now() + listen.servers.default_server().header_timeout;
    let opened = async {
        if stream.starts_like_http().await {
            return Ok((stream, Security::PlainToTls));
        }
        handshake(listen, stream).await
    };
    let opened = timeout_at(deadline, opened)
        .await
        .unwrap_or(Err(Failed::TimedOut));
    match opened {
        Ok((stream, security)) => Some((stream, Rc::new(info.secured(security)))),
        Err(why) => {
            let client = String::from_utf8_lossy(info.remote_ip());
            let text = format!(
                "*{} {why}, client: {client}, server: {}",
                info.serial, info.address
            );
            let log = &listen.servers.default_server().root.error_log;
            log::message(log, Level::Info, &text);
            None
        }
    }
}

// ANCHOR: handshake
async fn handshake(listen: &Listen, stream: Stream) -> Result<(Stream, Security), Failed> {
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
    let started = (&mut acceptor).await.map_err(Failed::Handshake)?;
    let hello = started.client_hello();
    let offered = Offered::read(&hello);
    let name = offered.name.as_deref().unwrap_or_default();
    let (named, _) = listen.servers.find(name.as_bytes());
    // A server without a certificate of its own answers with the default server's.
    let default = listen.servers.default_server();
    let tls = named
        .tls
        .as_ref()
        .or(default.tls.as_ref())
        .ok_or(Failed::Rejected)?;
    if tls.reject {
        refuse(started).await;
        return Err(Failed::Rejected);
    }
    let stream = started
        .into_stream(Arc::clone(&tls.config))
        .await
        .map_err(Failed::Handshake)?;
    let info = describe(&stream, named, tls, offered);
    let stream = Stream::Tls(Box::new(TlsStream::new(stream)));
    Ok((stream, Security::Tls(Rc::new(info))))
}
// ANCHOR_END: handshake

/// An alert says why, where closing would not.
async fn refuse(started: tokio_rustls::StartHandshake<Stream>) {
    use tokio::io::AsyncWriteExt as _;
    /// Fatal, unrecognized_name (RFC 6066 section 3).
    const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
    let mut io = started.io;
    let _ = io.write_all(&ALERT).await;
    let _ = io.shutdown().await;
}

fn describe(
    stream: &tokio_rustls::server::TlsStream<Stream>,
    server: &Arc<Server>,
    tls: &ServerTls,
    offered: Offered,
) -> TlsInfo {
    let (_, session) = stream.get_ref();
    let certificates: Vec<_> = session.peer_certificates().unwrap_or_default().to_vec();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let verdict = match certificates.as_slice() {
        [] => Ok(()),
        sent => chain::verify(sent, &tls.trust, Purpose::Client, now),
    };
    let secret = session.export_keying_material([0_u8; 32], b"EXPERIMENTAL session id", None);
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let suite = session.negotiated_cipher_suite();
    let group = session.negotiated_key_exchange_group();
    TlsInfo {
        server: Arc::clone(server),
        server_name: offered.name,
        protocol: ciphers::version_name(session.protocol_version()),
        cipher: suite
            .and_then(|suite| ciphers::suite_name(suite.suite()))
            .unwrap_or_default(),
        curve: group
            .and_then(|group| ciphers::group_name(group.name()))
            .unwrap_or_default(),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        reused: session.handshake_kind() == Some(HandshakeKind::Resumed),
        session_id: secret.map(hex).unwrap_or_default(),
        offered_ciphers: offered.ciphers,
        offered_curves: offered.curves,
        certificates,
        verdict,
    }
}
