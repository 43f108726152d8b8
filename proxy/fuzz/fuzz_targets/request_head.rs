//! Request heads: what is accepted is unambiguous, and the same however it arrives.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::request_head(bytes));
