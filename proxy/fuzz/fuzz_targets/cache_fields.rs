//! `Cache-Control` and `Vary`: the same however often they are read.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::cache_fields(bytes));
