//! Certificates, keys and revocation lists in PEM files: reads them, decides whether they can be
//! used, hands on DER.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::pem::Pem;

/// Said behind the name of the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("no start line: expecting {0}")]
    Nothing(&'static str),
    #[error("the PEM in it is damaged")]
    Pem,
    #[error("the key is encrypted, and no password of \"ssl_password_file\" fits")]
    Password,
    #[error("this kind of key can't be used: {0}")]
    Kind(String),
    #[error("it holds no certificate that can be read")]
    Certificate,
    #[error("it holds a revocation list that can't be read")]
    RevocationList,
    #[error("key values mismatch")]
    Mismatch,
}

fn sections(path: &Path) -> Result<Vec<Pem>, FileError> {
    let bytes = std::fs::read(path)?;
    Pem::iter_from_buffer(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| FileError::Pem)
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let kinds = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
    let found: Vec<_> = sections(path)?
        .into_iter()
        .filter(|pem| kinds.contains(&pem.label.as_str()))
        .map(|pem| CertificateDer::from(pem.contents))
        .collect();
    if found.is_empty() {
        return Err(FileError::Nothing("CERTIFICATE"));
    }
    let readable = |der: &CertificateDer<'_>| x509_parser::parse_x509_certificate(der).is_ok();
    found
        .iter()
        .all(readable)
        .then_some(found)
        .ok_or(FileError::Certificate)
}

pub(crate) fn revocation_lists(path: &Path) -> Result<Vec<Vec<u8>>, FileError> {
    let found: Vec<_> = sections(path)?
        .into_iter()
        .filter(|pem| pem.label == "X509 CRL")
        .map(|pem| pem.contents)
        .collect();
    if found.is_empty() {
        return Err(FileError::Nothing("X509 CRL"));
    }
    // A list that nobody can read would let pass what it revokes.
    let readable =
        |der: &Vec<u8>| x509_parser::parse_x509_crl(der).is_ok_and(|(behind, _)| behind.is_empty());
    let all = found.iter().all(readable);
    all.then_some(found).ok_or(FileError::RevocationList)
}

/// The lines of a `ssl_password_file`.
pub(crate) fn passwords(path: &Path) -> Result<Vec<Vec<u8>>, FileError> {
    let bytes = std::fs::read(path)?;
    let lines = bytes.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

pub(crate) fn private_key(
    path: &Path,
    passwords: &[Vec<u8>],
) -> Result<PrivateKeyDer<'static>, FileError> {
    for pem in sections(path)? {
        match pem.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => return decrypt(&pem.contents, passwords),
            "PRIVATE KEY" => return Ok(PrivateKeyDer::Pkcs8(pem.contents.into())),
            "RSA PRIVATE KEY" => return Ok(PrivateKeyDer::Pkcs1(pem.contents.into())),
            "EC PRIVATE KEY" => return Ok(PrivateKeyDer::Sec1(pem.contents.into())),
            _ => {}
        }
    }
    Err(FileError::Nothing("ANY PRIVATE KEY"))
}

fn decrypt(der: &[u8], passwords: &[Vec<u8>]) -> Result<PrivateKeyDer<'static>, FileError> {
    let locked = pkcs8::EncryptedPrivateKeyInfo::try_from(der).map_err(|_| FileError::Pem)?;
    let open = passwords
        .iter()
        .find_map(|password| locked.decrypt(password).ok());
    let key = open.ok_or(FileError::Password)?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        key.as_bytes().to_vec(),
    )))
}

/// A certificate with its chain and its key; they must belong together.
pub(crate) fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> Result<CertifiedKey, FileError> {
    let signing = rustls::crypto::ring::sign::any_supported_type(key)
        .map_err(|why| FileError::Kind(why.to_string()))?;
    let ours = signing.public_key();
    let leaf = chain.first().ok_or(FileError::Certificate)?;
    let (_, leaf) =
        x509_parser::parse_x509_certificate(leaf).map_err(|_| FileError::Certificate)?;
    if ours.is_some_and(|ours| *ours != *leaf.public_key().raw) {
        return Err(FileError::Mismatch);
    }
    Ok(CertifiedKey::new(chain, signing))
}

/// The certificate in one file and the key in another (or the same).
pub(crate) fn identity(
    certificate: &Path,
    key: &Path,
    passwords: &[Vec<u8>],
) -> Result<Arc<CertifiedKey>, (bool, FileError)> {
    let chain = certificates(certificate).map_err(|why| (true, why))?;
    let key = private_key(key, passwords).map_err(|why| (false, why))?;
    pair(chain, &key).map(Arc::new).map_err(|why| (false, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_list_that_cannot_be_read_is_refused() {
        let path = std::env::temp_dir().join(format!("unreadable-{}.crl", std::process::id()));
        for (text, why) in [
            ("", "no start line"),
            (
                "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n",
                "a revocation list that can't be read",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let refused = revocation_lists(&path).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
