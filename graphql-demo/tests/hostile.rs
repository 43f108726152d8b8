//! What a hostile client may send: each is refused with a text that says what to change, soon, and forgotten.

mod documents;
mod running;

use std::time::{Duration, Instant};

use documents::{documents, repeated};
use running::Demo;
use serde_json::Value;

/// A refusal may take this long. Optimised, each takes less than 50 ms (`--release`); unoptimised code takes more.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 50 });

/// How long something takes, however busy the machine is: what this thread, on which demo and client run, spends on the
/// processor. Linux tells; elsewhere the clock on the wall has to do.
struct Watch {
    started: Instant,
    on_cpu: Option<Duration>,
}

impl Watch {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            on_cpu: Self::on_cpu(),
        }
    }

    fn took(&self) -> Duration {
        match (self.on_cpu, Self::on_cpu()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.started.elapsed(),
        }
    }

    fn on_cpu() -> Option<Duration> {
        let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanos = line.split(' ').next()?.parse().ok()?;
        Some(Duration::from_nanos(nanos))
    }
}

/// Bodies that are no request.
fn bodies() -> Vec<(&'static str, String)> {
    vec![
        ("nothing", String::new()),
        ("half", "{\"query\":\"{__ty".into()),
        ("a text", "\"x\"".into()),
        ("null", "null".into()),
        ("numbers", "[1,2,3]".into()),
        ("no operation", "[]".into()),
        ("too many operations", format!("[{}]", ["{\"query\":\"{__typename}\"}"; 11].join(","))),
        ("brackets", "[".repeat(100_000)),
        ("braces", "{\"variables\":".repeat(20_000)),
        ("a number for the query", "{\"query\":7}".into()),
        ("a list of variables", "{\"query\":\"{__typename}\",\"variables\":[]}".into()),
        ("a text of variables", "{\"query\":\"{__typename}\",\"variables\":\"{}\"}".into()),
        ("a number for the operation's name", "{\"query\":\"{__typename}\",\"operationName\":7}".into()),
        ("a text for extensions", "{\"query\":\"{__typename}\",\"extensions\":\"x\"}".into()),
        ("two queries", "{\"query\":\"{__typename}\",\"query\":\"{__typename}\"}".into()),
        ("a wrong hash", "{\"query\":\"{__typename}\",\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"00\"}}}".into()),
        ("too long", format!("{{\"query\":\"{}\"}}", "x".repeat(300_000))),
        ("no such operation", "{\"query\":\"{__typename}\",\"operationName\":\"X\"}".into()),
        ("a missing variable", "{\"query\":\"query($c:ID!){country(code:$c){code}}\"}".into()),
        ("a wrong variable", "{\"query\":\"query($c:ID!){country(code:$c){code}}\",\"variables\":{\"c\":[1]}}".into()),
    ]
}

#[tokio::test]
async fn hostile_documents_are_refused_soon() {
    let demo = Demo::start().await;
    let _ = demo.ask("{ __typename }").await; // the facts are read
    let documents = documents();
    assert!(documents.len() >= 60, "{}", documents.len());
    let mut slow = Vec::new();
    for (title, query, says) in documents {
        let watch = Watch::start();
        let answer = demo.ask(&query).await;
        let took = watch.took();
        let errors = answer["errors"].as_array();
        let errors =
            errors.unwrap_or_else(|| panic!("{title} is answered: {:.200}", answer.to_string()));
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{title}: {message}");
        assert!(message.len() < 40_000 && errors.len() <= 10, "{title}");
        if took > PATIENCE {
            slow.push(format!("{title}: {took:?}"));
        }
    }
    assert_eq!(slow, [""; 0]);
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let demo = Demo::start().await;
    for (title, body) in bodies() {
        let request = demo
            .post(body)
            .header("accept", "application/graphql-response+json");
        let response = request.send().await.unwrap();
        assert!(
            response.status().is_client_error(),
            "{title}: {}",
            response.status()
        );
        let answer: Value = response.json().await.unwrap();
        assert!(answer["errors"][0]["message"].is_string(), "{title}");
        assert_eq!(answer.get("data"), None, "{title}");
    }
}

/// Each of them may pass for a text or two: it tries 2048 ways through eleven letters, fewer steps than are allowed.
#[tokio::test]
async fn the_regular_expressions_of_one_request_share_one_budget() {
    let demo = Demo::start().await;
    let one = |at: usize| {
        let regex = r"^((?=(.))\\2|.){11}#";
        format!("a{at}: countries(filter: {{name: {{regex: \"{regex}{at}\"}}}}) {{ code }} ")
    };
    let watch = Watch::start();
    let answer = demo.ask(&format!("{{{}}}", repeated(one, 50))).await;
    let took = watch.took();
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("too long"), "{message}");
    assert!(took < PATIENCE, "{took:?}");
}
