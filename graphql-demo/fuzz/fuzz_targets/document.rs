//! A POST's body: any bytes are answered with JSON, soon.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| graphql_demo::fuzzing::document(bytes));
