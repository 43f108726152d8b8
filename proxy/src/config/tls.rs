//! `ssl_…`: the TLS of a server (ngx_http_ssl_module, 1.31).

use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::logs::Level;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::values;
use crate::tls::chain::Trust;
use crate::tls::files::{self, FileError};
use crate::tls::server::Wanted;
use crate::tls::{ServerTls, VerifyClient, ciphers};

/// nginx accepts the setting and so do we; what it would change has no counterpart in rustls.
const WITHOUT_EFFECT: [(&str, &str); 2] = [
    ("ssl_dhparam", "rustls has no finite field Diffie-Hellman"),
    ("ssl_early_data", "early data is never accepted"),
];

/// `None` where there is neither a certificate nor `ssl_reject_handshake`.
pub(super) fn parse(scope: &Scope<'_>, loader: &Loader) -> Result<Option<ServerTls>, ConfigError> {
    let reject = scope.flag("ssl_reject_handshake", false)?;
    let certificates = scope.all("ssl_certificate");
    if certificates.is_empty() && !reject {
        return Ok(None);
    }
    for (name, why) in WITHOUT_EFFECT {
        if let Some(directive) = scope.find(name).filter(|d| d.args[0].text != "off") {
            loader.warn(directive, &format!("\"{name}\" has no effect: {why}"));
        }
    }
    let lifetime = scope.time("ssl_session_timeout", Duration::from_secs(300))?;
    let verify = verify_client(scope)?;
    let client = bundle(scope, "ssl_client_certificate", loader)?;
    let trusted = bundle(scope, "ssl_trusted_certificate", loader)?;
    if verify != VerifyClient::Off
        && verify != VerifyClient::OptionalNoCa
        && client.is_empty()
        && trusted.is_empty()
    {
        let message = "no ssl_client_certificate for ssl_verify_client";
        return Err(ConfigError::new(message));
    }
    let cache = session_cache(scope, loader, lifetime)?;
    let tickets = scope.flag("ssl_session_tickets", true)?;
    let wanted = Wanted {
        identities: identities(scope, &certificates, loader)?,
        reject,
        verify,
        hints: client.clone(),
        trust: Trust {
            anchors: client.into_iter().chain(trusted).collect(),
            revocations: revocations(scope, "ssl_crl", loader)?,
            depth: scope.number("ssl_verify_depth", 1)?,
        },
        versions: versions(scope, "ssl_protocols", loader)?,
        suites: suites(scope, "ssl_ciphers")?,
        groups: groups(scope, loader)?,
        prefer_server_ciphers: scope.flag("ssl_prefer_server_ciphers", false)?,
        cache,
        tickets: if tickets {
            Some(ticket_keys(scope, loader, lifetime)?)
        } else {
            None
        },
        http2: wants_http2(scope)?,
    };
    let built = ServerTls::new(wanted);
    built
        .map(Some)
        .map_err(|why| ConfigError::new(format!("TLS can't be set up: {why}")))
}

/// By `http2 on`, or by the older word behind one of the server's addresses.
pub(super) fn wants_http2(scope: &Scope<'_>) -> Result<bool, ConfigError> {
    let listens = |line: &Directive| line.args.iter().skip(1).any(|arg| arg.text == "http2");
    Ok(scope.flag("http2", false)? || scope.here("listen").any(listens))
}

fn verify_client(scope: &Scope<'_>) -> Result<VerifyClient, ConfigError> {
    let Some(directive) = scope.find("ssl_verify_client") else {
        return Ok(VerifyClient::Off);
    };
    let arg = values::only(directive)?;
    match arg.text.as_str() {
        "off" => Ok(VerifyClient::Off),
        "on" => Ok(VerifyClient::On),
        "optional" => Ok(VerifyClient::Optional),
        "optional_no_ca" => Ok(VerifyClient::OptionalNoCa),
        other => Err(arg.error(format!("invalid value \"{other}\""))),
    }
}

fn cannot(what: &str, arg: &Arg, why: &FileError) -> ConfigError {
    arg.error(format!("cannot load {what} \"{}\": {why}", arg.text))
}

