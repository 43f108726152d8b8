//! TLS on both sides: takes connections and what the configuration says of certificates, decides
//! by rustls and by our own reading of chains whom we talk to, hands on the same byte streams as
//! without it.
//!
//! As in nginx, a client's (or peer's) certificate is judged after the handshake, not in it: the
//! client gets an answer that says what was wrong, and `$ssl_client_verify` the reason.

pub(crate) mod chain;
pub(crate) mod ciphers;
pub(crate) mod client;
pub(crate) mod files;
mod host;
mod offered;
pub(crate) mod server;
mod sessions;
mod signatures;
mod stream;
pub(crate) mod subject;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

pub(crate) use client::UpstreamTls;
pub(crate) use server::{ServerTls, VerifyClient};
pub(crate) use sessions::{SessionCache, Sessions, Tickets};
pub(crate) use stream::TlsStream;

use crate::config::Server;

/// What is known of the TLS of a client's connection.
#[derive(Debug)]
pub(crate) struct TlsInfo {
    /// Chosen by the name in the handshake.
    pub(crate) server: Arc<Server>,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) protocol: &'static str,
    pub(crate) cipher: &'static str,
    pub(crate) curve: &'static str,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) reused: bool,
    /// 32 bytes that both ends of this session can derive, in hex.
    pub(crate) session_id: String,
    /// What the client offered, in OpenSSL's names.
    pub(crate) offered_ciphers: String,
    pub(crate) offered_curves: String,
    /// The client's certificate and what came with it.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) verdict: Result<(), chain::Refused>,
}

/// How a client's bytes reach us.
#[derive(Clone, Debug, Default)]
pub(crate) enum Security {
    #[default]
    Plain,
    /// Plain HTTP where TLS was expected: answered, with 400.
    PlainToTls,
    Tls(std::rc::Rc<TlsInfo>),
}

impl Security {
    pub(crate) fn tls(&self) -> Option<&TlsInfo> {
        match self {
            Self::Tls(info) => Some(info),
            Self::Plain | Self::PlainToTls => None,
        }
    }
}

/// The cryptography, with only these key exchanges and cipher suites where some are named.
fn provider(
    suites: Option<&[rustls::CipherSuite]>,
    groups: Option<&[rustls::NamedGroup]>,
) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    if let Some(wanted) = suites {
        let all = std::mem::take(&mut provider.cipher_suites);
        let named = wanted
            .iter()
            .filter_map(|name| all.iter().find(|suite| suite.suite() == *name));
        provider.cipher_suites = named.copied().collect();
    }
    if let Some(wanted) = groups {
        let all = std::mem::take(&mut provider.kx_groups);
        let named = wanted
            .iter()
            .filter_map(|name| all.iter().find(|group| group.name() == *name));
        provider.kx_groups = named.copied().collect();
    }
    Arc::new(provider)
}
