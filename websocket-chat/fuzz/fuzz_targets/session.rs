//! What a member says: lines of chat.v1's JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket_chat::fuzzing::session(bytes));
