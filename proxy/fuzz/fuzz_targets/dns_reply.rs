//! Replies of name servers: reading ends, and only a whole reply to our question is one.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::dns_reply(bytes));
