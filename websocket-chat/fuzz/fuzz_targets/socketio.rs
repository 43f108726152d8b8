//! Engine.IO and Socket.IO: packets of a body, and what they carry.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket_chat::fuzzing::socketio(bytes));
