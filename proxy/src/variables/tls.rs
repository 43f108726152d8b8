//! The `$ssl_…` variables; without TLS there are none.

use super::Plain;
use crate::exchange::Exchange;
use crate::tls::{TlsInfo, subject};

impl Plain {
    pub(super) fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::SslAlpnProtocol
                | Self::SslCipher
                | Self::SslCiphers
                | Self::SslClientCert
                | Self::SslClientEscapedCert
                | Self::SslClientFingerprint
                | Self::SslClientIDn
                | Self::SslClientIDnLegacy
                | Self::SslClientRawCert
                | Self::SslClientSDn
                | Self::SslClientSDnLegacy
                | Self::SslClientSerial
                | Self::SslClientVEnd
                | Self::SslClientVRemain
                | Self::SslClientVStart
                | Self::SslClientVerify
                | Self::SslCurve
                | Self::SslCurves
                | Self::SslEarlyData
                | Self::SslProtocol
                | Self::SslServerName
                | Self::SslSessionId
                | Self::SslSessionReused
        )
    }
}

pub(super) fn value(variable: Plain, ex: &Exchange) -> Option<Vec<u8>> {
    let tls = ex.connection.security.tls()?;
    let text = match variable {
        Plain::SslProtocol => tls.protocol.to_owned(),
        Plain::SslCipher => tls.cipher.to_owned(),
        Plain::SslCiphers => tls.offered_ciphers.clone(),
        Plain::SslCurve => tls.curve.to_owned(),
        Plain::SslCurves => tls.offered_curves.clone(),
        Plain::SslServerName => tls.server_name.as_deref()?.to_owned(),
        Plain::SslSessionId => tls.session_id.clone(),
        Plain::SslSessionReused => if tls.reused { "r" } else { "." }.to_owned(),
        Plain::SslAlpnProtocol => return tls.alpn.clone(),
        Plain::SslClientVerify => verdict(tls),
        _ => return client(variable, tls).map(String::into_bytes),
    };
    Some(text.into_bytes())
}

fn verdict(tls: &TlsInfo) -> String {
    match tls.verdict {
        _ if tls.certificates.is_empty() => "NONE".to_owned(),
        Ok(()) => "SUCCESS".to_owned(),
        Err(why) => format!("FAILED:{why}"),
    }
}

fn client(variable: Plain, tls: &TlsInfo) -> Option<String> {
    let certificate = tls.certificates.first()?;
    match variable {
        // One field of a header: lines after the first are indented.
        Plain::SslClientCert => Some(subject::pem(certificate).trim_end().replace('\n', "\n\t")),
        Plain::SslClientRawCert => Some(subject::pem(certificate)),
        Plain::SslClientEscapedCert => Some(subject::escaped(certificate)),
        Plain::SslClientFingerprint => Some(subject::fingerprint(certificate)),
        Plain::SslClientSerial => subject::serial(certificate),
        Plain::SslClientSDn => subject::subject(certificate),
        Plain::SslClientSDnLegacy => subject::subject_legacy(certificate),
        Plain::SslClientIDn => subject::issuer(certificate),
        Plain::SslClientIDnLegacy => subject::issuer_legacy(certificate),
        Plain::SslClientVStart => subject::not_before(certificate),
        Plain::SslClientVEnd => subject::not_after(certificate),
        Plain::SslClientVRemain => subject::days_left(certificate),
        _ => None,
    }
}
