//! A whole request: the first byte picks service, variant and media type, the rest is the body. Whatever it is, the
//! answer is a document of the right version with the right status.

#![no_main]

use std::sync::OnceLock;

use soap_demo::fuzzing::Subject;

static SUBJECT: OnceLock<Subject> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((&choice, message)) = bytes.split_first() {
        let subject = SUBJECT.get_or_init(Subject::default);
        subject.message(choice, message);
        subject.content_type(&String::from_utf8_lossy(message));
    }
});
