//! Whether a certificate is for a name (RFC 9525): its alternative names, else its common name.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

pub(super) fn matches(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .map(|names| &names.value.general_names[..])
        .unwrap_or_default();
    if let Ok(ip) = host.parse::<IpAddr>() {
        let octets = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        return names
            .iter()
            .any(|name| matches!(name, GeneralName::IPAddress(found) if *found == octets));
    }
    let mut dns = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    if let Some(first) = dns.next() {
        return covers(first, host) || dns.any(|name| covers(name, host));
    }
    let common = certificate.subject().iter_common_name().last();
    common
        .and_then(|name| name.as_str().ok())
        .is_some_and(|name| covers(name, host))
}

/// `*` stands for one whole label, the first, with two more behind it.
fn covers(pattern: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(rest), Some((first, behind))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !first.is_empty() && rest.contains('.') && behind.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_exactly_one_label() {
        for (pattern, host, expected) in [
            ("example.com", "EXAMPLE.com", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", ".example.com", false),
            ("w*.example.com", "www.example.com", false),
            ("*.com", "example.com", false),
            ("*.", "example.", false),
            ("example.com", "example.org", false),
        ] {
            assert_eq!(covers(pattern, host), expected, "{pattern} {host}");
        }
    }
}
