//! Where a request is passed to when blocks inside the location have a word in it.

use crate::harness::Proxy;

#[test]
fn limit_except_may_pass_on_elsewhere_and_the_last_if_decides() {
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock;
            location /except { proxy_pass http://unix:DIR/back.sock:/changed;
                limit_except POST { proxy_pass http://unix:DIR/back.sock:; } }
            location /if { set $one 1; if ($one) { proxy_pass http://unix:DIR/back.sock:; } if ($arg_two) { } } }
        server { listen unix:DIR/back.sock; return 200 \"$uri\\n\"; }",
    );
    for (request, expected) in [
        ("GET /except", "/except\n"),
        ("POST /except", "/changed\n"),
        ("GET /if", "/if\n"),
        ("GET /if?two=1", "500 Internal Server Error"),
    ] {
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = proxy.ask(head.as_bytes());
        assert!(answer.contains(expected), "{request}: {answer}");
    }
}
