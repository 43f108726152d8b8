//! The heads of upstream answers: the same however they arrive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::response_head(bytes));
