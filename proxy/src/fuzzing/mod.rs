//! Doors for the fuzzers in `fuzz/`: each takes any bytes, puts them through one parser of untrusted
//! text, and panics when the parser breaks a promise. Not part of the proxy's interface.

mod cache;
mod chunks;
mod config;
mod dns;
mod doors;
mod heads;
mod hello;
mod pages;

pub use cache::{cache_fields, stored_answer};
pub use chunks::chunked;
pub use config::config;
pub use dns::dns_reply;
pub use doors::{proxy_protocol, trace_context, users};
pub use heads::{request_head, response_head};
pub use hello::client_hello;
pub use pages::ssi;

/// Some places to cut an input at, the same for the same input.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut seed = bytes.iter().fold(bytes.len(), |seed, &byte| {
        seed.wrapping_mul(31) ^ usize::from(byte)
    });
    let length = bytes.len();
    (0..8).map(move |_| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % (length + 1)
    })
}
