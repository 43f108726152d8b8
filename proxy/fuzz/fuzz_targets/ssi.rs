//! Pages with commands (SSI): the same commands are found however a page arrives.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::ssi(bytes));
