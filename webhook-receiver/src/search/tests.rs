//! Queries against one event.

use axum::http::HeaderValue;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Query, Unreadable};
use crate::store::{Event, Kind, NewEvent};

fn event() -> Event {
    let mut event = NewEvent::now(Uuid::nil(), Kind::Web);
    event.at = "2022-06-15T12:00:00Z".parse().unwrap();
    event.method = "POST".to_owned();
    event.origin = "http://localhost:8004".to_owned();
    event.path = "/hooks/git".to_owned();
    event.query = Some("env=prod&x=1".to_owned());
    event.ip = "10.1.2.3".to_owned();
    event
        .headers
        .insert("x-github-event", HeaderValue::from_static("issues"));
    event.headers.insert(
        "content-type",
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    event.body = "payload=It+was+opened&who=Octo".into();
    event.committed(7, None)
}

#[test]
fn a_query_says_yes_or_no_to_an_event() {
    let now: Timestamp = "2022-06-16T00:00:00Z".parse().unwrap();
    for (query, expected) in [
        ("octo", true),
        ("nobody", false),
        ("method:post", true),
        ("method:pos", false),
        ("method:p*", true),
        ("method:GET", false),
        ("NOT method:GET", true),
        ("-method:GET", true),
        ("method:POST AND content:nobody", false),
        ("method:POST OR content:nobody", true),
        ("method:GET OR (type:web AND ip:10.*)", true),
        ("method:POST content:nobody", false),
        ("nobody OR octo nothing", false),
        ("content:\"who=Octo\"", true),
        ("content:\"who octo\"", false),
        ("headers.x-github-event:issues", true),
        ("headers.X-GitHub-Event:issues", true),
        ("headers.x-gitlab-event:*", false),
        ("_exists_:headers.x-github-event", true),
        ("_exists_:note", false),
        ("query.env:prod", true),
        ("request.payload:\"was opened\"", true),
        ("url:hooks/git", true),
        ("size:[1 TO 100]", true),
        ("size:>30", false),
        ("size:>=30", true),
        ("size:{30 TO *}", false),
        ("sorting:[7 TO 7]", true),
        ("created_at:[now-1d TO *]", true),
        ("created_at:[* TO now-2d]", false),
        ("created_at:[\"2022-06-15 00:00:00\" TO 2022-06-15]", true),
        ("created_at:{2022-06-15 TO *}", false),
        ("created_at:<2022-06-15", false),
        ("created_at:\"2022-06-15 12\"", true),
        ("ANDROID OR octo", true),
        ("content:a\\ b", false),
        ("unknown:x", false),
    ] {
        let understood =
            Query::parse(query, now).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(understood.matches(&event()), expected, "{query}");
    }
}

#[test]
fn what_is_no_query_says_why() {
    let now = Timestamp::UNIX_EPOCH;
    let deep = "(".repeat(60) + "a" + &")".repeat(60);
    for (query, expected) in [
        ("", Unreadable::Ends),
        ("a AND", Unreadable::Ends),
        ("NOT", Unreadable::Ends),
        ("(a", Unreadable::OpenParenthesis),
        ("a)", Unreadable::Unexpected(")".to_owned())),
        ("content:\"a", Unreadable::OpenQuote),
        ("size:[1 2]", Unreadable::Range("[1 2]".to_owned())),
        (
            "created_at:[soon TO *]",
            Unreadable::Date("soon".to_owned()),
        ),
        (&deep, Unreadable::TooDeep),
        (&"a".repeat(5000), Unreadable::TooLong),
    ] {
        assert_eq!(Query::parse(query, now).unwrap_err(), expected, "{query}");
    }
}
