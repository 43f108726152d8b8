//! Doors for the fuzzers in `fuzz/`: each takes any bytes, puts them through one parser of untrusted text, and panics
//! when a promise is broken. Not part of the demo's interface.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::engine::{Caller, Engine};
use crate::http::{Persisted, Visitor, only_operation};
use crate::schema::{Pattern, glob_matches};

/// Longer than anything takes, instrumented as the fuzzer is.
const SOON: Duration = Duration::from_secs(2);

struct Bench {
    engine: Engine,
    runtime: Runtime,
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| Bench {
        engine: Engine::new(),
        runtime: Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime needs nothing here"),
    })
}

/// The body of a POST is refused, or answered with JSON that has data.
pub fn document(bytes: &[u8]) {
    let bench = bench();
    let caller = Caller {
        visitor: Visitor::default(),
        batching: true,
        show_lookups: false,
        read_only: false,
    };
    let started = Instant::now();
    if let Ok(operation) = only_operation(bytes, &Persisted::default()) {
        let answered = bench
            .runtime
            .block_on(bench.engine.execute(&operation, &caller));
        let body = answered.map_or_else(|refusal| refusal.body(), |answer| answer.body);
        let json: serde_json::Value = serde_json::from_str(&body).expect("an answer is JSON");
        assert!(json.get("data").is_some() || json.get("errors").is_some());
    }
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
}

/// A pattern is compiled or refused, and matching ends.
pub fn pattern(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let started = Instant::now();
    let compiled = Pattern::new(text);
    for fact in &countries::facts().countries[..20] {
        if let Ok(pattern) = &compiled {
            let _ = pattern.is_match(fact.name);
        }
        glob_matches(text, fact.name);
    }
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
}
