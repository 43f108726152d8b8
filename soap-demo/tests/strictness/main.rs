//! What the specifications say about messages, clause by clause: which must be answered, which refused, and how.
//! Calculator.Add of 3 and 5 is the message; each case is one deviation from it. `2.8` stands for section 2.8 of the
//! specification that the file is named for, `R1008` for a requirement of the Basic Profile.

#[path = "../ask/mod.rs"]
mod ask;
mod basic_profile;
mod schema;
mod soap_1_1;
mod soap_1_2;
mod xml;

use ask::{Ask, CALCULATOR, SOAP11, SOAP12, THREE_AND_FIVE, add, envelope, service, tell};

/// Clause, message, what comes back.
type Case = (&'static str, Ask, &'static str);

/// Runs all cases and shows all that differ.
async fn check(cases: Vec<Case>) {
    let service = service();
    let mut differing = Vec::new();
    eprintln!("{} cases", cases.len());
    for (clause, ask, expected) in cases {
        let told = tell(&service, ask).await;
        let summary = told.summary();
        if summary != expected {
            differing.push(format!(
                "{clause}: {summary}, not {expected}\n  {}",
                told.body
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn post(body: impl Into<Vec<u8>>) -> Ask {
    Ask::post(CALCULATOR, body)
}

/// SOAP 1.1 around these parameters of Add.
fn parameters(text: &str) -> Ask {
    post(envelope(SOAP11, &add(text)))
}

fn soap11(body: &str) -> Ask {
    post(envelope(SOAP11, body))
}

fn soap12(body: &str) -> Ask {
    post(envelope(SOAP12, body)).with("content-type", "application/soap+xml; charset=utf-8")
}

fn valid() -> String {
    envelope(SOAP11, &add(THREE_AND_FIVE))
}

/// With this Header, in SOAP 1.1 or 1.2.
fn header(namespace: &str, header: &str) -> Ask {
    let body = add(THREE_AND_FIVE);
    post(format!(
        "<s:Envelope xmlns:s=\"{namespace}\"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ))
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| {
        if big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    let marked = std::iter::once(0xFEFF).chain(text.encode_utf16());
    marked.flat_map(bytes).collect()
}
