//! Any byte string gets an answer, a fault or a refusal; hostile ones get it at once and without being unpacked.

mod ask;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ask::{Ask, CALCULATOR, SOAP11, SOAP12, THREE_AND_FIVE, add, envelope, service, tell};
use proptest::prelude::*;
use soap_demo::fuzzing::Subject;

fn subject() -> &'static Subject {
    static SUBJECT: OnceLock<Subject> = OnceLock::new();
    SUBJECT.get_or_init(Subject::default)
}

/// The choice of number 2 of the services, otherwise like `choice`.
fn calculator(choice: u8) -> u8 {
    let mut alike = (0..32).map(|low| choice & 0xE0 | low);
    alike.find(|choice| choice % 5 == 2).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_a_fault(choice: u8, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (status, _) = subject().message(choice, &bytes);
        prop_assert_ne!(status, 200);
    }

    #[test]
    fn damaged_messages_get_an_answer_or_a_fault(
        choice: u8,
        soap12: bool,
        at in 0_usize..300,
        cut in 0_usize..40,
        put in "[<>&'\"/:=?! a-zA-Z0-9\\[\\]\u{0}-\u{20}é]{0,12}",
    ) {
        let namespace = if soap12 { SOAP12 } else { SOAP11 };
        let mut text = envelope(namespace, &add(THREE_AND_FIVE));
        let from = at.min(text.len());
        let to = (from + cut).min(text.len());
        text.replace_range(from..to, &put);
        subject().message(calculator(choice), text.as_bytes());
    }

    #[test]
    fn any_number_is_added_or_refused(a: i64, b: i32) {
        let text = envelope(SOAP11, &add(&format!("<intA>{a}</intA><intB>{b}</intB>")));
        let (status, answer) = subject().message(2, text.as_bytes());
        let sum = i32::try_from(a).ok().and_then(|a| a.checked_add(b));
        match sum {
            Some(sum) => {
                let result = format!("<AddResult>{sum}</AddResult>");
                prop_assert!(answer.contains(&result), "{}", answer);
            }
            None => prop_assert_eq!(status, 500),
        }
    }

    #[test]
    fn any_content_type_is_taken_or_refused(value in "(text/xml|application/soap\\+xml|.{0,8})(;.{0,20}){0,3}") {
        subject().content_type(&value);
    }
}

/// The messages that have brought parsers down, and what they get here.
#[tokio::test]
async fn hostile_messages_are_refused_in_under_50_ms() {
    let laughs: String = (1..10)
        .map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10)))
        .collect();
    let around = |parameters: &str| envelope(SOAP11, &add(parameters));
    let value = |text: String| around(&format!("<intA>{text}</intA><intB>5</intB>"));
    let attributes: String = (0..5000).map(|i| format!(" a{i}=''")).collect();
    let namespaces: String = (0..60).map(|i| format!(" xmlns:n{i}='urn:{i}'")).collect();
    let service = service();
    for (name, body, expected) in [
        (
            "billion laughs",
            format!(
                "<!DOCTYPE x [<!ENTITY l0 \"lol\">{laughs}]>{}",
                value("&l9;".to_owned())
            ),
            "500 1.1 Client",
        ),
        ("a value of 16 MB", value("9".repeat(16 << 20)), "413"),
        (
            "a value just below the limit",
            value("9".repeat(1_000_000)),
            "500 1.1 Client",
        ),
        (
            "20,000 elements deep",
            around(&"<x>".repeat(20_000)),
            "500 1.1 Client",
        ),
        (
            "5,000 attributes",
            around(&format!("<intA{attributes}>3</intA>")),
            "500 1.1 Client",
        ),
        (
            "declarations in every element",
            around(&format!(
                "<intA{namespaces}><x{namespaces}><y{namespaces}/></x></intA>"
            )),
            "500 1.1 Client",
        ),
        (
            "a megabyte of blanks",
            around(&" ".repeat(1_000_000)),
            "200 0",
        ),
        (
            "a megabyte of comments",
            around(&"<!---->".repeat(140_000)),
            "200 0",
        ),
        (
            "a megabyte of references",
            value("&#48;".repeat(200_000)),
            "200 5",
        ),
    ] {
        let request = Ask::post(CALCULATOR, body);
        let begun = Instant::now();
        let told = tell(&service, request).await;
        let took = begun.elapsed();
        assert_eq!(told.summary(), expected, "{name}");
        // Without optimization, on a machine that does other things too, it only must not hang.
        let limit = if cfg!(debug_assertions) { 5000 } else { 50 };
        assert!(took < Duration::from_millis(limit), "{name} took {took:?}");
        assert!(told.body.len() < 1000, "{name} is repeated to the sender");
    }
}
