//! Files of the cache: read as they were written, or not at all.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::stored_answer(bytes));
