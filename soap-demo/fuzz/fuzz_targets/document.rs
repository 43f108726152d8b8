//! The XML reader alone: what it takes for a document, roxmltree takes for one too.

#![no_main]

use soap_demo::xml::{Limits, check_well_formed};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if check_well_formed(text.as_bytes(), Limits::MESSAGE).is_ok() {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let theirs = roxmltree::Document::parse(text);
        assert!(theirs.is_ok(), "{theirs:?}");
    }
});
