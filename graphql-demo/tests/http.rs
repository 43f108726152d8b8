//! GraphQL over HTTP: methods, media types, statuses, caches, batches, persisted queries, limits, sessions.

mod running;

use std::net::{IpAddr, Ipv4Addr};

use futures_util::StreamExt;
use graphql_demo::Config;
use reqwest::StatusCode;
use running::Demo;
use serde_json::{Value, json};

const OLD: &str = "application/json";
const NEW: &str = "application/graphql-response+json";

#[tokio::test]
async fn status_and_media_type_follow_accept() {
    let demo = Demo::start().await;
    for (accept, query, status, content_type) in [
        (OLD, "{__typename}", 200, OLD),
        (NEW, "{__typename}", 200, NEW),
        ("*/*", "{__typename}", 200, OLD),
        (OLD, "{nope}", 200, OLD),
        (NEW, "{nope}", 400, NEW),
        (NEW, "{", 400, NEW),
        ("image/png", "{__typename}", 406, OLD),
    ] {
        let body = json!({ "query": query }).to_string();
        let response = demo
            .post(body)
            .header("accept", accept)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{accept} {query}");
        let full = format!("{content_type}; charset=utf-8");
        assert_eq!(response.headers()["content-type"], full, "{accept} {query}");
    }
}

#[tokio::test]
async fn only_json_is_taken_so_that_no_form_of_another_site_can_ask() {
    let demo = Demo::start().await;
    for (content_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ] {
        let request = demo.client.post(demo.url("/graphql"));
        let request = request.header("content-type", content_type);
        let response = request
            .body("{\"query\":\"{__typename}\"}")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{content_type}");
    }
}

