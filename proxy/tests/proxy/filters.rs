//! What may change an answer on its way: ranges, conditions and compression, on files and on what
//! a peer sends.

use std::io::{Read as _, Write as _};

use crate::harness::{Backend, Proxy};

const SITE: &str = "charset_map odd utf-8 { 62 D0B6; }
  server { listen unix:DIR/front.sock; root DIR; gzip_types text/css; gzip_min_length 10;
    location / {}
    location /few/ { alias DIR/; max_ranges 1; }
    location /none/ { alias DIR/; max_ranges 0; }
    location /zip/ { alias DIR/; gzip on; gzip_vary on; }
    location /static/ { alias DIR/; gzip_static on; }
    location /unzip/ { alias DIR/; gzip_static always; gunzip on; }
    location /before/ { alias DIR/; if_modified_since before; }
    location /off/ { alias DIR/; if_modified_since off; }
    location /page/ { alias DIR/; error_page 416 /sorry; error_page 412 = /sorry; }
    location /sorry { return 200 sorry; }
    location /peer/ { proxy_pass http://unix:DIR/back.sock:/; }
    location /forced/ { proxy_pass http://unix:DIR/back.sock:/; proxy_force_ranges on; }
    location /sub/ { proxy_pass http://unix:DIR/back.sock:/; sub_filter 'FGH' '<$arg_x>'; sub_filter k K; gzip on; }
    location /text/ { charset utf-8; source_charset odd; return 200 abc; }
    location /peerzip/ { proxy_pass http://unix:DIR/back.sock:/; gzip on; gzip_proxied any; }
}";

fn site() -> (Proxy, Backend) {
    let proxy = Proxy::start(SITE);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(proxy.path(name), bytes).expect("a file");
    };
    write("ten", b"0123456789");
    write("page.html", "0123456789".repeat(100).as_bytes());
    write("page.html.gz", &gzip("0123456789".repeat(100).as_bytes()));
    let answer = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Type: text/html\r\n\
                  Content-Length: 20\r\n\r\nabcdefghijklmnopqrst";
    let backend = Backend::answering(proxy.dir.path(), "back.sock", answer);
    (proxy, backend)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The head as text and the body as bytes, chunks put together.
fn ask(proxy: &Proxy, path: &str, fields: &str) -> (String, Vec<u8>) {
    let mut stream = proxy.connect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    let body = &answer[end + 4..];
    if !head.contains("Transfer-Encoding: chunked") {
        return (head, body.to_vec());
    }
    let (mut rest, mut whole) = (body, Vec::new());
    loop {
        let line = rest.iter().position(|&b| b == b'\n').expect("a size");
        let size = std::str::from_utf8(&rest[..line]).expect("text").trim();
        let size = usize::from_str_radix(size, 16).expect("hexadecimal");
        if size == 0 {
            return (head, whole);
        }
        whole.extend_from_slice(&rest[line + 1..line + 1 + size]);
        rest = &rest[line + 3 + size..];
    }
}

fn unzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(bytes);
    decoder.read_to_string(&mut text).expect("gzip");
    text
}

#[test]
fn a_part_several_parts_or_none() {
    let (proxy, _backend) = site();
    let (head, body) = ask(&proxy, "/ten", "Range: bytes=2-4\r\n");
    assert!(head.contains(" 206 ") && head.contains("Content-Range: bytes 2-4/10"));
    assert!(
        head.contains("Content-Length: 3\r\n") && body == b"234",
        "{head}"
    );

    let (head, body) = ask(&proxy, "/ten", "Range: bytes=-2, 0-0\r\n");
    let boundary = head.split_once("boundary=").expect("several parts").1;
    let boundary = boundary.lines().next().expect("a line");
    let expected = format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
         \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\
         \r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(body).expect("text"), expected);
    assert!(head.contains(&format!("Content-Length: {}\r\n", expected.len())));

    let (head, _) = ask(&proxy, "/ten", "Range: bytes=10-\r\n");
    assert!(
        head.contains(" 416 ") && head.contains("Content-Range: bytes */10"),
        "{head}"
    );
    let (head, body) = ask(&proxy, "/few/ten", "Range: bytes=0-0,2-2\r\n");
    assert!(head.contains(" 200 ") && head.contains("Accept-Ranges") && body.len() == 10);
    let (head, _) = ask(&proxy, "/none/ten", "Range: bytes=0-0\r\n");
    assert!(
        head.contains(" 200 ") && !head.contains("Accept-Ranges"),
        "{head}"
    );
}

#[test]
fn conditions_decide_between_all_nothing_and_refusal() {
    let (proxy, _backend) = site();
    let (head, _) = ask(&proxy, "/ten", "");
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.expect("the field").to_owned()
    };
    let (etag, modified) = (field("ETag: "), field("Last-Modified: "));
    let status = |path: &str, fields: &str| {
        let (head, _) = ask(
            &proxy,
            path,
            &fields.replace("ETAG", &etag).replace("DATE", &modified),
        );
        head[9..12].to_owned()
    };
    let later = "Fri, 01 Jan 2100 00:00:00 GMT";
    assert_eq!(status("/ten", "If-None-Match: \"x\", W/ETAG\r\n"), "304");
    assert_eq!(
        status(
            "/ten",
            "If-None-Match: \"x\"\r\nIf-Modified-Since: DATE\r\n"
        ),
        "200"
    );
    assert_eq!(status("/ten", "If-Modified-Since: DATE\r\n"), "304");
    assert_eq!(
        status("/ten", &format!("If-Modified-Since: {later}\r\n")),
        "200"
    );
    assert_eq!(
        status("/before/ten", &format!("If-Modified-Since: {later}\r\n")),
        "304"
    );
    assert_eq!(status("/off/ten", "If-Modified-Since: DATE\r\n"), "200");
    assert_eq!(status("/ten", "If-Match: \"x\"\r\n"), "412");
    assert_eq!(status("/ten", "If-Match: ETAG\r\n"), "200");
    assert_eq!(status("/ten", "If-Match: W/ETAG\r\n"), "412");
    assert_eq!(
        status(
            "/ten",
            "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:09 GMT\r\n"
        ),
        "412"
    );
    assert_eq!(
        status("/ten", "Range: bytes=1-1\r\nIf-Range: ETAG\r\n"),
        "206"
    );
    assert_eq!(
        status("/ten", "Range: bytes=1-1\r\nIf-Range: DATE\r\n"),
        "206"
    );
    assert_eq!(
        status("/ten", "Range: bytes=1-1\r\nIf-Range: \"x\"\r\n"),
        "200"
    );
    // Both refusals are errors, so they have pages.
    assert_eq!(status("/page/ten", "Range: bytes=99-\r\n"), "416");
    assert_eq!(status("/page/ten", "If-Match: \"x\"\r\n"), "200");
}

#[test]
fn what_a_peer_sends_is_its_own_affair_unless_ranges_are_forced() {
    let (proxy, _backend) = site();
    let (head, body) = ask(
        &proxy,
        "/peer/x",
        "Range: bytes=1-2\r\nIf-None-Match: \"v1\"\r\n",
    );
    assert!(head.contains(" 200 ") && body.len() == 20, "{head}");
    let (head, body) = ask(&proxy, "/forced/x", "Range: bytes=1-2\r\n");
    assert!(head.contains(" 206 ") && head.contains("Content-Range: bytes 1-2/20"));
    assert!(
        head.contains("Content-Length: 2") && body == b"bc",
        "{head}"
    );
    // Parts out of order can't be had of what passes by.
    let (head, body) = ask(&proxy, "/forced/x", "Range: bytes=1-2,0-0\r\n");
    assert!(head.contains(" 200 ") && body.len() == 20, "{head}");
    let (head, _) = ask(&proxy, "/forced/x", "Range: bytes=20-\r\n");
    assert!(
        head.contains(" 416 ") && head.contains("Content-Range: bytes */20"),
        "{head}"
    );
}

#[test]
fn texts_are_replaced_and_written_in_another_charset() {
    let (proxy, _backend) = site();
    let (head, body) = ask(&proxy, "/sub/p?x=1", "");
    assert_eq!(
        String::from_utf8(body).expect("text"),
        "abcde<1>ijKlmnopqrst"
    );
    assert!(
        !head.contains("ETag") && !head.contains("Content-Length"),
        "{head}"
    );
    let (head, body) = ask(&proxy, "/sub/p?x=1", "Accept-Encoding: gzip\r\n");
    assert!(head.contains("Content-Encoding: gzip"), "{head}");
    assert_eq!(unzip(&body), "abcde<1>ijKlmnopqrst");
    let (head, body) = ask(&proxy, "/text/", "");
    assert!(
        head.contains("Content-Type: text/plain; charset=utf-8"),
        "{head}"
    );
    assert_eq!(String::from_utf8(body).expect("text"), "aжc");
}

#[test]
fn bodies_are_packed_and_unpacked_for_who_wants_it() {
    let (proxy, _backend) = site();
    let page = "0123456789".repeat(100);
    let accept = "Accept-Encoding: br, gzip;q=0.8\r\n";
    let (head, body) = ask(&proxy, "/zip/page.html", accept);
    assert!(head.contains("Content-Encoding: gzip") && head.contains("Vary: Accept-Encoding"));
    assert!(
        head.contains("ETag: W/\"") && !head.contains("Accept-Ranges"),
        "{head}"
    );
    assert_eq!(unzip(&body), page);
    let (head, body) = ask(&proxy, "/zip/page.html", "Accept-Encoding: gzip;q=0\r\n");
    assert!(
        !head.contains("Content-Encoding") && head.contains("Vary"),
        "{head}"
    );
    assert_eq!(body, page.as_bytes());
    // Neither its type nor the request's kind is one for it.
    let (head, _) = ask(&proxy, "/zip/ten", accept);
    assert!(
        !head.contains("Content-Encoding") && !head.contains("Vary"),
        "{head}"
    );
    let (head, _) = ask(
        &proxy,
        "/zip/page.html",
        &format!("{accept}Via: 1.1 other\r\n"),
    );
    assert!(!head.contains("Content-Encoding"), "{head}");

    let (head, body) = ask(&proxy, "/peerzip/x", &format!("{accept}Via: 1.1 other\r\n"));
    assert!(
        head.contains("Content-Encoding: gzip") && head.contains("ETag: W/\"v1\""),
        "{head}"
    );
    assert!(!head.contains("Content-Length"), "{head}");
    assert_eq!(unzip(&body), "abcdefghijklmnopqrst");

    let (head, body) = ask(&proxy, "/static/page.html", accept);
    assert!(head.contains("Content-Encoding: gzip") && head.contains("Content-Type: text/html"));
    assert_eq!(body, gzip(page.as_bytes()), "{head}");
    let (head, body) = ask(&proxy, "/unzip/page.html", "");
    assert!(!head.contains("Content-Encoding"), "{head}");
    assert_eq!(body, page.as_bytes());
}
