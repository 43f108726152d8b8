//! The chunked coding: decoded by the grammar or refused, and the same however it arrives.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::chunked(bytes));
