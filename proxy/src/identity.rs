//! Small facts about who: this host, this request, the user a client claims to be.

use std::sync::LazyLock;

use crate::exchange::Exchange;

pub(crate) fn hostname() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let name = nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok());
        name.unwrap_or_else(|| "localhost".to_owned())
    });
    &NAME
}

/// `$request_id`: 16 random bytes in hexadecimal, the same all through one exchange.
pub(crate) fn request_id(exchange: &Exchange) -> [u8; 32] {
    *exchange.request_id.get_or_init(|| {
        let mut id = [0; 32];
        for (at, byte) in random_bytes().iter().enumerate() {
            id[2 * at] = b"0123456789abcdef"[usize::from(byte >> 4)];
            id[2 * at + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        id
    })
}

/// The standard library's hasher keys are random for each process; hashing a counter with them
/// gives ids that don't repeat. They are names, not secrets.
pub(crate) fn random_bytes() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let halves = [KEYS.0.hash_one(next), KEYS.1.hash_one(next)];
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&halves[0].to_le_bytes());
    bytes[8..].copy_from_slice(&halves[1].to_le_bytes());
    bytes
}

/// `$remote_user`: the name in Basic credentials (RFC 7617), whether or not anybody checked it.
pub(crate) fn basic_user(exchange: &Exchange) -> Option<Vec<u8>> {
    basic_credentials(exchange).map(|(user, _)| user)
}

/// Name and password of Basic credentials.
pub(crate) fn basic_credentials(exchange: &Exchange) -> Option<(Vec<u8>, Vec<u8>)> {
    let as_proxy = exchange
        .location
        .asks_as_proxy(exchange.request.head.method());
    let field: &[u8] = if as_proxy {
        b"proxy_authorization"
    } else {
        b"authorization"
    };
    let value = exchange.request.head.head.get_named(field)?;
    let (scheme, encoded) = value.split_at(value.iter().position(|&b| b == b' ')?);
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let decoded = decode_base64(encoded.trim_ascii())?;
    let colon = decoded.iter().position(|&b| b == b':')?;
    Some((decoded[..colon].to_vec(), decoded[colon + 1..].to_vec()))
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len()), 0_u32, 0);
    for &byte in text.iter().take_while(|&&b| b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}
