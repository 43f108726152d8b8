//! The published vectors, and a table of everything that can be wrong with a signature.

use super::*;

const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB_256: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const GITHUB_1: &str = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59";
const STANDARD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STANDARD_BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
const STANDARD_TIME: i64 = 1_649_367_553;
const STANDARD: [(&str, &str); 3] = [
    ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
    ("webhook-timestamp", "1649367553"),
    (
        "webhook-signature",
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
];

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect()
}

#[test]
fn the_published_vectors_are_valid() {
    for (header, signature, scheme) in [
        ("x-hub-signature-256", GITHUB_256, "github"),
        ("x-hub-signature", GITHUB_1, "github-sha1"),
    ] {
        let report = check(
            GITHUB_SECRET,
            &headers(&[(header, signature)]),
            b"Hello, World!",
            0,
        );
        assert_eq!(report.verdict, Verdict::Valid, "{header}: {report:?}");
        assert_eq!(report.scheme, Some(scheme));
    }
    let report = check(
        STANDARD_SECRET,
        &headers(&STANDARD),
        STANDARD_BODY,
        STANDARD_TIME + 7,
    );
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_eq!(report.age_seconds, Some(7));
}

#[test]
fn what_we_sign_is_what_the_vectors_say() {
    let (new, old) = sign_github(GITHUB_SECRET, b"Hello, World!");
    assert_eq!((new.as_str(), old.as_str()), (GITHUB_256, GITHUB_1));
    let signature = sign_standard(STANDARD_SECRET, STANDARD[0].1, STANDARD_TIME, STANDARD_BODY);
    assert_eq!(signature.unwrap(), STANDARD[2].1);
}

#[test]
fn github_says_what_is_wrong() {
    let table = [
        ("sha256=00", "expected sha256="),
        ("sha1=757107", "expected sha256="),
        (GITHUB_1, "expected sha256="),
        (
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
            "another secret",
        ),
        (
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1é",
            "malformed",
        ),
    ];
    for (signature, reason) in table {
        let headers = headers(&[("x-hub-signature-256", signature)]);
        let report = check(GITHUB_SECRET, &headers, b"Hello, World!", 0);
        assert_eq!(report.verdict, Verdict::Invalid, "{signature}");
        assert!(
            report.reason.as_ref().unwrap().contains(reason),
            "{report:?}"
        );
    }
}

#[test]
fn the_usual_two_mistakes_are_named() {
    let signed = |body: &[u8]| headers(&[("x-hub-signature-256", &sign_github("s", body).0)]);
    let cut = check("s", &signed(b"{}\n"), b"{}", 0).reason.unwrap();
    assert!(cut.contains("line feed"), "{cut}");
    let form = check(
        "s",
        &signed(b"{\"a\": 1}"),
        b"payload=%7B%22a%22%3A+1%7D",
        0,
    );
    let form = form.reason.unwrap();
    assert!(form.contains("form itself"), "{form}");
}

#[test]
fn a_changed_byte_anywhere_breaks_the_standard_signature() {
    for at in 0..STANDARD_BODY.len() {
        let mut body = STANDARD_BODY.to_vec();
        body[at] ^= 1;
        let report = check(STANDARD_SECRET, &headers(&STANDARD), &body, STANDARD_TIME);
        assert_eq!(report.verdict, Verdict::Invalid, "byte {at}");
    }
}

#[test]
fn the_replay_window_ends_after_five_minutes_both_ways() {
    for (drift, verdict, reason) in [
        (300, Verdict::Valid, ""),
        (-300, Verdict::Valid, ""),
        (301, Verdict::Invalid, "signed 301 s ago"),
        (-301, Verdict::Invalid, "signed 301 s in the future"),
    ] {
        let report = check(
            STANDARD_SECRET,
            &headers(&STANDARD),
            STANDARD_BODY,
            STANDARD_TIME + drift,
        );
        assert_eq!(report.verdict, verdict, "{drift}");
        assert!(
            report.reason.unwrap_or_default().contains(reason),
            "{drift}"
        );
    }
}

#[test]
fn a_second_signature_or_a_second_secret_lets_secrets_change() {
    let mut two = STANDARD;
    let both = format!("v1,AAAA v1a,BBBB {}", STANDARD[2].1);
    two[2].1 = &both;
    let secrets = format!("whsec_AAAA\n{STANDARD_SECRET}\n");
    let report = check(&secrets, &headers(&two), STANDARD_BODY, STANDARD_TIME);
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
}

#[test]
fn standard_says_what_is_wrong() {
    let with = |name: &str, value: &'static str| {
        STANDARD.map(|pair| {
            if pair.0 == name {
                (pair.0, value)
            } else {
                pair
            }
        })
    };
    let table = [
        (
            STANDARD_SECRET,
            STANDARD[1..].to_vec(),
            "webhook-id is missing",
        ),
        (
            STANDARD_SECRET,
            with("webhook-timestamp", "soon").to_vec(),
            "unix seconds",
        ),
        (
            STANDARD_SECRET,
            with("webhook-signature", "v1a,AAAA").to_vec(),
            "public key",
        ),
        (
            STANDARD_SECRET,
            with("webhook-signature", "v1,@@").to_vec(),
            "another secret",
        ),
        (
            STANDARD_SECRET,
            with("webhook-id", "msg_2").to_vec(),
            "another secret",
        ),
        ("no base64!", STANDARD.to_vec(), "whsec_"),
        ("", STANDARD.to_vec(), "empty"),
    ];
    for (secret, pairs, reason) in table {
        let report = check(secret, &headers(&pairs), STANDARD_BODY, STANDARD_TIME);
        assert_eq!(report.verdict, Verdict::Invalid, "{reason}");
        assert!(
            report.reason.as_ref().unwrap().contains(reason),
            "{report:?}"
        );
    }
}

#[test]
fn stripe_signs_time_and_body() {
    let signature = mac::to_hex(&mac::sha256(b"whsec_test", &[b"1000.", b"{}"]));
    let value = format!("t=1000,v0=ff,v1={signature}");
    let table = [
        (value.as_str(), b"{}".as_slice(), 1000, Verdict::Valid),
        (value.as_str(), b"{ }", 1000, Verdict::Invalid),
        (value.as_str(), b"{}", 2000, Verdict::Invalid),
        ("v1=00", b"{}", 1000, Verdict::Invalid),
        ("t=1000", b"{}", 1000, Verdict::Invalid),
        ("t=1000,v1=xyz", b"{}", 1000, Verdict::Invalid),
    ];
    for (value, body, now, verdict) in table {
        let headers = headers(&[("stripe-signature", value)]);
        let report = check("whsec_test", &headers, body, now);
        assert_eq!(report.verdict, verdict, "{value} {report:?}");
    }
}

#[test]
fn without_a_header_it_is_unsigned_and_ids_are_found() {
    let report = check("s", &headers(&[]), b"", 0);
    assert_eq!(report.verdict, Verdict::Unsigned);
    for name in ["x-github-delivery", "webhook-id", "idempotency-key"] {
        let id = delivery_id(&headers(&[(name, "42")]));
        assert_eq!(id.as_deref(), Some("42"), "{name}");
    }
    assert_eq!(delivery_id(&headers(&[("webhook-id", "")])), None);
}
