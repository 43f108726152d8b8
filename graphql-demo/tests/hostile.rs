//! What a hostile client may send: each is refused with a text that says what to change, soon, and forgotten.

mod running;

use std::time::{Duration, Instant};

use running::Demo;
use serde_json::{Value, json};

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

fn nested(depth: usize) -> String {
    let mut query = String::from("{country(code:\"BR\")");
    for _ in 0..depth {
        query.push_str("{continent{countries");
    }
    query.push_str("{code}");
    query.push_str(&"}}".repeat(depth));
    query + "}"
}

fn filter(operators: &str) -> String {
    format!("{{countries(filter:{{name:{{{operators}}}}}){{code}}}}")
}

fn repeated(part: impl Fn(usize) -> String, count: usize) -> String {
    (0..count).map(part).collect()
}

/// Documents, each with a part of what is said about it.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let doubled = |levels: usize| {
        let level = |at: usize| {
            format!(
                "fragment F{at} on Country{{a{at}:continent{{countries{{...F{n}}}}} b{at}:continent{{countries{{...F{n}}}}}}}",
                n = at + 1
            )
        };
        let last = format!("fragment F{levels} on Country{{code}}");
        format!(
            "{{country(code:\"BR\"){{...F0}}}}{}{last}",
            repeated(level, levels)
        )
    };
    let mut all = vec![
        ("deep by twos", nested(12), "nested"),
        ("deeper", nested(40), ""),
        ("deepest", nested(1000), ""),
        ("brackets", "{a".repeat(10_000), ""),
        ("unclosed lists", filter(&format!("in:{}", "[".repeat(5000))), ""),
        ("closed lists", filter(&format!("in:{}{}", "[".repeat(3000), "]".repeat(3000))), ""),
        ("objects in objects", filter(&"eq:{".repeat(3000)), ""),
        ("lists within lists", "{countries{languages{countries{languages{countries{code}}}}}}".into(), "fields"),
        ("continents of countries", "{countries{continent{countries{continent{countries{code}}}}}}".into(), "fields"),
        ("borders of borders", "{countries{borders{borders{borders{borders{borders{borders{borders{code}}}}}}}}}".into(), "fields"),
        ("states", "{countries{states{country{states{country{states{country{states{name}}}}}}}}}".into(), "fields"),
        ("aliases", format!("{{{}}}", repeated(|at| format!("a{at}:countries{{code}} "), 60)), "aliases"),
        ("many aliases", format!("{{{}}}", repeated(|at| format!("a{at}:__typename "), 1500)), "aliases"),
        ("aliases of countries", format!("{{{}}}", repeated(|at| format!("a{at}:country(code:\"BR\"){{name}} "), 300)), "aliases"),
        ("doubling fragments", doubled(5), ""),
        ("more doubling fragments", doubled(30), ""),
        ("a fragment in itself", "{country(code:\"BR\"){...F}} fragment F on Country{...F}".into(), ""),
        ("fragments in a circle", "{country(code:\"BR\"){...A}} fragment A on Country{...B} fragment B on Country{...C} fragment C on Country{...A}".into(), ""),
        ("a deep circle", "{country(code:\"BR\"){...A}} fragment A on Country{continent{countries{...A}}}".into(), ""),
        ("many unused fragments", format!("{{__typename}}{}", repeated(|at| format!("fragment F{at} on Country{{code}} "), 500)), ""),
        ("many operations", repeated(|at| format!("query Q{at}{{__typename}} "), 900), ""),
        ("the same operation", "query Q{__typename} ".repeat(900), ""),
        ("many unknown fields", format!("{{{}}}", repeated(|at| format!("x{at} "), 3000)), ""),
        ("many arguments", format!("{{country({}){{code}}}}", repeated(|at| format!("a{at}:1 "), 1500)), ""),
        ("many variables", format!("query({}){{__typename}}", repeated(|at| format!("$a{at}:Int "), 1500)), ""),
        ("many directives", format!("{{__typename {}}}", "@skip(if:false)".repeat(1500)), ""),
        ("unknown directives", format!("{{__typename {}}}", repeated(|at| format!("@d{at} "), 1500)), ""),
        ("differing fields", format!("{{country(code:\"BR\"){{{}}}}}", repeated(|at| format!("x:name(lang:\"{at}\") "), 300)), ""),
        ("a long document", format!("{{__typename}} # {}", "x".repeat(40_000)), "longer"),
        ("a long name", format!("{{{}}}", "x".repeat(30_000)), ""),
        ("a long text", format!("{{country(code:\"{}\"){{code}}}}", "x".repeat(40_000)), "longer"),
        ("commas", format!("{{{}__typename}}", ",".repeat(40_000)), "longer"),
        ("many tokens", format!("{{{}}}", "a ".repeat(12_000)), ""),
        ("introspection in circles", "{__schema{types{fields{type{fields{type{fields{type{fields{type{fields{type{fields{type{name}}}}}}}}}}}}}}}".into(), "fields"),
        ("typename of types", "{__type(name:\"Country\"){fields{type{ofType{fields{type{ofType{fields{type{ofType{fields{type{ofType{fields{type{ofType{name}}}}}}}}}}}}}}}}}".into(), "fields"),
        ("no document", String::new(), ""),
        ("a comment", "# nothing".into(), ""),
        ("a schema", "type X { a: Int }".into(), ""),
        ("a NUL", "{__typename\0}".into(), ""),
        ("an emoji", "{😀}".into(), ""),
        ("an unclosed text", "{country(code:\"BR){code}}".into(), ""),
        ("an unclosed block text", "{country(code:\"\"\"BR){code}}".into(), ""),
        ("a lone surrogate", "{country(code:\"\\uD800\"){code}}".into(), ""),
        ("a wrong escape", "{country(code:\"\\q\"){code}}".into(), ""),
        ("a large number", format!("{{countriesPage(first:{}){{totalCount}}}}", "9".repeat(400)), ""),
        ("a negative page", "{countriesPage(first:-1){totalCount}}".into(), "0 to 100"),
        ("a large page", "{countriesPage(first:1000000){totalCount}}".into(), "0 to 100"),
        ("two ends of a page", "{countriesPage(first:1,last:1){totalCount}}".into(), "either"),
        ("a type for another", "{countries(filter:{code:{eq:1}}){code}}".into(), ""),
        ("an object for a text", "{country(code:{a:1}){code}}".into(), ""),
        ("a field twice", filter("eq:\"a\",eq:\"b\""), "only one"),
        ("a subscription without a stream", "subscription{favouritesChanged{action}}".into(), "WebSocket"),
        ("two subscriptions at once", "subscription{favouritesChanged{action} b:favouritesChanged{action}}".into(), ""),
        ("an unknown favourite", "mutation{addFavourite(code:\"XX\"){code}}".into(), "no country"),
    ];
    let catastrophes = [
        (
            "repeats in repeats",
            r#"regex:"^(([a-zA-Z ])+.)+\\2[0-9]([a-z])+$""#,
            "steps",
        ),
        (
            "alternatives in repeats",
            r#"regex:"^(a|a|[A-Za-z ]|.)*(?=x)\\1$""#,
            "",
        ),
        (
            "look-ahead in repeats",
            r#"regex:"^((?=(.))\\2|.)+#$""#,
            "steps",
        ),
        (
            "a huge repeat",
            r#"regex:"((a{90}){90}){90}""#,
            "can't be used",
        ),
        (
            "a huge class",
            r#"regex:"(\\W{99}\\W{99}){99}""#,
            "can't be used",
        ),
        ("an unclosed group", r#"regex:"(""#, "can't be used"),
        ("a backslash", r#"regex:"\\""#, "can't be used"),
        ("a flag", r#"regex:"(?i)b""#, "can't be used"),
        ("a possessive repeat", r#"regex:"a++""#, "can't be used"),
    ];
    let catastrophes =
        catastrophes.map(|(title, operators, says)| (title, filter(operators), says));
    all.extend(catastrophes);
    all.push((
        "a long pattern",
        filter(&format!("regex:\"{}\"", "a".repeat(201))),
        "longer",
    ));
    all.push((
        "nested groups",
        filter(&format!("regex:\"{}\"", "(".repeat(190))),
        "can't be used",
    ));
    all
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

#[tokio::test]
async fn the_regular_expressions_of_one_request_share_one_budget() {
    let demo = Demo::start().await;
    let one = |at: usize| {
        format!(
            "a{at}: countries(filter: {{name: {{regex: \"^(?=(.*){at})(.*.*.*.*)x\"}}}}) {{ code }} "
        )
    };
    let watch = Watch::start();
    let answer = demo.ask(&format!("{{{}}}", repeated(one, 50))).await;
    let took = watch.took();
    assert!(answer["errors"][0]["message"].is_string());
    assert!(took < PATIENCE, "{took:?}");
}

/// Linux tells how much memory the process has ever had; others don't, and the test says so.
#[tokio::test]
async fn memory_stays_flat() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    if resident().is_none() {
        println!("skipped 1: no /proc/self/status to measure memory with");
        return;
    }
    let demo = Demo::start().await;
    let round = async |number: usize| {
        for (_, query, _) in documents() {
            demo.ask(&query).await;
        }
        // Documents that are kept, each another one.
        for at in 0..100 {
            let query = format!("{{ country(code: \"{number}-{at}\") {{ name }} }}");
            demo.send(&json!({ "query": query })).await;
        }
    };
    round(0).await;
    round(1).await;
    let before = resident().unwrap();
    for number in 2..5 {
        round(number).await;
    }
    let after = resident().unwrap();
    assert!(after < before + 20_000, "{before} kB became {after} kB");
}