#[tokio::test]
async fn get_reads_and_never_changes() {
    let demo = Demo::start().await;
    let get = async |parameters: &[(&str, &str)]| {
        let url = reqwest::Url::parse_with_params(&demo.url("/graphql"), parameters).unwrap();
        demo.client.get(url).send().await.unwrap()
    };
    let query = "query A($c: ID!) { country(code: $c) { name } } query B { __typename }";
    let parameters = [
        ("query", query),
        ("operationName", "A"),
        ("variables", "{\"c\":\"BR\"}"),
    ];
    let answer: Value = get(&parameters).await.json().await.unwrap();
    assert_eq!(answer, json!({"data": {"country": {"name": "Brazil"}}}));
    let mutation = get(&[("query", "mutation { addFavourite(code: \"BR\") { code } }")]).await;
    assert_eq!(mutation.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(mutation.headers().contains_key("allow"));
    let put = demo.client.put(demo.url("/graphql")).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(&[]).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_has_the_answer_to_a_get_need_not_get_it_again() {
    let demo = Demo::start().await;
    let url = demo.url("/graphql?query=%7Bcountries%7Bname%7D%7D");
    let first = demo.client.get(&url).send().await.unwrap();
    assert_eq!(first.headers()["cache-control"], "public, max-age=60");
    assert_eq!(first.headers().get("set-cookie"), None);
    let tag = first.headers()["etag"].clone();
    let again = demo.client.get(&url).header("if-none-match", tag);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.text().await.unwrap(), "");
    let personal = demo.url("/graphql?query=%7Bfavourites%7Bname%7D%7D");
    let personal = demo.client.get(personal).send().await.unwrap();
    assert_eq!(personal.headers()["cache-control"], "no-store");
    assert_eq!(personal.headers().get("etag"), None);
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_asks() {
    let demo = Demo::start().await;
    let request = |encoding| {
        let body = json!({"query": "{ countries { name native } }"});
        demo.post(body.to_string())
            .header("accept-encoding", encoding)
    };
    let plain = request("identity")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    for encoding in ["gzip", "br"] {
        let response = request(encoding).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], encoding);
        let body = response.bytes().await.unwrap();
        assert!(body.len() * 2 < plain.len(), "{encoding}: {}", body.len());
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order() {
    let demo = Demo::start().await;
    let batch = json!([{"query": "{ a: __typename }"}, {"query": "{ nope }"}, {"query": "{ c: __typename }"}]);
    let answers: Value = demo.send(&batch).await.json().await.unwrap();
    assert_eq!(answers[0], json!({"data": {"a": "Query"}}));
    assert!(answers[1]["errors"].is_array());
    assert_eq!(answers[2], json!({"data": {"c": "Query"}}));
}

#[tokio::test]
async fn a_persisted_query_is_sent_once() {
    let demo = Demo::start().await;
    // printf '{__typename}' | sha256sum
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let ask = async |body: Value| demo.send(&body).await.json::<Value>().await.unwrap();
    let unknown = ask(json!({ "extensions": extensions })).await;
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    let code = &unknown["errors"][0]["extensions"]["code"];
    assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND");
    let data = json!({"data": {"__typename": "Query"}});
    let kept = ask(json!({"query": "{__typename}", "extensions": extensions})).await;
    assert_eq!(kept, data);
    assert_eq!(ask(json!({ "extensions": extensions })).await, data);
}

#[tokio::test]
async fn the_limited_endpoint_counts_for_each_client() {
    let demo = Demo::with(Config {
        trusted: "127.0.0.1".parse().unwrap(),
        ..Config::default()
    })
    .await;
    let ask = async |client: IpAddr| {
        let request = demo.client.post(demo.url("/limited/graphql"));
        let request = request.header("x-real-ip", client.to_string());
        let body = json!({"query": "{__typename}"});
        request.json(&body).send().await.unwrap()
    };
    let one = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
    let first = ask(one).await;
    assert_eq!(first.headers()["ratelimit-limit"], "50");
    assert_eq!(first.headers()["ratelimit-remaining"], "49");
    let mut refused = None;
    for _ in 0..60 {
        let response = ask(one).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("60 requests are more than 50");
    assert!(refused.headers().contains_key("retry-after"));
    let answer: Value = refused.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let other = ask(IpAddr::from(Ipv4Addr::new(192, 0, 2, 2))).await;
    assert_eq!(other.status(), StatusCode::OK);
    let unlimited = demo.send(&json!({"query": "{__typename}"})).await;
    assert_eq!(unlimited.headers().get("ratelimit-limit"), None);
}

#[tokio::test]
async fn nobody_elses_word_about_the_client_counts() {
    let demo = Demo::start().await; // trusts nobody
    let mut remaining = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2"] {
        let request = demo.client.post(demo.url("/limited/graphql"));
        let request = request.header("x-real-ip", client);
        let request = request.header("x-forwarded-for", client);
        let response = request
            .json(&json!({"query": "{__typename}"}))
            .send()
            .await
            .unwrap();
        remaining.push(response.headers()["ratelimit-remaining"].clone());
    }
    assert_eq!(remaining, ["49", "48"]);
}

#[tokio::test]
async fn a_visitors_favourites_are_kept_and_nobody_elses() {
    let demo = Demo::start().await;
    let ask = async |cookie: &str, query: &str| {
        let request = demo.post(json!({ "query": query }).to_string());
        let response = request.header("cookie", cookie).send().await.unwrap();
        assert_eq!(response.headers().get("set-cookie"), None);
        response.json::<Value>().await.unwrap()["data"].take()
    };
    let (ann, bob) = (demo.visitor().await, demo.visitor().await);
    ask(&ann, "mutation { addFavourite(code: \"BR\") { code } }").await;
    let both = ask(&ann, "mutation { a: addFavourite(code: \"PT\") { code } b: addFavourite(code: \"BR\") { code } }").await;
    assert_eq!(both["b"], json!([{"code": "BR"}, {"code": "PT"}]));
    let left = ask(&ann, "mutation { removeFavourite(code: \"BR\") { name } }").await;
    assert_eq!(left["removeFavourite"], json!([{"name": "Portugal"}]));
    assert_eq!(
        ask(&bob, "{ favourites { code } }").await["favourites"],
        json!([])
    );
}

#[tokio::test]
async fn a_visitor_cannot_choose_his_sessions_name() {
    let demo = Demo::start().await;
    let mutation = json!({"query": "mutation { addFavourite(code: \"BR\") { code } }"});
    let mut made = Vec::new();
    for chosen in ["visitor=me", "visitor=", "visitor=me", "other=1"] {
        let request = demo.post(mutation.to_string()).header("cookie", chosen);
        let response = request.send().await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let name = cookie.strip_prefix("visitor=").unwrap();
        let (name, _) = name.split_once(';').unwrap();
        assert_eq!(name.len(), 36, "{name}");
        assert!(!made.contains(&name.to_owned()));
        made.push(name.to_owned());
    }
}

#[tokio::test]
async fn the_oldest_sessions_are_forgotten() {
    let demo = Demo::start().await;
    let first = demo.visitor().await;
    for _ in 0..1000 {
        demo.visitor().await;
    }
    let query = json!({"query": "{ favourites { code } }"}).to_string();
    let request = demo.post(query).header("cookie", &first);
    let response = request.send().await.unwrap();
    assert!(response.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn changes_stream_as_server_sent_events() {
    let demo = Demo::start().await;
    let query =
        "subscription { favouritesChanged { action country { name } favourites { code } } }";
    let request = demo.post(json!({ "query": query }).to_string());
    let eve = demo.visitor().await;
    let request = request
        .header("cookie", &eve)
        .header("accept", "text/event-stream");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.bytes_stream();
    // The subscription stands once the answer has begun; the change comes after.
    let change = json!({"query": "mutation { addFavourite(code: \"BR\") { code } }"});
    demo.post(change.to_string())
        .header("cookie", &eve)
        .send()
        .await
        .unwrap();
    let event = events.next().await.unwrap().unwrap();
    let event = String::from_utf8(event.to_vec()).unwrap();
    assert_eq!(
        event,
        "event: next\ndata: {\"data\":{\"favouritesChanged\":{\"action\":\"ADDED\",\"country\":{\"name\":\"Brazil\"},\"favourites\":[{\"code\":\"BR\"}]}}}\n\n"
    );
}
