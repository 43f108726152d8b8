//! Patterns of filters: any text is compiled or refused, and matching ends soon.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| graphql_demo::fuzzing::pattern(bytes));
