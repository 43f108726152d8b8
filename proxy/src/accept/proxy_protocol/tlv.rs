//! What version 2 says beside the addresses: `$proxy_protocol_tlv_…`, found by type when somebody asks.

use super::Told;

/// Which value: the name after `$proxy_protocol_tlv_`, understood when the configuration is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tlv {
    Of(u8),
    /// One inside the value about TLS.
    OfSsl(u8),
    /// The verdict on the client's certificate: 0 is a good one.
    SslVerify,
}

const SSL: u8 = 0x20;

impl Tlv {
    /// `alpn`, `0x01`, `ssl_version`, `ssl_0x21` and so on.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == "ssl_verify" {
            return Some(Self::SslVerify);
        }
        if let Some(inner) = name.strip_prefix("ssl_") {
            let kind = match inner {
                "version" => 0x21,
                "cn" => 0x22,
                "cipher" => 0x23,
                "sig_alg" => 0x24,
                "key_alg" => 0x25,
                _ => number(inner)?,
            };
            return Some(Self::OfSsl(kind));
        }
        let kind = match name {
            "alpn" => 0x01,
            "authority" => 0x02,
            "unique_id" => 0x05,
            "ssl" => SSL,
            "netns" => 0x30,
            _ => number(name)?,
        };
        Some(Self::Of(kind))
    }
}

/// `0x2a`, with as many zeros in front as anybody likes.
fn number(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("0x")?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = digits.trim_start_matches('0');
    let number = if short.is_empty() { "0" } else { short };
    u8::from_str_radix(number, 16).ok().filter(|_| plain)
}

impl Told {
    /// The first value of this kind.
    pub(crate) fn tlv(&self, wanted: Tlv) -> Option<Vec<u8>> {
        let ssl = || find(&self.tlvs, SSL)?.split_first_chunk::<5>();
        match wanted {
            Tlv::Of(kind) => find(&self.tlvs, kind).map(<[u8]>::to_vec),
            Tlv::OfSsl(kind) => find(ssl()?.1, kind).map(<[u8]>::to_vec),
            Tlv::SslVerify => {
                let [_, verdict @ ..] = *ssl()?.0;
                Some(u32::from_be_bytes(verdict).to_string().into_bytes())
            }
        }
    }
}

fn find(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    each(bytes)
        .flatten()
        .find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// Whether each value ends where its length says, and the last one at the end.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    each(bytes).all(|one| one.is_some())
}

/// The values in turn; `None` is one that is cut off, and the last.
fn each(bytes: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let one = next(left);
        left = one.map_or(&[][..], |(_, _, rest)| rest);
        Some(one.map(|(kind, value, _)| (kind, value)))
    })
}

fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk::<3>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    Some((kind, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(told: &Told, name: &str) -> String {
        let found = told.tlv(Tlv::named(name).expect(name));
        String::from_utf8(found.unwrap_or_default()).unwrap()
    }

    #[test]
    fn values_are_found_by_name_and_by_number_one_level_deep() {
        let ssl = [
            &[1, 0, 0, 1, 0][..],
            &[0x21, 0, 3],
            b"1.3",
            &[0x22, 0, 1],
            b"x",
        ]
        .concat();
        let tlvs = [&[1, 0, 2][..], b"h2", &[0x20, 0, 15], &ssl, &[0xae, 0, 0]].concat();
        assert!(is_whole(&tlvs));
        let told = Told {
            ends: None,
            tlvs: tlvs.into(),
        };
        for (name, expected) in [
            ("alpn", "h2"),
            ("0x01", "h2"),
            ("0x00001", "h2"),
            ("ssl_version", "1.3"),
            ("ssl_0x22", "x"),
            ("ssl_cipher", ""),
            ("ssl_verify", "256"),
            ("0xae", ""),
            ("netns", ""),
        ] {
            assert_eq!(value(&told, name), expected, "{name}");
        }
    }

    #[test]
    fn a_value_that_is_cut_off_is_noticed() {
        let whole = [1, 0, 2, b'h', b'2', 2, 0, 1, b'x'];
        let ends: Vec<_> = (0..=whole.len())
            .filter(|&end| is_whole(&whole[..end]))
            .collect();
        assert_eq!(ends, [0, 5, 9]);
    }

    #[test]
    fn a_name_that_means_nothing_is_known_at_once() {
        for name in [
            "", "alp", "0x", "0x100", "0xg", "1", "ssl_", "ssl_alpn", "0x+1",
        ] {
            assert_eq!(Tlv::named(name), None, "{name}");
        }
    }
}
