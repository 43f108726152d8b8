//! Every way to be wrong, in nginx's words, with the place and with what helps.

use super::super::{ConfigError, load_str};

fn error(text: &str) -> ConfigError {
    load_str("test.conf", text).expect_err("this text should be refused")
}

fn message(text: &str) -> String {
    error(text).to_string()
}

fn help(text: &str) -> String {
    error(text).help.unwrap_or_default()
}

#[test]
fn unknown_directives_are_named_with_the_nearest_known_one() {
    let text = "events {}\nhttp {\n  server {\n    lisen 80;\n  }\n}";
    assert_eq!(message(text), "unknown directive \"lisen\" in test.conf:4");
    assert_eq!(help(text), "did you mean \"listen\"?");
    assert_eq!(
        help("http { upstream u { least_con; } }"),
        "did you mean \"least_conn\"?"
    );
    assert_eq!(help("http { Server { } }"), "did you mean \"server\"?");
    assert_eq!(help("evnets { }"), "did you mean \"events\"?");
    assert_eq!(error("frobnicate on;").help, None);
}

#[test]
fn a_name_that_fits_the_context_is_suggested_first() {
    assert_eq!(help("usr a;"), "did you mean \"user\"?");
    assert_eq!(help("events { usr epoll; }"), "did you mean \"use\"?");
}

#[test]
fn misplaced_directives_hear_where_they_belong() {
    let text = "http {\n  proxy_pass http://a;\n}";
    assert_eq!(
        message(text),
        "\"proxy_pass\" directive is not allowed here in test.conf:2"
    );
    assert!(
        help(text)
            .starts_with("it is allowed in \"location\", \"if\" in \"location\", \"limit_except\"")
    );
    assert_eq!(
        message("server { }"),
        "\"server\" directive is not allowed here in test.conf:1"
    );
    assert_eq!(
        message("http { server { if ($a) { if ($b) { } } } }"),
        "\"if\" directive is not allowed here in test.conf:1"
    );
}

#[test]
fn the_number_of_arguments_is_checked() {
    let wrong =
        |name: &str| format!("invalid number of arguments in \"{name}\" directive in test.conf:1");
    assert_eq!(message("pid;"), wrong("pid"));
    assert_eq!(message("pid a b;"), wrong("pid"));
    assert_eq!(help("pid a b;"), "it takes one argument, and here it has 2");
    assert_eq!(message("events x { }"), wrong("events"));
    assert_eq!(message("http { server { listen; } }"), wrong("listen"));
    assert_eq!(message("daemon;"), wrong("daemon"));
    assert_eq!(
        help("http { log_format a; }"),
        "it takes 2 or more arguments, and here it has 1"
    );
    assert_eq!(message("include;"), wrong("include"));
    assert_eq!(message("http { types { include; } }"), wrong("include"));
}

#[test]
fn a_flag_is_on_or_off() {
    assert_eq!(
        message("daemon maybe;"),
        "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or \"off\" in test.conf:1"
    );
}

#[test]
fn what_may_stand_once_may_not_stand_twice() {
    let text = "pid a;\n\npid b;";
    assert_eq!(
        message(text),
        "\"pid\" directive is duplicate in test.conf:3"
    );
    assert_eq!(help(text), "it is given first in test.conf:1");
    assert_eq!(
        message("events {}\nevents {}"),
        "\"events\" directive is duplicate in test.conf:2"
    );
}

#[test]
fn a_forgotten_semicolon_is_guessed_from_the_line_end() {
    let text = "http { server {\n listen 80\n location / { }\n} }";
    assert_eq!(
        message(text),
        "directive \"listen\" is not terminated by \";\" in test.conf:2"
    );
    assert_eq!(help(text), "is a \";\" missing at the end of line 2?");
    let text = "http { server { location / {\n  proxy_pass http://a\n  proxy_set_header Host $host;\n} } }";
    assert_eq!(
        message(text),
        "invalid number of arguments in \"proxy_pass\" directive in test.conf:2"
    );
    assert_eq!(help(text), "is a \";\" missing at the end of line 2?");
}

#[test]
fn blocks_need_their_brace() {
    assert_eq!(
        message("events;"),
        "directive \"events\" has no opening \"{\" in test.conf:1"
    );
    assert_eq!(
        message("pid a { }"),
        "directive \"pid\" is not terminated by \";\" in test.conf:1"
    );
    assert_eq!(
        message("http { map $a $b { c { } } }"),
        "unexpected \"{\" in test.conf:1"
    );
}

