//! Frames and permessage-deflate from a client: the same however they arrive, within the limit.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket_chat::fuzzing::inbound(bytes));
