//! The search language: any text is understood or refused with a reason, in bounded depth.

#![no_main]

use jiff::Timestamp;
use webhook_receiver::search::Query;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(reason) = Query::parse(text, Timestamp::UNIX_EPOCH) {
        assert!(!reason.to_string().is_empty());
    }
});