type Certificates = Vec<rustls::pki_types::CertificateDer<'static>>;

/// The certificates of a file that a directive names; none where it is not there, or empty.
pub(super) fn bundle(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Certificates, ConfigError> {
    match scope.find(name).map(values::only).transpose()? {
        Some(arg) if !arg.text.is_empty() => files::certificates(&loader.path(&arg.text))
            .map_err(|why| cannot("certificate", arg, &why)),
        _ => Ok(Vec::new()),
    }
}

pub(super) fn revocations(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<Vec<u8>>, ConfigError> {
    match scope.find(name).map(values::only).transpose()? {
        Some(arg) if !arg.text.is_empty() => {
            files::revocation_lists(&loader.path(&arg.text)).map_err(|why| cannot("CRL", arg, &why))
        }
        _ => Ok(Vec::new()),
    }
}

pub(super) fn passwords(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<Vec<u8>>, ConfigError> {
    match scope.find(name).map(values::only).transpose()? {
        Some(arg) => {
            files::passwords(&loader.path(&arg.text)).map_err(|why| cannot("passwords", arg, &why))
        }
        None => Ok(Vec::new()),
    }
}

fn identities(
    scope: &Scope<'_>,
    certificates: &[&Directive],
    loader: &Loader,
) -> Result<Vec<Arc<rustls::sign::CertifiedKey>>, ConfigError> {
    let keys = scope.all("ssl_certificate_key");
    let passwords = passwords(scope, "ssl_password_file", loader)?;
    let staple = stapled(scope, loader)?;
    let mut identities = Vec::new();
    for (index, certificate) in certificates.iter().enumerate() {
        let arg = values::only(certificate)?;
        let Some(key) = keys.get(index) else {
            return Err(arg.error(format!(
                "no \"ssl_certificate_key\" is defined for certificate \"{}\"",
                arg.text
            )));
        };
        let key = values::only(key)?;
        if let Some(variable) = [arg, key].into_iter().find(|arg| arg.text.contains('$')) {
            return Err(variable.error(
                "variables in the path of a certificate are not implemented by this proxy",
            ));
        }
        let mut identity =
            files::identity(&loader.path(&arg.text), &loader.path(&key.text), &passwords).map_err(
                |(chain, why)| match chain {
                    true => cannot("certificate", arg, &why),
                    false => cannot("certificate key", key, &why),
                },
            )?;
        if let (Some(staple), Some(identity)) = (&staple, Arc::get_mut(&mut identity)) {
            identity.ocsp = Some(staple.clone());
        }
        identities.push(identity);
    }
    Ok(identities)
}

/// `ssl_stapling_file`: an answer of the authority, sent along. Nobody is asked for one.
fn stapled(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Vec<u8>>, ConfigError> {
    let on = scope.find("ssl_stapling");
    if !scope.flag("ssl_stapling", false)? {
        return Ok(None);
    }
    let Some(directive) = scope.find("ssl_stapling_file") else {
        if let Some(directive) = on {
            loader.warn(
                directive,
                "\"ssl_stapling\" ignored: only \"ssl_stapling_file\" is implemented by this proxy",
            );
        }
        return Ok(None);
    };
    let arg = values::only(directive)?;
    let read = std::fs::read(loader.path(&arg.text));
    read.map(Some)
        .map_err(|why| cannot("stapling file", arg, &why.into()))
}

pub(super) fn versions(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<&'static rustls::SupportedProtocolVersion>, ConfigError> {
    let (v12, v13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    let directives = scope.all(name);
    if directives.is_empty() {
        return Ok(vec![v13, v12]);
    }
    let mut versions = Vec::new();
    for arg in directives.iter().flat_map(|directive| &directive.args) {
        match arg.text.as_str() {
            "TLSv1.3" => versions.push(v13),
            "TLSv1.2" => versions.push(v12),
            old @ ("SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1") => {
                loader.warn(
                    directives[0],
                    &format!("\"{old}\" is not offered: it is not secure"),
                );
            }
            other => return Err(arg.error(format!("invalid value \"{other}\""))),
        }
    }
    if versions.is_empty() {
        return Err(directives[0].error(format!("\"{name}\" leaves neither TLSv1.2 nor TLSv1.3")));
    }
    Ok(versions)
}

pub(super) fn suites(
    scope: &Scope<'_>,
    name: &'static str,
) -> Result<Option<Vec<rustls::CipherSuite>>, ConfigError> {
    let Some(directive) = scope.find(name) else {
        return Ok(None);
    };
    let arg = values::only(directive)?;
    let chosen = ciphers::select(&arg.text);
    chosen.map(Some).ok_or_else(|| {
        let text = &arg.text;
        arg.error(format!(
            "SSL_CTX_set_cipher_list(\"{text}\") failed (no cipher match among those of rustls)"
        ))
    })
}

fn groups(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Vec<rustls::NamedGroup>>, ConfigError> {
    let Some(directive) = scope.find("ssl_ecdh_curve") else {
        return Ok(None);
    };
    let text = &values::only(directive)?.text;
    if text == "auto" {
        return Ok(None);
    }
    let mut groups = Vec::new();
    for name in text.split(':') {
        match ciphers::group(name) {
            Some(group) => groups.push(group),
            None => loader.warn(
                directive,
                &format!("curve \"{name}\" is not offered: rustls does not have it"),
            ),
        }
    }
    if groups.is_empty() {
        return Err(directive.error(format!("SSL_CTX_set1_curves_list(\"{text}\") failed")));
    }
    Ok(Some(groups))
}

/// `off`, `none`, `builtin[:sessions]`, `shared:name:size`.
fn session_cache(
    scope: &Scope<'_>,
    loader: &Loader,
    lifetime: Duration,
) -> Result<Option<Arc<crate::tls::SessionCache>>, ConfigError> {
    let mut cache = None;
    for arg in scope
        .all("ssl_session_cache")
        .iter()
        .flat_map(|directive| &directive.args)
    {
        let invalid = || arg.error(format!("invalid session cache \"{}\"", arg.text));
        let parts: Vec<_> = arg.text.split(':').collect();
        match parts.as_slice() {
            ["off" | "none"] => cache = None,
            ["builtin"] => cache = Some(loader.options.sessions.cache("", 20480 * 256, lifetime)),
            ["builtin", count] => {
                let count: u64 = count.parse().map_err(|_| invalid())?;
                cache = Some(loader.options.sessions.cache(
                    "",
                    count.saturating_mul(256),
                    lifetime,
                ));
            }
            ["shared", name, size] if !name.is_empty() => {
                let size = values::parse_size(size)
                    .filter(|&size| size >= 4096 * 8)
                    .ok_or_else(invalid)?;
                cache = Some(loader.options.sessions.cache(name, size, lifetime));
            }
            _ => return Err(invalid()),
        }
    }
    Ok(cache)
}

fn ticket_keys(
    scope: &Scope<'_>,
    loader: &Loader,
    lifetime: Duration,
) -> Result<Arc<crate::tls::Tickets>, ConfigError> {
    let directives = scope.all("ssl_session_ticket_key");
    if directives.is_empty() {
        return Ok(loader.options.sessions.tickets(lifetime));
    }
    let mut keys = Vec::new();
    for directive in &directives {
        let arg = values::only(directive)?;
        let path = loader.path(&arg.text);
        let key = std::fs::read(&path)
            .map_err(|why| arg.error(format!("open() \"{}\" failed ({why})", path.display())))?;
        if !matches!(key.len(), 48 | 80) {
            return Err(arg.error(format!("\"{}\" must be 48 or 80 bytes", path.display())));
        }
        keys.push(key);
    }
    let tickets = crate::tls::Tickets::with_keys(&keys, lifetime);
    tickets
        .map(Arc::new)
        .ok_or_else(|| directives[0].error("invalid ticket key"))
}

impl Loader {
    /// Says at which line something was asked for that does nothing.
    pub(super) fn warn(&self, directive: &Directive, text: &str) {
        let text = directive.error(text).to_string();
        crate::log::message(&self.default_error_log, Level::Warn, &text);
    }
}
