//! `proxy_ssl_…`: TLS to the peers.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use lru::LruCache;
use rustls::sign::CertifiedKey;

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;
use crate::config::{tls, values};
use crate::exchange::Exchange;
use crate::tls::chain::Trust;
use crate::tls::client::Wanted;
use crate::tls::{UpstreamTls, files};

/// What a connection to a peer by https needs.
#[derive(Debug)]
pub(crate) struct PeerTls {
    pub(crate) settings: Arc<UpstreamTls>,
    /// Where a request names the certificate that we show.
    chosen: Option<Box<ChosenIdentity>>,
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
    let chosen = ChosenIdentity::parse(scope, loader)?;
    let wanted = Wanted {
        trust,
        identity: if chosen.is_none() {
            identity(scope, loader)?
        } else {
            None
        },
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
        chosen: chosen.map(Box::new),
        name,
    })
}

/// Certificates that are remembered, of one location.
const MOST: NonZeroUsize = NonZeroUsize::new(64).expect("it is not 0");
/// The certificate's file and the key's, and when each was changed.
type Files = [(PathBuf, Option<SystemTime>); 2];

/// `proxy_ssl_certificate` and its key with variables: read when a request needs them, and again when they have changed.
#[derive(Debug)]
struct ChosenIdentity {
    certificate: Template,
    key: Template,
    passwords: Vec<Vec<u8>>,
    prefix: PathBuf,
    known: Mutex<LruCache<Files, Arc<UpstreamTls>>>,
}

impl ChosenIdentity {
    /// `None`: there are no variables in it.
    fn parse(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Self>, ConfigError> {
        let path = |name| scope.find(name).map(values::only).transpose();
        let certificate = path("proxy_ssl_certificate")?;
        let key = path("proxy_ssl_certificate_key")?;
        let (Some(certificate), Some(key)) = (certificate, key) else {
            return Ok(None);
        };
        if !certificate.text.contains('$') && !key.text.contains('$') {
            return Ok(None);
        }
        Ok(Some(Self {
            certificate: loader.template(certificate)?,
            key: loader.template(key)?,
            passwords: tls::passwords(scope, "proxy_ssl_password_file", loader)?,
            prefix: loader.prefix().to_owned(),
            known: Mutex::new(LruCache::new(MOST)),
        }))
    }

    fn file(&self, path: &[u8]) -> (PathBuf, Option<SystemTime>) {
        let path = self.prefix.join(OsStr::from_bytes(path));
        let changed = std::fs::metadata(&path).and_then(|about| about.modified());
        (path, changed.ok())
    }
}

impl PeerTls {
    /// How to shake hands for this request. An empty path is no certificate.
    pub(crate) fn for_request(&self, ex: &Exchange) -> Result<Arc<UpstreamTls>, String> {
        let Some(chosen) = &self.chosen else {
            return Ok(Arc::clone(&self.settings));
        };
        let certificate = chosen.certificate.evaluate(ex);
        if certificate.is_empty() {
            return Ok(Arc::clone(&self.settings));
        }
        let files = [
            chosen.file(&certificate),
            chosen.file(&chosen.key.evaluate(ex)),
        ];
        let mut known = chosen.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known.get(&files) {
            return Ok(Arc::clone(made));
        }
        let [(certificate, _), (key, _)] = &files;
        let identity = files::identity(certificate, key, &chosen.passwords);
        let identity = identity.map_err(|(of_certificate, why)| {
            let path = if of_certificate { certificate } else { key };
            format!(
                "cannot load certificate or key \"{}\": {why}",
                path.display()
            )
        })?;
        let made = Arc::new(self.settings.with_identity(identity));
        known.put(files, Arc::clone(&made));
        Ok(made)
    }
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
