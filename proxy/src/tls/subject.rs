//! What the `$ssl_client_…` variables say of a client's certificate.

use std::fmt::Write as _;

use ring::digest;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

fn read<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    x509_parser::parse_x509_certificate(der)
        .ok()
        .map(|(_, read)| read)
}

pub(crate) fn pem(der: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// Percent-encoded whole, so that it fits into a header field.
pub(crate) fn escaped(der: &CertificateDer<'_>) -> String {
    let mut escaped = String::new();
    for byte in pem(der).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a string can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// SHA-1, as nginx has it; a fingerprint to look up, not to trust.
pub(crate) fn fingerprint(der: &CertificateDer<'_>) -> String {
    let sum = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    sum.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub(crate) fn serial(der: &CertificateDer<'_>) -> Option<String> {
    let read = read(der)?;
    let bytes = read.raw_serial();
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    Some(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
}

pub(crate) fn subject(der: &CertificateDer<'_>) -> Option<String> {
    Some(name(read(der)?.subject()))
}

pub(crate) fn issuer(der: &CertificateDer<'_>) -> Option<String> {
    Some(name(read(der)?.issuer()))
}

pub(crate) fn subject_legacy(der: &CertificateDer<'_>) -> Option<String> {
    Some(legacy_name(read(der)?.subject()))
}

pub(crate) fn issuer_legacy(der: &CertificateDer<'_>) -> Option<String> {
    Some(legacy_name(read(der)?.issuer()))
}

pub(crate) fn not_before(der: &CertificateDer<'_>) -> Option<String> {
    Some(time(read(der)?.validity().not_before))
}

pub(crate) fn not_after(der: &CertificateDer<'_>) -> Option<String> {
    Some(time(read(der)?.validity().not_after))
}

/// Days until it expires.
pub(crate) fn days_left(der: &CertificateDer<'_>) -> Option<String> {
    let left = read(der)?.validity().not_after.timestamp() - ASN1Time::now().timestamp();
    Some((left.max(0) / 86_400).to_string())
}

/// `Nov 24 02:16:19 2026 GMT`.
fn time(time: ASN1Time) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let time = time.to_datetime();
    let month = MONTHS[usize::from(u8::from(time.month())) - 1];
    let (hour, minute, second) = time.to_hms();
    format!(
        "{month} {:>2} {hour:02}:{minute:02}:{second:02} {} GMT",
        time.day(),
        time.year()
    )
}

/// Each attribute by its short name, in order.
fn attributes(name: &X509Name<'_>) -> Vec<Vec<(String, String)>> {
    let relative = name.iter_rdn().map(|relative| {
        let one = relative.iter().map(|attribute| {
            let id = attribute.attr_type().to_id_string();
            let short = SHORT
                .iter()
                .find(|(oid, _)| *oid == id)
                .map(|(_, short)| (*short).to_owned());
            let value = attribute.as_str().map(str::to_owned);
            let raw = || String::from_utf8_lossy(attribute.as_slice()).into_owned();
            (short.unwrap_or(id), value.unwrap_or_else(|_| raw()))
        });
        one.collect()
    });
    relative.collect()
}

const SHORT: [(&str, &str); 13] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// RFC 2253: most specific first, with commas; what has a meaning there is escaped.
fn name(name: &X509Name<'_>) -> String {
    let parts = attributes(name).into_iter().rev().map(|relative| {
        let parts = relative
            .into_iter()
            .map(|(short, value)| format!("{short}={}", escape(&value)));
        parts.collect::<Vec<_>>().join("+")
    });
    parts.collect::<Vec<_>>().join(",")
}

fn escape(value: &str) -> String {
    let mut escaped = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let edge =
            (index == 0 && matches!(character, ' ' | '#')) || (index == last && character == ' ');
        if character.is_control() || !character.is_ascii() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(escaped, "\\{byte:02X}");
            }
            continue;
        }
        if edge || matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// As OpenSSL wrote names once: `/C=NL/CN=x`.
fn legacy_name(name: &X509Name<'_>) -> String {
    let parts = attributes(name).into_iter().flatten();
    parts
        .map(|(short, value)| format!("/{short}={value}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_means_something_in_a_name_is_escaped() {
        for (value, expected) in [
            ("plain name", "plain name"),
            ("a,b+c", "a\\,b\\+c"),
            (" edges ", "\\ edges\\ "),
            ("#1", "\\#1"),
            ("line\nbreak", "line\\0Abreak"),
            ("é", "\\C3\\A9"),
        ] {
            assert_eq!(escape(value), expected);
        }
    }
}
