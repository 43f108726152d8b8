//! Stored answers, and the fields that say how long they are good.

use super::cuts;
use crate::cache::cache_control::{directives, elements};
use crate::cache::record::Record;
use crate::cache::vary::Vary;
use crate::http1::ResponseHead;

/// A file of the cache reads as it was written or not at all, and never after it was cut.
pub fn stored_answer(bytes: &[u8]) {
    match Record::read(bytes) {
        Err(_) => {}
        Ok(Err(needed)) => assert!(needed > bytes.len(), "{needed} of {} bytes", bytes.len()),
        Ok(Ok(record)) => {
            let mut again = Vec::new();
            record.write(&mut again);
            assert_eq!(again, bytes[..record.start()]);
            for cut in cuts(&bytes[..record.start() - 1]) {
                assert!(
                    !matches!(Record::read(&bytes[..cut]), Ok(Ok(_))),
                    "cut {cut}"
                );
            }
        }
    }
}

/// `Cache-Control` and `Vary` hold what a second reading of them holds.
pub fn cache_fields(bytes: &[u8]) {
    for element in elements(bytes) {
        assert_eq!(elements(element).collect::<Vec<_>>(), [element]);
    }
    for directive in directives(bytes) {
        assert!(!directive.name.is_empty());
        assert!(directive.seconds().is_none_or(|seconds| seconds <= 1 << 31));
    }
    let text = [b"HTTP/1.1 200 OK\r\nVary: ", bytes, b"\r\n\r\n"].concat();
    let mut head = ResponseHead::default();
    if let Ok(Some(_)) = head.parse(&text)
        && let Vary::On(names) = Vary::of(&head.head)
    {
        assert!(!names.is_empty() && !names.iter().any(u8::is_ascii_uppercase));
        assert!(names.split(|&b| b == b',').all(|name| name != b"*"));
    }
}
