//! ClientHellos: the same host however the bytes arrive; authorities: what is accepted is accepted again.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::client_hello(bytes));
