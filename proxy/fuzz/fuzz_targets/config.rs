//! The configuration language: any text is read or refused with a report.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy::fuzzing::config(bytes));
