//! `-t`, and configurations that would stop nginx.

use crate::harness::{Proxy, test_config};

fn complaint(http: &str) -> String {
    let output = test_config(http);
    assert!(!output.status.success(), "{http} is refused");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_fault_is_shown_with_file_line_and_a_suggestion() {
    let said = complaint("server {\n  proxy_passs http://a;\n}");
    assert!(
        said.contains("[emerg] unknown directive \"proxy_passs\" in "),
        "{said}"
    );
    assert!(said.contains("/nginx.conf:7"), "{said}");
    assert!(said.contains("did you mean \"proxy_pass\"?"), "{said}");
    assert!(said.contains("test failed"), "{said}");
}

#[test]
fn faults_of_meaning_point_at_their_line_too() {
    for (http, expected) in [
        (
            "server { location / { add_header X $nobody; } }",
            "unknown \"nobody\" variable",
        ),
        ("upstream u { }", "no servers are inside upstream \"u\""),
        (
            "upstream u { server a weight=x; }",
            "invalid parameter \"weight=x\"",
        ),
        (
            "server { location / { proxy_pass ftp://a; } }",
            "invalid URL prefix",
        ),
        (
            "server { location ~ a { proxy_pass http://a/b; } }",
            "cannot have URI part",
        ),
        ("server { listen 127.0.0.1:99999; }", "invalid port"),
        (
            "server { location /a {} location /a {} }",
            "duplicate location \"/a\"",
        ),
        ("server { location ~ ( {} }", "regular expression"),
        ("server { dav_methods PUT; }", "not implemented"),
    ] {
        let said = complaint(http);
        assert!(
            said.contains(expected) && said.contains("nginx.conf:"),
            "{http}: {said}"
        );
    }
}

#[test]
fn a_name_that_does_not_resolve_never_stops_the_start() {
    let proxy = Proxy::start(
        "upstream u { server nobody.invalid:1; }
         server { listen unix:DIR/front.sock; location / { proxy_pass http://u; } location /ok { return 200 ok; } }",
    );
    assert!(proxy.get("/ok").ends_with("ok"));
    assert!(proxy.get("/").starts_with("HTTP/1.1 502 "));
    assert!(
        proxy
            .log("error.log")
            .contains("no live upstreams while connecting to upstream")
    );
}
