//! Documents that a hostile client may send.

#![allow(dead_code, reason = "not every test builds its own")]

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

pub(crate) fn repeated(part: impl Fn(usize) -> String, count: usize) -> String {
    (0..count).map(part).collect()
}

/// Documents, each with a part of what is said about it.
pub(crate) fn documents() -> Vec<(&'static str, String, &'static str)> {
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
