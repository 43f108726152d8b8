//! `secure_link` (ngx_http_secure_link_module): takes a link with a hash in it, decides whether one who knows the
//! secret made it, and whether its time is up.

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::ConfigError;
use super::template::Template;
use super::values;
use crate::clock;
use crate::exchange::Exchange;

#[derive(Debug)]
pub(crate) enum SecureLink {
    /// Hash and, after a comma, time from `secure_link`; what is hashed from `secure_link_md5`.
    Md5 { link: Template, hashed: Template },
    /// The older form, `/prefix/hash/link`, with `secure_link_secret`.
    Secret(Box<[u8]>),
}

/// The URL alphabet, and the ordinary one's two letters are exchanged before.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn secure_link(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Box<SecureLink>>, ConfigError> {
    let ours = scope.nearest(|d| {
        matches!(
            d.name.as_str(),
            "secure_link" | "secure_link_md5" | "secure_link_secret"
        )
    });
    if let Some(secret) = ours.iter().find(|d| d.name == "secure_link_secret") {
        if ours.len() > 1 {
            return Err(secret.error("\"secure_link_secret\" cannot be mixed with \"secure_link\" and \"secure_link_md5\""));
        }
        let secret = values::only(secret)?.text.as_bytes().into();
        return Ok(Some(Box::new(SecureLink::Secret(secret))));
    }
    let (Some(link), Some(hashed)) = (scope.find("secure_link"), scope.find("secure_link_md5"))
    else {
        return Ok(None);
    };
    Ok(Some(Box::new(SecureLink::Md5 {
        link: loader.template(values::only(link)?)?,
        hashed: loader.template(values::only(hashed)?)?,
    })))
}

impl SecureLink {
    /// `$secure_link`: the link or `1` if it is genuine, `0` if it was and its time is up.
    pub(crate) fn value(&self, ex: &Exchange) -> Option<Vec<u8>> {
        match self {
            Self::Md5 { link, hashed } => {
                let (link, hashed) = (link.evaluate(ex), hashed.evaluate(ex));
                judge(&link, &hashed, clock::since_epoch().as_secs()).map(<[u8]>::to_vec)
            }
            Self::Secret(secret) => old_style(&ex.request.path, secret).map(<[u8]>::to_vec),
        }
    }

    /// `$secure_link_expires`: the time in the link.
    pub(crate) fn expires(&self, ex: &Exchange) -> Option<Vec<u8>> {
        let Self::Md5 { link, .. } = self else {
            return None;
        };
        let link = link.evaluate(ex);
        let comma = link.iter().position(|&b| b == b',')?;
        Some(link[comma + 1..].to_vec())
    }
}

fn judge(link: &[u8], hashed: &[u8], now: u64) -> Option<&'static [u8]> {
    let comma = link.iter().position(|&b| b == b',');
    let hash = &link[..comma.unwrap_or(link.len())];
    let expires = match comma {
        None => None,
        Some(comma) => {
            let text = std::str::from_utf8(&link[comma + 1..]).ok()?;
            Some(text.parse::<u64>().ok().filter(|&time| time > 0)?)
        }
    };
    let url: Vec<u8> = hash
        .iter()
        .map(|&b| match b {
            b'+' => b'-',
            b'/' => b'_',
            b => b,
        })
        .collect();
    let given = BASE64URL.decode(url).ok()?;
    let genuine: bool = Md5::digest(hashed).as_slice().ct_eq(&given).into();
    let late = expires.is_some_and(|time| time < now);
    genuine.then_some(if late { b"0" } else { b"1" })
}

fn old_style<'a>(path: &'a [u8], secret: &[u8]) -> Option<&'a [u8]> {
    let mut parts = path.get(1..)?.splitn(3, |&b| b == b'/');
    let (_, hash, link) = (parts.next()?, parts.next()?, parts.next()?);
    if link.is_empty() || hash.len() != 32 {
        return None;
    }
    let digest = Md5::new()
        .chain_update(link)
        .chain_update(secret)
        .finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    bool::from(hex.as_bytes().ct_eq(&hash.to_ascii_lowercase())).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_genuine_if_its_hash_is_that_of_the_secret_text() {
        // openssl md5 -binary of "secret" in base64
        let hash = "Xr4ilOzQ4PCOq3aQ0qbuaQ==";
        let now = 1000;
        for (link, value) in [
            (hash.to_owned(), Some("1")),
            (hash.trim_end_matches('=').to_owned(), Some("1")),
            (format!("{hash},2000"), Some("1")),
            (format!("{hash},999"), Some("0")),
            (format!("{hash},"), None),
            (format!("{hash},never"), None),
            (hash.replace('X', "Y"), None),
            (String::new(), None),
            ("a".repeat(4000), None),
        ] {
            let found = judge(link.as_bytes(), b"secret", now);
            assert_eq!(found, value.map(str::as_bytes), "{link}");
        }
    }

    #[test]
    fn the_older_form_has_the_hash_in_the_path() {
        let digest = Md5::digest(b"test.htmlsecret");
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/p/{hex}/test.html");
        assert_eq!(
            old_style(path.as_bytes(), b"secret"),
            Some(&b"test.html"[..])
        );
        assert_eq!(old_style(path.as_bytes(), b"other"), None);
        for bad in ["", "/", "/p", "/p/abc/test.html", "/p//"] {
            assert_eq!(old_style(bad.as_bytes(), b"secret"), None, "{bad}");
        }
    }
}
