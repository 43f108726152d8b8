//! The forms of a password in a user file: takes a hash and what the client typed, decides whether they belong
//! together. Compares in constant time, so that the clock does not tell how much of a hash was right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// The forms that cost nothing; `None` is one that has to be worked out elsewhere.
pub(crate) fn verify_quickly(hash: &[u8], given: &[u8]) -> Option<bool> {
    if let Some(plain) = hash.strip_prefix(b"{PLAIN}") {
        return Some(plain.ct_eq(given).into());
    }
    if let Some(encoded) = hash.strip_prefix(b"{SHA}") {
        let stored = STANDARD.decode(encoded).unwrap_or_default();
        return Some(Sha1::digest(given).as_slice().ct_eq(&stored).into());
    }
    let encoded = hash.strip_prefix(b"{SSHA}")?;
    let stored = STANDARD.decode(encoded).unwrap_or_default();
    let Some((stored, salt)) = stored.split_at_checked(20) else {
        return Some(false);
    };
    let digest = Sha1::new()
        .chain_update(given)
        .chain_update(salt)
        .finalize();
    Some(digest.as_slice().ct_eq(stored).into())
}

/// Apache's own form, and what `crypt(3)` knows: bcrypt, SHA-512, SHA-256, MD5 and the old DES form.
pub(super) fn verify_slowly(hash: &[u8], given: &[u8]) -> bool {
    if let Some(rest) = hash.strip_prefix(b"$apr1$") {
        let salt = rest.split(|&b| b == b'$').next().unwrap_or_default();
        let salt = &salt[..salt.len().min(8)];
        return apr1(given, salt).ct_eq(hash).into();
    }
    std::str::from_utf8(hash).is_ok_and(|hash| pwhash::unix::verify(given, hash))
}

/// Apache's variant of MD5-crypt: a thousand rounds of MD5 over password, salt and the round before.
fn apr1(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let alternate = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut first = Md5::new()
        .chain_update(password)
        .chain_update(b"$apr1$")
        .chain_update(salt);
    for start in (0..password.len()).step_by(16) {
        first.update(&alternate[..(password.len() - start).min(16)]);
    }
    let mut bits = password.len();
    while bits > 0 {
        first.update(if bits & 1 == 1 {
            &[0][..]
        } else {
            &password[..1]
        });
        bits >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if odd { password } else { digest.as_slice() });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { digest.as_slice() } else { password });
        digest = next.finalize();
    }
    [&b"$apr1$"[..], salt, b"$", &crypt64(&digest)].concat()
}

/// 16 bytes in the order and alphabet of MD5-crypt.
fn crypt64(digest: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = Vec::with_capacity(22);
    let mut put = |value: usize, letters: usize| {
        out.extend((0..letters).map(|at| LETTERS[value >> (6 * at) & 63]));
    };
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        let [a, b, c] = [a, b, c].map(|at: usize| usize::from(digest[at]));
        put(a << 16 | b << 8 | c, 4);
    }
    put(usize::from(digest[11]), 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(hash: &str, given: &str) -> bool {
        let (hash, given) = (hash.as_bytes(), given.as_bytes());
        verify_quickly(hash, given).unwrap_or_else(|| verify_slowly(hash, given))
    }

    #[test]
    fn each_form_knows_its_password_and_no_other() {
        for hash in [
            "{PLAIN}password",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0",
            "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.",
            "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        ] {
            assert!(verify(hash, "password"), "{hash}");
            for wrong in ["", "passwor", "password ", "Password", "123"] {
                assert!(!verify(hash, wrong), "{hash} and {wrong:?}");
            }
        }
        let bcrypt = pwhash::bcrypt::hash("password").expect("bcrypt");
        assert!(verify(&bcrypt, "password") && !verify(&bcrypt, "123"));
    }

    #[test]
    fn a_broken_hash_knows_no_password() {
        for hash in [
            "",
            "$1$",
            "$apr1$",
            "$2y$",
            "$2y$10$short",
            "$5$",
            "{SSHA}Zm9vCg==",
            "{SHA}Zm9vCg==",
            "{SHA}____",
            "x",
            "é",
        ] {
            for given in ["", "1", "password"] {
                assert!(!verify(hash, given), "{hash} and {given:?}");
            }
        }
    }
}
