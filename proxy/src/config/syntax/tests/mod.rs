//! What is read from good files; `errors` has the bad ones, `includes` the disk.

mod errors;
mod includes;
mod reference;

use super::table::{self, Body, Contexts};
use super::*;

/// The directives of a `server` block with this text.
fn server(text: &str) -> Vec<Directive> {
    let mut tree = load_str("test.conf", &format!("http {{ server {{ {text} }} }}")).unwrap();
    let mut http = tree.directives.remove(0).block.unwrap();
    http.remove(0).block.unwrap()
}

/// The words behind `server_name`, which takes any.
fn words(text: &str) -> Vec<String> {
    let mut directives = server(&format!("server_name {text};"));
    directives
        .remove(0)
        .args
        .into_iter()
        .map(|arg| arg.text)
        .collect()
}

#[test]
fn words_end_at_blanks_and_semicolons() {
    assert_eq!(words("a\tb\r\n  c"), ["a", "b", "c"]);
    assert_eq!(words("a}b c#d"), ["a}b", "c#d"]);
    assert_eq!(words("a\"b c'd"), ["a\"b", "c'd"]);
}

#[test]
fn quotes_keep_blanks_and_structure() {
    assert_eq!(words(r#""a b;{}" 'c "d" #'"#), ["a b;{}", "c \"d\" #"]);
    assert_eq!(words("\"\" ''"), ["", ""]);
    assert_eq!(words("\"one\ntwo\""), ["one\ntwo"]);
}

#[test]
fn quoted_arguments_say_so() {
    let directives = server("server_name a 'a' \"a\";");
    let quoted: Vec<_> = directives[0].args.iter().map(|arg| arg.quoted).collect();
    assert_eq!(quoted, [false, true, true]);
}

#[test]
fn backslash_escapes_are_undone_only_where_nginx_does() {
    assert_eq!(
        words(r#""\"" '\'' \\ a\tb a\rb a\nb"#),
        ["\"", "'", "\\", "a\tb", "a\rb", "a\nb"]
    );
    assert_eq!(
        words(r"~^\d+\.com$ \;a \{ a\ b"),
        [r"~^\d+\.com$", r"\;a", r"\{", r"a\ b"]
    );
    assert_eq!(words(r"\é x"), [r"\é", "x"]);
}

#[test]
fn braces_after_a_dollar_belong_to_the_word() {
    assert_eq!(
        words("${host}.com a${b}c${d}"),
        ["${host}.com", "a${b}c${d}"]
    );
    assert_eq!(words("\"${host}\""), ["${host}"]);
}

#[test]
fn a_block_may_follow_a_word_without_a_blank() {
    let directives = server("location /{return 200;}");
    assert_eq!(directives[0].args[0].text, "/");
    assert_eq!(directives[0].children()[0].name, "return");
}

#[test]
fn a_parenthesis_may_follow_a_quote() {
    let directives = server("if ($host = \"a b\") { return 403; }");
    let words: Vec<_> = directives[0]
        .args
        .iter()
        .map(|arg| arg.text.as_str())
        .collect();
    assert_eq!(words, ["($host", "=", "a b", ")"]);
}

#[test]
fn comments_reach_to_the_end_of_the_line() {
    let tree = load_str("test.conf", "# one } ; {\nevents { # two }\n}#three").unwrap();
    assert_eq!(tree.directives.len(), 1);
}

#[test]
fn an_empty_file_is_an_empty_tree() {
    assert!(load_str("test.conf", "").unwrap().directives.is_empty());
    assert!(
        load_str("test.conf", " # nothing\n")
            .unwrap()
            .directives
            .is_empty()
    );
}

#[test]
fn positions_count_lines_and_characters() {
    let tree = load_str("a.conf", "events {}\n# é\nerror_log \"ü\" info;\n").unwrap();
    let args = &tree.directives[1].args;
    assert_eq!((args[0].pos.line, args[0].pos.column), (3, 11));
    assert_eq!((args[1].pos.line, args[1].pos.column), (3, 15));
    assert_eq!(args[1].pos.to_string(), "a.conf:3");
}

#[test]
fn lines_of_a_map_are_not_directives() {
    let text = "http { map $host $name { hostnames; default \"\"; *.example.com 1; listen 2; } }";
    let tree = load_str("test.conf", text).unwrap();
    let map = &tree.directives[0].children()[0];
    let lines: Vec<_> = map
        .children()
        .iter()
        .map(|line| (line.name.as_str(), line.args.len()))
        .collect();
    assert_eq!(
        lines,
        [
            ("hostnames", 0),
            ("default", 1),
            ("*.example.com", 1),
            ("listen", 1)
        ]
    );
}

#[test]
fn a_directive_may_stand_once_in_each_block() {
    let directives = server("root /a; location / { root /b; } location /c { root /d; }");
    assert_eq!(directives.len(), 3);
}

#[test]
fn flags_are_read_without_regard_to_case() {
    assert_eq!(server("tcp_nodelay ON;")[0].args[0].text, "ON");
}

#[test]
fn no_name_has_two_rows_for_one_context() {
    let contexts = (0..12).map(Contexts::single);
    for context in contexts {
        let mut names: Vec<_> = table::rows()
            .filter(|row| row.contexts.meets(context))
            .map(|row| row.name)
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a name twice in {context:?}");
    }
}

#[test]
fn every_block_opens_exactly_one_context() {
    for row in table::rows() {
        if let Body::Directives(context) = row.body {
            assert_eq!(context.names().count(), 1, "{}", row.name);
        }
    }
}

#[test]
fn the_modules_own_configuration_loads_unchanged() {
    let tree = load_str("nginx.conf", MODULE).unwrap();
    let names: Vec<_> = tree
        .directives
        .iter()
        .map(|directive| directive.name.as_str())
        .collect();
    assert_eq!(names, ["events", "http"]);
    let http = tree.directives[1].children();
    assert_eq!(http[0].args[0].text, "flask_servers");
    assert_eq!(http[0].children().len(), 3);
    let location = &http[1].children()[1];
    assert_eq!(location.children()[1].args[1].text, "$host");
}

const MODULE: &str = "
events {}

http {
    upstream flask_servers {
        # least_conn;
        # ip_hash;
        server flask_server1:5000;
        server flask_server2:5000;
        server flask_server3:5000;
    }

    server {
        listen 80;

        location / {
            proxy_pass http://flask_servers;
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }
    }
}
";
