//! Trace contexts: what is read is written the same.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::trace_context(bytes));
