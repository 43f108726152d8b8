//! OpenSSL's names for what rustls can do, and its cipher lists (`ssl_ciphers`).

use rustls::{CipherSuite as Suite, NamedGroup, ProtocolVersion};

/// What rustls has, best first, in OpenSSL's names.
const SUITES: [(Suite, &str); 9] = [
    (Suite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
    (Suite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
    (
        Suite::TLS13_CHACHA20_POLY1305_SHA256,
        "TLS_CHACHA20_POLY1305_SHA256",
    ),
    (
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    (
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ),
    (
        Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
    ),
    (
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
    ),
    (
        Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
    ),
];

const GROUPS: [(NamedGroup, &[&str]); 3] = [
    (NamedGroup::X25519, &["X25519"]),
    (NamedGroup::secp256r1, &["prime256v1", "P-256", "secp256r1"]),
    (NamedGroup::secp384r1, &["secp384r1", "P-384"]),
];

pub(crate) fn suite_name(suite: Suite) -> Option<&'static str> {
    SUITES
        .iter()
        .find(|(id, _)| *id == suite)
        .map(|(_, name)| *name)
}

pub(crate) fn group_name(group: NamedGroup) -> Option<&'static str> {
    GROUPS
        .iter()
        .find(|(id, _)| *id == group)
        .map(|(_, names)| names[0])
}

pub(crate) fn group(name: &str) -> Option<NamedGroup> {
    let found = GROUPS
        .iter()
        .find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(name)));
    found.map(|(id, _)| *id)
}

pub(crate) fn version_name(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "",
    }
}

/// Whether a suite of TLS 1.2 signs with ECDSA or with RSA; those of 1.3 leave it open.
pub(super) fn goes_with(suite: Suite, ecdsa: bool) -> bool {
    suite_name(suite)
        .is_some_and(|name| name.starts_with("TLS_") || name.starts_with("ECDHE-ECDSA") == ecdsa)
}

/// The suites of TLS 1.2 that an OpenSSL cipher list leaves of ours; those of TLS 1.3 always stay.
/// `None` is a list that leaves nothing.
pub(crate) fn select(list: &str) -> Option<Vec<Suite>> {
    let (fixed, rest): (Vec<_>, Vec<_>) = SUITES
        .into_iter()
        .partition(|(_, name)| name.starts_with("TLS_"));
    let mut chosen: Vec<(Suite, &str)> = Vec::new();
    for word in list.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        if let Some(removed) = word.strip_prefix(['!', '-']) {
            chosen.retain(|(_, name)| !is_of(name, removed));
        } else if !word.starts_with(['@', '+']) {
            for one in rest.iter().filter(|(_, name)| is_of(name, word)) {
                if !chosen.contains(one) {
                    chosen.push(*one);
                }
            }
        }
    }
    if chosen.is_empty() {
        return None;
    }
    let all = fixed.into_iter().chain(chosen);
    Some(all.map(|(suite, _)| suite).collect())
}

/// Whether a suite is meant by a word of a list: its name, a class of OpenSSL's, or classes with `+`.
fn is_of(name: &str, word: &str) -> bool {
    let class = |class: &str| match class {
        "ALL"
        | "DEFAULT"
        | "HIGH"
        | "COMPLEMENTOFDEFAULT"
        | "ECDHE"
        | "EECDH"
        | "kECDHE"
        | "kEECDH"
        | "AEAD"
        | "TLSv1.2" => true,
        "RSA" | "aRSA" => name.contains("-RSA-"),
        "ECDSA" | "aECDSA" => name.contains("-ECDSA-"),
        "AES" | "AESGCM" => name.contains("-AES"),
        "AES128" => name.contains("AES128"),
        "AES256" => name.contains("AES256"),
        "CHACHA20" => name.contains("CHACHA20"),
        "SHA256" | "SHA384" => name.ends_with(class),
        _ => false,
    };
    name == word || word.split('+').all(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_cipher_lists_select_of_what_rustls_has() {
        let cases = [
            ("HIGH:!aNULL:!MD5", Some(6)),
            ("ECDHE-RSA-AES128-GCM-SHA256", Some(1)),
            ("ECDHE+AESGCM:!ECDSA", Some(2)),
            ("ECDHE+AESGCM:CHACHA20", Some(6)),
            ("AES128-SHA", None),
            ("RC4:3DES", None),
        ];
        for (list, expected) in cases {
            let found = select(list).map(|suites| suites.len() - 3);
            assert_eq!(found, expected, "{list}");
        }
    }
}
