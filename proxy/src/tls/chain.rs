//! Whether a certificate leads to one that we trust (RFC 5280 section 6), in OpenSSL's words.
//!
//! rustls brings a verifier (webpki), but it refuses what administrators have used with nginx for
//! decades: a self-signed certificate that is itself trusted, an old certificate without
//! extensions. So the walk is ours, with the signatures checked by ring. What this walk does not
//! understand (name constraints, unknown critical extensions) it refuses.

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

/// OpenSSL's number and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Refused {
    pub(crate) code: u8,
    pub(crate) words: &'static str,
}

macro_rules! reasons {
    ($($name:ident = $code:literal $words:literal;)+) => {
        $(const $name: Refused = Refused { code: $code, words: $words };)+
    };
}

reasons! {
    NO_CRL = 3 "unable to get certificate CRL";
    BAD_CRL = 8 "CRL signature failure";
    NOT_YET = 9 "certificate is not yet valid";
    EXPIRED = 10 "certificate has expired";
    CRL_NOT_YET = 11 "CRL is not yet valid";
    CRL_EXPIRED = 12 "CRL has expired";
    UNREADABLE = 13 "format error in certificate's notBefore field";
    SELF_SIGNED = 18 "self-signed certificate";
    SELF_SIGNED_IN_CHAIN = 19 "self-signed certificate in certificate chain";
    NO_ISSUER = 20 "unable to get local issuer certificate";
    NOT_FIRST = 21 "unable to verify the first certificate";
    TOO_LONG = 22 "certificate chain too long";
    REVOKED = 23 "certificate revoked";
    PATH_LENGTH = 25 "path length constraint exceeded";
    PURPOSE = 26 "unsuitable certificate purpose";
    NO_CRL_SIGN = 35 "key usage does not include CRL signing";
    CRITICAL_CRL = 36 "unhandled critical CRL extension";
    INVALID_CA = 79 "invalid CA certificate";
    CRITICAL = 34 "unhandled critical extension";
}

impl Refused {
    /// Errors that `optional_no_ca` lets pass: somebody else is to judge the chain.
    pub(crate) fn is_about_trust(self) -> bool {
        matches!(self.code, 18..=21 | 2 | 27)
    }
}

/// Whom we trust, and how far.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    pub(crate) anchors: Vec<CertificateDer<'static>>,
    pub(crate) revocations: Vec<Vec<u8>>,
    /// Certificates between the first and the trusted one.
    pub(crate) depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Client,
    Server,
}

/// Signatures that one check may cost: chains of cross-signed certificates branch.
const MOST_SIGNATURES: usize = 64;
/// More than this sends nobody who has a chain.
const MOST_SENT: usize = 32;

/// Walks from the first certificate of `sent` to a trusted self-signed one.
pub(crate) fn verify(
    sent: &[CertificateDer<'_>],
    trust: &Trust,
    purpose: Purpose,
    now: i64,
) -> Result<(), Refused> {
    let read = |der| {
        X509Certificate::from_der(der)
            .map(|(_, read)| read)
            .map_err(|_| UNREADABLE)
    };
    if sent.len() > MOST_SENT {
        return Err(TOO_LONG);
    }
    let now = ASN1Time::from_timestamp(now).map_err(|_| UNREADABLE)?;
    let sent: Vec<_> = sent
        .iter()
        .map(|der| read(&**der))
        .collect::<Result<_, _>>()?;
    let anchors: Vec<_> = trust
        .anchors
        .iter()
        .filter_map(|der| read(der).ok())
        .collect();
    let leaf = sent.first().ok_or(NO_ISSUER)?;
    check_usage(leaf, purpose)?;
    check_purpose(leaf, purpose)?;
    let mut walk = Walk {
        anchors: &anchors,
        sent: &sent[1..],
        trust,
        purpose,
        now,
        signatures_left: MOST_SIGNATURES,
    };
    walk.go_on(&mut vec![leaf])
}

/// The search for a way to a trusted certificate.
struct Walk<'a, 'der> {
    anchors: &'a [X509Certificate<'der>],
    sent: &'a [X509Certificate<'der>],
    trust: &'a Trust,
    purpose: Purpose,
    now: ASN1Time,
    signatures_left: usize,
}

