//! What others say at the door: the PROXY protocol's header, a trace context, a file of users.

use super::cuts;
use crate::accept::proxy_protocol::{self, Tlv};
use crate::access;
use crate::trace::Context;

/// A header is the same however it arrives, never takes a byte behind it, and its values can be asked for.
pub fn proxy_protocol(bytes: &[u8]) {
    match proxy_protocol::parse(bytes) {
        Ok(Some((told, length))) => {
            assert!(length <= bytes.len());
            for cut in cuts(bytes) {
                let part = proxy_protocol::parse(&bytes[..cut]);
                let part = part.expect("a part of a good header is no broken one");
                assert_eq!(part.is_some(), cut >= length, "first {cut} of {length}");
            }
            for name in ["alpn", "ssl", "ssl_version", "ssl_verify", "0xff"] {
                let value = told.tlv(Tlv::named(name).expect("a known name"));
                assert!(value.is_none_or(|value| value.len() <= length));
            }
        }
        Ok(None) => {}
        // What is broken does not become good by what follows.
        Err(_) => assert!(!matches!(
            proxy_protocol::parse(&[bytes, b"\r\n\0"].concat()),
            Ok(Some(_))
        )),
    }
}

/// A context that is read is written the same way, but for flags and versions that we don't know.
pub fn trace_context(bytes: &[u8]) {
    let Some(context) = Context::parse(bytes) else {
        return;
    };
    let mut written = Vec::new();
    context.write(&mut written);
    assert_eq!(Context::parse(&written), Some(context));
    assert_eq!(written[2..53], bytes[2..53]);
}

/// The first line is a name, the rest a file of users: what is found stands in it behind that very name.
pub fn users(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let (user, file) = bytes.split_at(end.unwrap_or(bytes.len()));
    let Some(hash) = access::hash_of(file, user) else {
        return;
    };
    let entry = [user, b":", hash].concat();
    let mut lines = file.split(|byte| matches!(byte, b'\n' | b'\r'));
    assert!(lines.any(|line| line.starts_with(&entry)));
    assert!(!hash.contains(&b':'));
    // The forms that cost nothing; the others are left to their libraries.
    let _ = access::verify_quickly(hash, user);
}
