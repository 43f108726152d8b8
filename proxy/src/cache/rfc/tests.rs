use super::*;

const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn answer(status: u16, fields: &str) -> ResponseHead {
    let mut head = ResponseHead::default();
    let text = format!("HTTP/1.1 {status} x\r\n{fields}\r\n");
    assert_eq!(head.parse(text.as_bytes()), Ok(Some(text.len())));
    head
}

fn request(fields: &str) -> Head {
    answer(200, fields).head
}

fn fresh_for(status: u16, fields: &str, asked: &str) -> Option<i64> {
    let settings = CacheSettings::for_test();
    let times = times(&request(asked), &answer(status, fields), &settings, NOW)?;
    Some(times.fresh_until.cast_signed() - NOW.cast_signed())
}

#[test]
fn what_may_be_stored_and_for_how_long() {
    let table = [
        (200, "Cache-Control: max-age=10\r\n", "", Some(10)),
        (200, "Cache-Control: max-age=\"10\"\r\n", "", Some(10)),
        (
            200,
            "Cache-Control: max-age='10'\r\nETag: \"a\"\r\n",
            "",
            Some(0),
        ),
        (
            200,
            "Cache-Control: max-age=10, s-maxage=5\r\n",
            "",
            Some(5),
        ),
        (200, "Cache-Control: max-age=10\r\nAge: 4\r\n", "", Some(6)),
        (200, "Cache-Control: max-age=10, no-store\r\n", "", None),
        (200, "Cache-Control: max-age=10, private\r\n", "", None),
        (
            200,
            "Cache-Control: max-age=10\r\n",
            "Cache-Control: no-store\r\n",
            None,
        ),
        (
            200,
            "Cache-Control: max-age=10\r\n",
            "Authorization: a\r\n",
            None,
        ),
        (
            200,
            "Cache-Control: max-age=10, public\r\n",
            "Authorization: a\r\n",
            Some(10),
        ),
        (
            200,
            "Cache-Control: max-age=10, no-cache\r\nETag: \"a\"\r\n",
            "",
            Some(0),
        ),
        (200, "Cache-Control: max-age=10, no-cache\r\n", "", None),
        (206, "Cache-Control: max-age=10\r\n", "", None),
        (
            200,
            "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n",
            "",
            Some(60),
        ),
        (200, "Expires: 0\r\n", "", None),
        (200, "Expires: 0\r\nETag: \"a\"\r\n", "", Some(0)),
        (200, "", "", None),
        (
            200,
            "Last-Modified: Sun, 06 Nov 1994 08:47:57 GMT\r\n",
            "",
            Some(10),
        ),
        (
            201,
            "Last-Modified: Sun, 06 Nov 1994 08:47:57 GMT\r\n",
            "",
            None,
        ),
        (
            599,
            "Cache-Control: max-age=10, must-understand\r\n",
            "",
            None,
        ),
        (
            200,
            "Cache-Control: max-age=10, must-understand, no-store\r\n",
            "",
            Some(10),
        ),
        (599, "Cache-Control: max-age=10\r\n", "", Some(10)),
    ];
    for (status, fields, asked, expected) in table {
        let fields = format!("{DATE}{fields}");
        assert_eq!(
            fresh_for(status, &fields, asked),
            expected,
            "{status} {fields:?} {asked:?}"
        );
    }
}

#[test]
fn an_age_that_is_no_number_is_older_than_everything() {
    for age in [
        "Age: a\r\n",
        "Age: 0, 0\r\n",
        "Age: 0\r\nAge: 0\r\n",
        "Age: -1\r\n",
        "Age: 1.0\r\n",
    ] {
        let fields = format!("Cache-Control: max-age=3600\r\nETag: \"a\"\r\n{age}");
        assert!(
            fresh_for(200, &fields, "").is_some_and(|left| left < 0),
            "{age:?}"
        );
    }
}

#[test]
fn requests_say_what_they_take() {
    let stored = answer(200, "Cache-Control: max-age=60\r\n");
    let times = Times {
        stored: NOW - 20,
        fresh_until: NOW + 30,
        age: 10,
        ..Times::default()
    };
    let of = |asked: &str| usable(&request(asked), &stored, &times, NOW).now;
    assert!(of(""));
    assert!(!of("Cache-Control: no-cache\r\n"));
    assert!(!of("Pragma: no-cache\r\n"));
    assert!(of("Pragma: no-cache\r\nCache-Control: x\r\n"));
    assert!(!of("Cache-Control: max-age=29\r\n"));
    assert!(of("Cache-Control: max-age=30\r\n"));
    assert!(of("Cache-Control: min-fresh=30\r\n"));
    assert!(!of("Cache-Control: min-fresh=31\r\n"));
    let later =
        |asked: &str, stored: &ResponseHead| usable(&request(asked), stored, &times, NOW + 40).now;
    assert!(!later("", &stored));
    assert!(later("Cache-Control: max-stale\r\n", &stored));
    assert!(later("Cache-Control: max-stale=10\r\n", &stored));
    assert!(!later("Cache-Control: max-stale=9\r\n", &stored));
    let strict = answer(200, "Cache-Control: max-age=60, must-revalidate\r\n");
    assert!(!later("Cache-Control: max-stale\r\n", &strict));
}

#[test]
fn fields_of_one_hop_are_not_kept_and_a_304_changes_the_rest() {
    let stored = answer(
        200,
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nAge: 7\r\nETag: \"a\"\r\nA: old\r\nA: older\r\nB: stays\r\n",
    );
    let kept = kept(&stored, NOW);
    let text = String::from_utf8_lossy(&kept);
    assert_eq!(
        text,
        format!("HTTP/1.1 200 x\r\nETag: \"a\"\r\nA: old\r\nA: older\r\nB: stays\r\n{DATE}\r\n")
    );
    let confirmed = answer(304, "ETag: \"b\"\r\nA: new\r\nContent-Length: 5\r\n");
    let merged = merged(&stored_again(&kept), &confirmed, NOW);
    assert_eq!(
        String::from_utf8_lossy(&merged),
        format!("HTTP/1.1 200 x\r\nETag: \"a\"\r\nB: stays\r\n{DATE}A: new\r\n\r\n")
    );
}

fn stored_again(raw: &[u8]) -> ResponseHead {
    let mut head = ResponseHead::default();
    assert_eq!(head.parse(raw), Ok(Some(raw.len())));
    head
}

#[test]
fn only_urls_of_the_same_host_are_invalidated() {
    let head = answer(201, "Location: http://a/x?y\r\nContent-Location: /z\r\n").head;
    assert_eq!(invalidated(&head, &[b"a"]), [&b"/x?y"[..], b"/z"]);
    assert_eq!(invalidated(&head, &[b"b"]), [&b"/z"[..]]);
    let head = answer(201, "Location: //a/x\r\nContent-Location: x\r\n").head;
    assert!(invalidated(&head, &[b"a"]).is_empty());
}
