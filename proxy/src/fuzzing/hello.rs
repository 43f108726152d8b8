//! What a redirected connection begins with, and where a CONNECT leads.

use super::cuts;
use crate::accept::client_hello::{Hello, server_name};
use crate::parse;

/// A ClientHello names the same host however it arrives.
pub fn client_hello(bytes: &[u8]) {
    let whole = server_name(bytes);
    for cut in cuts(bytes) {
        match (server_name(&bytes[..cut]), &whole) {
            (Ok(Hello::More), _) => {}
            (part @ Ok(Hello::Whole(_)), whole) => assert!(part == *whole || whole.is_err()),
            (part @ Err(_), whole) => {
                assert_eq!(part, *whole, "first {cut} of {} bytes", bytes.len());
            }
        }
    }
    if let Ok(Hello::Whole(Some(name))) = whole {
        assert!(!name.is_empty() && name.is_ascii() && !name.contains('\0'));
    }
    check_authority(bytes);
}

/// What was accepted is accepted again, and is the same.
fn check_authority(bytes: &[u8]) {
    if let Some((host, port)) = parse::parse_authority(bytes) {
        let again = [&host[..], b":", &port].concat();
        assert_eq!(parse::parse_authority(&again), Some((host, port)));
    }
}