impl<'a, 'der> Walk<'a, 'der> {
    /// Goes on from the path's end. Where two certificates could be the issuer (one is expired, say,
    /// and the other cross-signed), both are tried. If neither is good, the reason is told of one that led to somebody trusted.
    fn go_on(&mut self, path: &mut Vec<&'a X509Certificate<'der>>) -> Result<(), Refused> {
        let current = path[path.len() - 1];
        let trusted = self
            .anchors
            .iter()
            .any(|anchor| anchor.as_raw() == current.as_raw());
        let selfmade = self.issued(current, current)?;
        if selfmade && trusted {
            check_path(path, self.purpose, self.now)?;
            return check_revocation(path, &self.trust.revocations, self.now);
        }
        let (anchors, sent) = (self.anchors, self.sent);
        let mut refused = None;
        for candidate in anchors.iter().chain(sent) {
            let seen = path.iter().any(|seen| seen.as_raw() == candidate.as_raw());
            if seen || !self.issued(current, candidate)? {
                continue;
            }
            if path.len() > self.trust.depth.saturating_add(1) {
                return Err(refused.unwrap_or(TOO_LONG));
            }
            path.push(candidate);
            match self.go_on(path) {
                Ok(()) => return Ok(()),
                Err(why) if refused.is_none_or(Refused::is_about_trust) => refused = Some(why),
                Err(_) => {}
            }
            path.pop();
        }
        Err(refused.unwrap_or(match (selfmade, path.len()) {
            (true, 1) => SELF_SIGNED,
            (true, _) => SELF_SIGNED_IN_CHAIN,
            (false, 1) => NOT_FIRST,
            (false, _) => NO_ISSUER,
        }))
    }

    /// By name and by signature.
    fn issued(
        &mut self,
        subject: &X509Certificate<'_>,
        issuer: &X509Certificate<'_>,
    ) -> Result<bool, Refused> {
        // What is signed has to name the same algorithm as the signature (RFC 5280 section 4.1.1.2).
        if subject.issuer().as_raw() != issuer.subject().as_raw()
            || subject.signature_algorithm != subject.tbs_certificate.signature
        {
            return Ok(false);
        }
        self.signatures_left = self.signatures_left.checked_sub(1).ok_or(TOO_LONG)?;
        Ok(subject.verify_signature(Some(issuer.public_key())).is_ok())
    }
}

/// What the key of the first certificate may do: sign, or agree on a secret.
fn check_usage(leaf: &X509Certificate<'_>, purpose: Purpose) -> Result<(), Refused> {
    let Some(usage) = leaf.key_usage().map_err(|_| PURPOSE)? else {
        return Ok(());
    };
    let usage = usage.value;
    let fits = usage.digital_signature()
        || usage.key_agreement()
        || (purpose == Purpose::Server && usage.key_encipherment());
    fits.then_some(()).ok_or(PURPOSE)
}

/// Certificates above the first, too, may be bound to a purpose.
fn check_purpose(certificate: &X509Certificate<'_>, purpose: Purpose) -> Result<(), Refused> {
    match certificate.extended_key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) => {
            let usage = usage.value;
            let fits = match purpose {
                Purpose::Client => usage.client_auth,
                Purpose::Server => usage.server_auth,
            };
            (fits || usage.any).then_some(()).ok_or(PURPOSE)
        }
        Err(_) => Err(PURPOSE),
    }
}

