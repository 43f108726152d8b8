//! DNS messages: read, refused or ignored; an answer can be read, is the question's and fits a datagram.

#![no_main]

use webhook_receiver::dns::answer::{Outcome, read};

const CONTENT: &str = r#"[{"type":"a","value":"192.0.2.1"},{"type":"cname","value":"a.example"},{"type":"txt","value":"hi"}]"#;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| match read(bytes) {
    Err(None) => {}
    Err(Some(refusal)) => assert_eq!(refusal[..2], bytes[..2]),
    Ok(asked) => {
        let (_, _) = (asked.token(), asked.name());
        for outcome in [Outcome::Content(CONTENT.to_owned()), Outcome::Refused] {
            let Some(answer) = asked.answer(&outcome, true) else { continue };
            assert_eq!(answer[..2], bytes[..2]);
            assert!(answer[2] & 0x80 != 0, "an answer says that it is one");
            assert!(answer.len() <= 1232);
        }
    }
});