#[test]
fn stray_punctuation_is_unexpected() {
    assert_eq!(message("events {}\n}"), "unexpected \"}\" in test.conf:2");
    assert_eq!(
        message("events { worker_connections 5 }"),
        "unexpected \"}\" in test.conf:1"
    );
    assert_eq!(message("pid a;;"), "unexpected \";\" in test.conf:1");
    assert_eq!(message("\n\n{"), "unexpected \"{\" in test.conf:3");
    assert_eq!(
        message("http { map $a $b { } } }"),
        "unexpected \"}\" in test.conf:1"
    );
}

#[test]
fn a_quote_must_be_followed_by_a_blank() {
    assert_eq!(message("pid \"a\"b;"), "unexpected \"b\" in test.conf:1");
    assert_eq!(message("pid 'a'\"b\";"), "unexpected \"\"\" in test.conf:1");
    assert_eq!(message("pid 'a'é;"), "unexpected \"é\" in test.conf:1");
    assert_eq!(
        message("events { use 'a'}"),
        "unexpected \"}\" in test.conf:1"
    );
}

#[test]
fn the_end_of_the_file_must_not_come_early() {
    let unfinished = "unexpected end of file, expecting \";\" or \"}\" in test.conf:";
    assert_eq!(message("pid a"), format!("{unfinished}1"));
    assert_eq!(message("pid a\n"), format!("{unfinished}2"));
    assert_eq!(message("pid \"a;\n"), format!("{unfinished}2"));
    assert_eq!(
        help("pid \"a;\n"),
        "the quote \" opened at test.conf:1 is not closed"
    );
    assert_eq!(message("pid a\\"), format!("{unfinished}1"));
    let text = "events {\n}\nhttp {\n";
    assert_eq!(
        message(text),
        "unexpected end of file, expecting \"}\" in test.conf:4"
    );
    assert_eq!(
        help(text),
        "the block of \"http\" in test.conf:3 is not closed"
    );
}

#[test]
fn what_nginx_has_and_this_proxy_lacks_is_said_and_never_ignored() {
    let text = "http {\n  fastcgi_pass_header a;\n}";
    assert_eq!(
        message(text),
        "\"fastcgi_pass_header\" directive is not implemented by this proxy in test.conf:2"
    );
    assert_eq!(help(text), "nginx has it; it belongs to FastCGI");
}

#[test]
fn overlong_words_point_to_a_forgotten_quote() {
    let long = "x".repeat(4096);
    assert_eq!(
        message(&format!("pid {long};")),
        "too long parameter \"xxxxxxxxxx...\" started in test.conf:1"
    );
    assert_eq!(
        message(&format!("\npid \"{long};")),
        "too long parameter, probably missing terminating \"\"\" character in test.conf:2"
    );
    assert!(load_str("test.conf", &format!("pid {};", "x".repeat(4095))).is_ok());
}

#[test]
fn nesting_is_bounded() {
    let text = format!("http {{ server {{ {}", "location / { ".repeat(80));
    assert_eq!(
        message(&text),
        "blocks are nested deeper than 64 in test.conf:1"
    );
}

#[test]
fn a_byte_order_mark_is_explained() {
    assert!(help("\u{feff}events {}").contains("byte order mark"));
}

#[test]
fn the_report_shows_the_line_and_the_place_in_it() {
    let report = error("events {}\nhttp {\n\tfoo bar;\n}").report();
    assert_eq!(report, "  3 | \tfoo bar;\n    | \t^\n");
    let report = error("http { server { lisen 80; } }").report();
    assert_eq!(
        report,
        "  1 | http { server { lisen 80; } }\n    |                 ^\n  help: did you mean \"listen\"?\n"
    );
}

#[test]
fn the_report_shows_a_window_of_a_long_line() {
    let report = error(&format!("{}wrong;", " ".repeat(500))).report();
    let lines: Vec<_> = report.lines().collect();
    let caret = lines[1].find('^').unwrap();
    assert!(lines[0][caret..].starts_with("wrong;"), "{report}");
    assert!(lines[0].len() < 140);
}

#[test]
fn an_argument_points_at_itself() {
    let tree = load_str("test.conf", "error_log a wrong;").unwrap();
    let error = tree.directives[0].args[1].error("invalid log level \"wrong\"");
    assert_eq!(
        error.to_string(),
        "invalid log level \"wrong\" in test.conf:1"
    );
    assert_eq!(
        error.report(),
        "  1 | error_log a wrong;\n    |             ^\n"
    );
}
