//! `proxy_ssl_…`: TLS to the peers.

use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;
use crate::config::{tls, values};
use crate::tls::chain::Trust;
use crate::tls::client::Wanted;
use crate::tls::{UpstreamTls, files};

/// What a connection to a peer by https needs.
#[derive(Debug)]
pub(crate) struct PeerTls {
    pub(crate) settings: Arc<UpstreamTls>,
    /// `proxy_ssl_name`; else the host of `proxy_pass`.
    pub(crate) name: Option<Template>,
}

pub(super) fn parse(scope: &Scope<'_>, loader: &Loader) -> Result<PeerTls, ConfigError> {
    let trust = if scope.flag("proxy_ssl_verify", false)? {
        let anchors = tls::bundle(scope, "proxy_ssl_trusted_certificate", loader)?;
        if anchors.is_empty() {
            return Err(ConfigError::new(
                "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
            ));
        }
        Some(Trust {
            anchors,
            revocations: tls::revocations(scope, "proxy_ssl_crl", loader)?,
            depth: scope.number("proxy_ssl_verify_depth", 1)?,
        })
    } else {
        None
    };
    let wanted = Wanted {
        trust,
        identity: identity(scope, loader)?,
        versions: tls::versions(scope, "proxy_ssl_protocols", loader)?,
        suites: tls::suites(scope, "proxy_ssl_ciphers")?,
        send_name: scope.flag("proxy_ssl_server_name", false)?,
        reuse: scope.flag("proxy_ssl_session_reuse", true)?,
    };
    let settings = UpstreamTls::new(wanted)
        .map_err(|why| ConfigError::new(format!("TLS to upstreams can't be set up: {why}")))?;
    let name = scope.find("proxy_ssl_name");
    let name = name
        .map(|d| loader.template(values::only(d)?))
        .transpose()?;
    Ok(PeerTls {
        settings: Arc::new(settings),
        name,
    })
}

/// The certificate that we show to peers; an empty path is none.
fn identity(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Arc<CertifiedKey>>, ConfigError> {
    let chain = tls::bundle(scope, "proxy_ssl_certificate", loader)?;
    if chain.is_empty() {
        return Ok(None);
    }
    let key = scope
        .find("proxy_ssl_certificate_key")
        .map(values::only)
        .transpose()?;
    let key = key.ok_or_else(|| {
        ConfigError::new(
            "no \"proxy_ssl_certificate_key\" is defined for \"proxy_ssl_certificate\"",
        )
    })?;
    let passwords = tls::passwords(scope, "proxy_ssl_password_file", loader)?;
    let read = files::private_key(&loader.path(&key.text), &passwords);
    let pair = read.and_then(|read| files::pair(chain, &read));
    pair.map(|pair| Some(Arc::new(pair))).map_err(|why| {
        key.error(format!(
            "cannot load certificate key \"{}\": {why}",
            key.text
        ))
    })
}
