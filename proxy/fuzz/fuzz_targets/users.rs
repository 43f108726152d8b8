//! Files of users: a hash belongs to the name before it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::users(bytes));