fn check_path(
    path: &[&X509Certificate<'_>],
    purpose: Purpose,
    now: ASN1Time,
) -> Result<(), Refused> {
    for (depth, certificate) in path.iter().enumerate() {
        check_purpose(certificate, purpose)?;
        if certificate.validity().not_before > now {
            return Err(NOT_YET);
        }
        if certificate.validity().not_after < now {
            return Err(EXPIRED);
        }
        check_extensions(certificate)?;
        if depth > 0 {
            check_authority(certificate, depth, depth + 1 == path.len())?;
        }
    }
    Ok(())
}

fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), Refused> {
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::NameConstraints(_) => return Err(CRITICAL),
            ParsedExtension::BasicConstraints(_)
            | ParsedExtension::KeyUsage(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::SubjectAlternativeName(_)
            | ParsedExtension::CertificatePolicies(_) => {}
            _ if extension.critical => return Err(CRITICAL),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a certificate may have issued the one before it, with `depth - 1` others below it.
fn check_authority(
    certificate: &X509Certificate<'_>,
    depth: usize,
    last: bool,
) -> Result<(), Refused> {
    let constraints = certificate.basic_constraints().map_err(|_| INVALID_CA)?;
    match constraints {
        Some(constraints) if constraints.value.ca => {
            let most = constraints.value.path_len_constraint;
            if most.is_some_and(|most| depth - 1 > most as usize) {
                return Err(PATH_LENGTH);
            }
        }
        // An old root knows no extensions; whoever put it among the trusted ones has decided.
        None if last && certificate.extensions().is_empty() => {}
        _ => return Err(INVALID_CA),
    }
    let usage = certificate.key_usage().map_err(|_| INVALID_CA)?;
    if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(INVALID_CA);
    }
    Ok(())
}

/// With lists at all, every certificate of the path must be on none, and covered by one. Of several
/// reasons the one nearest to the root is told, as OpenSSL does.
fn check_revocation(
    path: &[&X509Certificate<'_>],
    lists: &[Vec<u8>],
    now: ASN1Time,
) -> Result<(), Refused> {
    if lists.is_empty() {
        return Ok(());
    }
    let lists: Vec<_> = lists
        .iter()
        .filter_map(|der| CertificateRevocationList::from_der(der).ok())
        .map(|(_, list)| list)
        .collect();
    let mut refused = path.iter().enumerate().filter_map(|(index, certificate)| {
        let issuer = path.get(index + 1).unwrap_or(certificate);
        look_up(certificate, issuer, &lists, now).err()
    });
    refused.next_back().map_or(Ok(()), Err)
}

fn look_up(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    lists: &[CertificateRevocationList<'_>],
    now: ASN1Time,
) -> Result<(), Refused> {
    let mut mine = lists
        .iter()
        .filter(|list| list.issuer().as_raw() == issuer.subject().as_raw())
        .peekable();
    mine.peek().ok_or(NO_CRL)?;
    let usage = issuer.key_usage().map_err(|_| INVALID_CA)?;
    if usage.is_some_and(|usage| !usage.value.crl_sign()) {
        return Err(NO_CRL_SIGN);
    }
    for list in mine {
        list.verify_signature(issuer.public_key())
            .map_err(|_| BAD_CRL)?;
        // A list of one kind of certificates, of changes, or of another issuer's: not for us to read.
        let entries = list.iter_revoked_certificates();
        if list.extensions().iter().any(|extension| extension.critical)
            || entries
                .flat_map(|entry| entry.extensions())
                .any(|extension| extension.critical)
        {
            return Err(CRITICAL_CRL);
        }
        if list.last_update() > now {
            return Err(CRL_NOT_YET);
        }
        if list.next_update().is_some_and(|next| next < now) {
            return Err(CRL_EXPIRED);
        }
        let revoked = |entry: &x509_parser::revocation_list::RevokedCertificate<'_>| {
            entry.raw_serial() == certificate.raw_serial()
        };
        if list.iter_revoked_certificates().any(revoked) {
            return Err(REVOKED);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
