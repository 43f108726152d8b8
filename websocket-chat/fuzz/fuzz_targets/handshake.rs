//! The upgrade's headers and the offer of compression.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket_chat::fuzzing::handshake(bytes));
