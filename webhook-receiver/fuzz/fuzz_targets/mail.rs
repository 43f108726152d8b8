//! Mail on the wire: a session survives any line, and a text is the same however its bytes arrive.

#![no_main]

use webhook_receiver::smtp::session::{Session, Step, token};
use webhook_receiver::smtp::text::Text;

/// Small enough for the fuzzer to reach.
const LIMIT: usize = 200;

/// The text, read in pieces of this size, and how many bytes it took.
fn read(wire: &[u8], size: usize) -> (Option<Vec<u8>>, usize, bool) {
    let (mut text, mut taken) = (Text::new(LIMIT), 0);
    for piece in wire.chunks(size) {
        let (used, ended) = text.push(piece);
        taken += used;
        if ended {
            return (text.finish(), taken, true);
        }
    }
    (text.finish(), taken, false)
}

libfuzzer_sys::fuzz_target!(|wire: &[u8]| {
    let mut session = Session::default();
    for line in wire.split(|&byte| byte == b'\n') {
        match session.command(line, LIMIT) {
            Step::Reply(text) | Step::Quit(text) => assert!(text.ends_with("\r\n")),
            Step::Recipient(address) => {
                let known = token(&address).is_some();
                session.recipient(address, known);
            }
            Step::Data => assert!(!session.take().recipients.is_empty()),
        }
    }
    let whole = read(wire, wire.len().max(1));
    assert_eq!(whole, read(wire, 1));
    let (mail, taken, ended) = whole;
    assert!(mail.is_none_or(|mail| mail.len() <= LIMIT));
    let end = &wire[..taken];
    assert!(!ended || end == b".\r\n" || end.ends_with(b"\r\n.\r\n"));
});
