//! `include`, `-g` and faults of the disk, each test in a folder of its own.

use std::fs;
use std::path::Path;

use super::super::{ConfigError, Tree, load};

/// A folder with these files; the first is the main one.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &Path) -> Result<Tree, ConfigError> {
    load(&folder.join("nginx.conf"), folder, &[])
}

fn server_names(tree: &Tree) -> Vec<&str> {
    let servers = tree.directives[0].children();
    servers
        .iter()
        .map(|server| server.children()[0].args[0].text.as_str())
        .collect()
}

#[test]
fn a_mask_includes_the_files_in_the_order_of_their_names() {
    let folder = folder(&[
        ("nginx.conf", "http { include conf.d/*.conf; }"),
        ("conf.d/b.conf", "server { server_name b; }"),
        ("conf.d/a.conf", "server { server_name a; }"),
        ("conf.d/.hidden.conf", "server { server_name hidden; }"),
        ("conf.d/c.conf.off", "server { server_name c; }"),
    ]);
    let tree = read(folder.path()).unwrap();
    assert_eq!(server_names(&tree), ["a", "b"]);
    let files: Vec<_> = tree
        .files
        .iter()
        .map(|file| file.path.strip_prefix(folder.path()).unwrap().to_owned())
        .collect();
    assert_eq!(
        files,
        ["nginx.conf", "conf.d/a.conf", "conf.d/b.conf"].map(Path::new)
    );
}

#[test]
fn a_mask_may_find_nothing_but_a_name_may_not() {
    let found_nothing = folder(&[("nginx.conf", "http { include conf.d/*.conf; }")]);
    assert!(read(found_nothing.path()).is_ok());
    let missing = folder(&[("nginx.conf", "events {}\nhttp { include missing.conf; }")]);
    let error = read(missing.path()).unwrap_err();
    let expected = format!(
        "open() \"{0}/missing.conf\" failed (2: No such file or directory) in {0}/nginx.conf:2",
        missing.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn includes_work_in_every_context() {
    let folder = folder(&[
        (
            "nginx.conf",
            "include main.inc; http { types { include types.inc; } include http.inc; }",
        ),
        ("main.inc", "pid a; events { include events.inc; }"),
        ("events.inc", "worker_connections 16;"),
        ("types.inc", "text/html html;"),
        (
            "http.inc",
            "map $host $name { include map.inc; } server { include server.inc; }",
        ),
        ("map.inc", "a 1;\nb 2;\n"),
        ("server.inc", "location / { include location.inc; }"),
        ("location.inc", "return 204;"),
    ]);
    let tree = read(folder.path()).unwrap();
    assert_eq!(tree.directives[0].name, "pid");
    let http = tree.directives[2].children();
    assert_eq!(http[0].children()[0].name, "text/html");
    assert_eq!(http[1].children().len(), 2);
    assert_eq!(http[2].children()[0].children()[0].name, "return");
}

#[test]
fn a_file_included_twice_is_listed_once() {
    let folder = folder(&[
        (
            "nginx.conf",
            "http { server { include one; } server { include one; } }",
        ),
        ("one", "server_name x;"),
    ]);
    let tree = read(folder.path()).unwrap();
    assert_eq!(server_names(&tree), ["x", "x"]);
    assert_eq!(tree.files.len(), 2);
}

#[test]
fn an_error_names_the_included_file() {
    let folder = folder(&[
        ("nginx.conf", "http { include a.conf; }"),
        ("a.conf", "\nfoo;"),
    ]);
    let error = read(folder.path()).unwrap_err();
    let expected = format!(
        "unknown directive \"foo\" in {}/a.conf:2",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_block_must_end_in_the_file_where_it_starts() {
    let open = folder(&[("nginx.conf", "include a; }"), ("a", "events {")]);
    let message = read(open.path()).unwrap_err().message;
    assert_eq!(message, "unexpected end of file, expecting \"}\"");
    let closed = folder(&[("nginx.conf", "events { include a;"), ("a", "}")]);
    assert_eq!(read(closed.path()).unwrap_err().message, "unexpected \"}\"");
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let folder = folder(&[("nginx.conf", "include nginx.conf;")]);
    let error = read(folder.path()).unwrap_err();
    assert_eq!(error.message, "includes are nested deeper than 32");
}

#[test]
fn duplicates_are_found_across_files() {
    let folder = folder(&[("nginx.conf", "pid a;\ninclude b;"), ("b", "pid b;")]);
    assert_eq!(
        read(folder.path()).unwrap_err().message,
        "\"pid\" directive is duplicate"
    );
}

#[test]
fn a_missing_main_file_has_no_place_of_its_own() {
    let folder = folder(&[]);
    let error = read(folder.path()).unwrap_err();
    let path = folder.path().join("nginx.conf");
    let expected = format!(
        "open() \"{}\" failed (2: No such file or directory)",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.report(), "");
}

#[test]
fn a_folder_is_no_file() {
    let folder = folder(&[("nginx.conf", "include conf.d;"), ("conf.d/a", "")]);
    let error = read(folder.path()).unwrap_err();
    assert!(
        error.message.ends_with("failed (21: Is a directory)"),
        "{error}"
    );
}

#[test]
fn bytes_that_are_not_text_are_found() {
    let folder = folder(&[]);
    fs::write(
        folder.path().join("nginx.conf"),
        b"events {}\npid \xc3\xa9 \xff;\n",
    )
    .unwrap();
    let error = read(folder.path()).unwrap_err();
    assert_eq!(error.message, "byte 0xff is not UTF-8 text");
    let pos = error.pos.unwrap();
    assert_eq!((pos.line, pos.column), (2, 7));
}

#[test]
fn options_of_the_command_line_come_first() {
    let folder = folder(&[("nginx.conf", "events {}")]);
    let option = |text: &str| {
        load(
            &folder.path().join("nginx.conf"),
            folder.path(),
            &[text.to_owned()],
        )
    };
    let tree = option("daemon off; pid x;").unwrap();
    assert_eq!(tree.directives.len(), 3);
    assert_eq!(tree.files.len(), 1);
    let fault = |text: &str| option(text).unwrap_err().to_string();
    assert_eq!(
        fault("daemon off"),
        "unexpected end of parameter, expecting \";\" in command line"
    );
    assert_eq!(fault("foo;"), "unknown directive \"foo\" in command line");
    assert_eq!(
        fault("events { }"),
        "block directives are not supported in -g option in command line"
    );
}
