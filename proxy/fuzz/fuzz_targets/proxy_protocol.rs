//! Headers of the PROXY protocol: the same however they arrive, and not a byte of what follows.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::proxy_protocol(bytes));
