//! Answers that are made of others: pages with includes, slices, mirrored requests, lists of folders.

use std::io::Write as _;

use crate::harness::{Backend, Proxy, wait_for};

const SITE: &str = "server { listen unix:DIR/front.sock; root DIR; ssi on; default_type text/html;
    location /data/ { alias DIR/; ssi off; }
    location /quiet/ { alias DIR/; ssi_silent_errors on; }
    location /dated/ { alias DIR/; ssi_last_modified on; }
    location /zip/ { alias DIR/; gzip on; gzip_min_length 1; }
    location /words/ { return 200 \"[$uri:$args:$request_method:$is_args$http_x]\"; }
    location /peer/ { proxy_pass http://unix:DIR/back.sock:/; }
    location /around/ { ssi off; add_before_body /words/a; add_after_body /words/b?c; return 200 -; }
    location /away/ { return 204; }
    location /text/ { default_type text/plain; return 200 '<!--#echo var=\"uri\" -->'; }
    location /returned/ { return 200 '<<!--#include virtual=\"/words/\" -->>'; }
}";

fn site(pages: &[(&str, &str)]) -> Proxy {
    let proxy = Proxy::start(SITE);
    for (name, text) in pages {
        std::fs::write(proxy.path(name), text).expect("a page");
    }
    proxy
}

/// The body of the page that the commands make, as an old client without chunks gets it.
fn body(proxy: &Proxy, path: &str) -> String {
    let answer = proxy.ask(format!("GET {path} HTTP/1.0\r\nX: y\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(" 200 "), "{head}");
    body.to_owned()
}

fn page(text: &str) -> String {
    let proxy = site(&[("p.html", text)]);
    body(&proxy, "/p.html?q")
}

#[test]
fn includes_stand_where_their_commands_stood() {
    assert_eq!(
        page("a<!--#include virtual=\"/words/x%20y?z=1\" -->b<!--#include file=\"words/\" -->c"),
        "a[/words/x y:z=1:GET:?y]b[/words/::GET:y]c"
    );
    // Into a variable, and from there into the page; a failure leaves it empty.
    assert_eq!(
        page(
            "<!--#include virtual=\"/words/\" set=\"v\" -->-<!--#echo var=\"v\" --><!--#include virtual=\"/none\" set=\"v\" -->[<!--#echo var=\"v\" -->]"
        ),
        "-[/words/::GET:y][]"
    );
    let proxy = site(&[
        (
            "p.html",
            "<!--#include virtual=\"/data/big\" set=\"v\" -->[<!--#echo var=\"v\" -->]",
        ),
        ("big", &"b".repeat(5000)),
    ]);
    assert_eq!(body(&proxy, "/p.html"), "[]");
    assert!(
        proxy
            .log("error.log")
            .contains("too big subrequest response")
    );
    assert_eq!(
        body(&proxy, "/around/"),
        "[/words/a::GET:y]-[/words/b:c:GET:?y]"
    );
    assert_eq!(body(&proxy, "/returned/"), "<[/words/::GET:y]>");
    assert_eq!(
        body(&proxy, "/text/"),
        "<!--#echo var=\"uri\" -->",
        "not of this type"
    );
    assert_eq!(body(&proxy, "/data/p.html").len(), 67, "and not everywhere");
}

#[test]
fn a_stub_stands_in_for_what_is_empty_or_fails() {
    let block = "<!--#block name=\"s\" -->[<!--#echo var=\"uri\" -->]<!--#endblock -->";
    for target in ["/none", "/away/", "/peer/"] {
        let text = format!("{block}<!--#include virtual=\"{target}\" stub=\"s\" -->.");
        assert_eq!(page(&text), "[/p.html].", "{target}");
    }
    let text = format!("{block}<!--#include virtual=\"/words/\" stub=\"s\" -->.");
    assert_eq!(page(&text), "[/words/::GET:y].");
    // Without one the error's page is shown, as in nginx.
    assert!(page("<!--#include virtual=\"/none\" -->").contains("404 Not Found"));
}

#[test]
fn commands_do_what_they_say() {
    let table = [
        (
            "<!--#set var=\"a\" value=\"<$args>\" --><!--#echo var=\"A\" -->",
            "&lt;q&gt;",
        ),
        (
            "<!--#echo var=\"no\" --><!--#echo var=\"no\" default=\"d\" -->",
            "(none)d",
        ),
        (
            "<!--#set var=\"a\" value=\"x y\" --><!--#echo var=\"a\" encoding=\"url\" -->",
            "x%20y",
        ),
        (
            "<!--#if expr=\"$args = q\" -->1<!--#else -->2<!--#endif -->3",
            "13",
        ),
        (
            "<!--#if expr=\"$no\" -->1<!--#elif expr=\"$args != q\" -->2<!--#else -->3<!--#endif -->",
            "3",
        ),
        (
            "<!--#if expr=\"$uri = /p(.)(?<n>h)/\" --><!--#echo var=\"1\" --><!--#echo var=\"n\" --><!--#endif -->",
            ".h",
        ),
        (
            "<!--#config timefmt=\"%Y|%Z\" --><!--#if expr=\"$date_gmt = /^2[0-9]{3}.GMT$/\" -->y<!--#endif -->",
            "y",
        ),
        (
            "<!--#config errmsg=\"E\" --><!--#no --><!--#include virtual=\"../x\" --><!--#else -->",
            "EEE",
        ),
        (
            "<!--#exec cmd=\"id\" -->",
            "[an error occurred while processing the directive]",
        ),
        (
            "<!-- no --><!--#echo var=\"uri\"",
            "<!-- no --><!--#echo var=\"uri\"",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(page(text), expected, "{text}");
    }
    let proxy = site(&[("p.html", "a<!--#no -->b")]);
    assert_eq!(body(&proxy, "/quiet/p.html"), "ab");
}

#[test]
fn a_page_has_no_length_and_no_version_unless_it_shall() {
    let proxy = site(&[("p.html", "a<!--#include virtual=\"/words/\" -->")]);
    let answer = proxy.get("/p.html");
    assert!(answer.contains("Transfer-Encoding: chunked"), "{answer}");
    for field in ["Last-Modified", "ETag", "Accept-Ranges", "Content-Length"] {
        assert!(!answer.contains(field), "{answer}");
    }
    let answer = proxy.get("/dated/p.html");
    assert!(
        answer.contains("Last-Modified") && answer.contains("ETag: W/\""),
        "{answer}"
    );
    let head = proxy.ask(b"HEAD /p.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        head.ends_with("\r\n\r\n") && !head.contains("Content-Length"),
        "{head}"
    );
    // The parts are packed with the whole.
    let request = b"GET /zip/p.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n";
    let mut stream = proxy.connect();
    stream.write_all(request).expect("sent");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut bytes).expect("an answer");
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("Content-Encoding: gzip") && !text.contains("[/words/"),
        "{text}"
    );
}

#[test]
fn a_page_that_includes_itself_comes_to_an_end() {
    let proxy = site(&[
        ("once.html", "(<!--#include virtual=\"/once.html\" -->)"),
        (
            "twice.html",
            "<!--#include virtual=\"/twice.html\" --><!--#include virtual=\"/twice.html\" -->",
        ),
        (
            "stub.html",
            "<!--#block name=\"s\" --><!--#include virtual=\"/none\" stub=\"s\" --><!--#endblock --><!--#include virtual=\"/none\" stub=\"s\" -->",
        ),
    ]);
    let once = body(&proxy, "/once.html");
    assert_eq!(once.matches('(').count(), 51, "the page and fifty levels");
    assert!(once.contains("an error occurred"), "{once}");
    let error = "[an error occurred while processing the directive]";
    let twice = body(&proxy, "/twice.html");
    assert!(twice.contains(error) && twice.len() < 2000 * error.len());
    assert_eq!(body(&proxy, "/stub.html"), error);
    assert!(proxy.log("error.log").contains("sub-requests cycle"));
}

#[test]
fn a_peers_page_and_a_peers_part_pass_through() {
    let proxy = site(&[("p.html", "<<!--#include virtual=\"/peer/part\" -->>")]);
    let _backend = Backend::start(proxy.dir.path(), "back.sock", |mut stream, request| {
        let text: &[u8] = if request.starts_with("GET /part ") {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n\
              5\r\npart \r\n5\r\n<!--#\r\n14\r\necho var=\"args\" --> \r\n0\r\n\r\n"
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 58\r\n\r\n\
              {<!--#include virtual=\"/words/\" -->}{<!--#echo var=\"a\"-->}"
        };
        let _ = stream.write_all(text);
    });
    assert_eq!(body(&proxy, "/p.html"), "<part  >");
    assert_eq!(body(&proxy, "/peer/page"), "{[/words/::GET:y]}{(none)}");
}

#[test]
fn a_file_comes_in_slices_and_only_those_that_are_wanted() {
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock; slice 4;
            location / { proxy_pass http://unix:DIR/back.sock:/; proxy_set_header Range $slice_range; } }
         server { listen unix:DIR/back.sock; root DIR; access_log DIR/back.log back;
            location /changing { add_header ETag $request_id; add_header Content-Range 'bytes 0-3/9'; return 206 abcd; } }
         log_format back $http_range;",
    );
    std::fs::write(proxy.path("file"), "0123456789abcdef").expect("a file");
    let get = |fields: &str| {
        let request = format!("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
        proxy.ask(request.as_bytes())
    };
    let whole = get("");
    assert!(
        whole.contains(" 200 ") && whole.contains("Content-Length: 16\r\n"),
        "{whole}"
    );
    assert!(!whole.contains("Content-Range") && whole.ends_with("\r\n\r\n0123456789abcdef"));
    let part = get("Range: bytes=6-9\r\n");
    assert!(
        part.contains(" 206 ") && part.contains("Content-Range: bytes 6-9/16"),
        "{part}"
    );
    assert!(
        part.contains("Content-Length: 4\r\n") && part.ends_with("\r\n\r\n6789"),
        "{part}"
    );
    let log = || proxy.log("back.log");
    let asked = wait_for("six requests", || (log().lines().count() == 6).then(log));
    let expected =
        ["0-3", "4-7", "8-11", "12-15", "4-7", "8-11"].map(|range| format!("bytes={range}\n"));
    assert_eq!(asked, expected.concat());
    // A slice of another version must not be sent as if it were of this one.
    let broken = proxy.get("/changing");
    assert!(broken.ends_with("abcd"), "{broken}");
    assert!(
        proxy
            .log("error.log")
            .contains("etag mismatch in slice response")
    );
}

#[test]
fn a_mirror_gets_the_request_too_and_nobody_waits_for_it() {
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock;
            location / { mirror /copy; mirror /bare; proxy_pass http://unix:DIR/back.sock; }
            location /copy { internal; proxy_pass http://unix:DIR/copy.sock; }
            location /bare { internal; mirror_request_body off; proxy_pass http://unix:DIR/none.sock; } }",
    );
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    let backend = Backend::answering(proxy.dir.path(), "back.sock", ok);
    let copy = Backend::answering(
        proxy.dir.path(),
        "copy.sock",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = proxy.ask(
        b"POST /x?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    );
    assert!(
        answer.contains(" 200 ") && answer.ends_with("ok"),
        "{answer}"
    );
    assert!(
        backend.seen()[0].starts_with("POST /x?a=b HTTP/1.")
            && backend.seen()[0].ends_with("\r\n\r\nbody")
    );
    let seen = wait_for("the copy", || copy.seen().first().cloned());
    assert!(
        seen.starts_with("POST /copy?a=b HTTP/1.") && seen.ends_with("\r\n\r\nbody"),
        "{seen}"
    );
    let logged = || proxy.log("access.log").lines().count();
    let count = wait_for("the log", || Some(logged()).filter(|&count| count > 0));
    assert_eq!(count, 1, "sub-requests are not logged");
}

#[test]
fn a_folder_is_listed_where_it_may_be() {
    let proxy = Proxy::start(
        "server { listen unix:DIR/front.sock;
            location / { alias DIR/; }
            location /list/ { alias DIR/; autoindex on; }
            location /json/ { alias DIR/; autoindex on; autoindex_format json; } }",
    );
    std::fs::create_dir(proxy.path("sub")).expect("a folder");
    std::fs::write(proxy.path("sub/a&b"), "12345").expect("a file");
    assert!(proxy.get("/sub/").contains(" 403 "));
    let list = proxy.get("/list/sub/");
    assert!(
        list.contains("<a href=\"a%26b\">a&amp;b</a>") && list.contains("Index of /list/sub/"),
        "{list}"
    );
    assert!(proxy.get("/list/").contains("<a href=\"sub/\">sub/</a>"));
    let json = proxy.get("/json/sub/");
    assert!(
        json.contains("\"name\":\"a&b\", \"type\":\"file\"") && json.contains("\"size\":5"),
        "{json}"
    );
    assert!(proxy.get("/list/none/").contains(" 404 "));
}
