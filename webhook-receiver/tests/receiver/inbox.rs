//! What is sent to a token is kept byte for byte and answered as the token says.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Receiver, plain, told};

#[tokio::test]
async fn any_request_is_kept_whole_and_can_be_read_back() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let bytes: Vec<u8> = (0..=255).collect();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let url = receiver.url(&format!("/{token}/a%20b//c?x=1&x=2&y=%20"));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = receiver
            .client
            .request(method.clone(), url)
            .header("X-Odd", "one")
            .body(bytes.clone());
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(response.headers()["x-token-id"], token.as_str());
        assert_eq!(response.status(), 200);
        let record = receiver.json(&format!("/token/{token}/request/{id}")).await;
        assert_eq!(record["method"], method.as_str());
        assert_eq!(
            record["url"],
            receiver.url(&format!("/{token}/a%20b//c?x=1&x=2&y=%20"))
        );
        assert_eq!(record["query"], json!({"x": "2", "y": " "}));
        assert_eq!(record["headers"]["x-odd"], json!(["one"]));
        assert_eq!(
            (&record["size"], &record["ip"]),
            (&json!(256), &json!("127.0.0.1"))
        );
        let raw = receiver
            .get(&format!("/token/{token}/request/{id}/raw"))
            .send()
            .await
            .unwrap();
        assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(raw.bytes().await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn the_answer_is_what_the_token_or_the_path_says() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let settings = json!({
        "default_status": 202, "default_content": "<b>thanks</b>", "default_content_type": "text/html", "cors": true,
        "alias": "my-hook",
    });
    let token = receiver.token(settings).await;
    for (path, expected) in [
        (format!("/{token}"), 202),
        (format!("/{token}/"), 202),
        ("/my-hook/anything".to_owned(), 202),
        (format!("/{token}/404"), 404),
        (format!("/{token}/503/more"), 503),
        (format!("/{token}/abc404"), 202),
        (format!("/{}", token.to_uppercase()), 202),
    ] {
        let response = receiver.get(&path).send().await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert_eq!(response.headers()["content-type"], "text/html");
        assert_eq!(
            told(response).await,
            (expected, "<b>thanks</b>".to_owned()),
            "{path}"
        );
    }
    let host = format!("{token}.localhost:{}", receiver.http.port());
    let response = receiver
        .get("/token/inbox")
        .header("Host", host)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    let latest = receiver.latest(&token).await;
    assert!(
        latest["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/{token}/token/inbox")),
        "{latest}"
    );
}

#[tokio::test]
async fn unknown_tokens_and_bodies_that_are_too_large_are_refused() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    for path in [
        "/7bfa1c6e-5bd1-4ac1-8f8c-3f1c2d4e5f60",
        "/nobody",
        "/token/nobody",
        "/nobody/x/y",
    ] {
        let (status, text) = told(receiver.get(path).send().await.unwrap()).await;
        assert_eq!(
            (status, text.contains("Token not found")),
            (410, true),
            "{path}: {text}"
        );
    }
    let limit = 10 * 1024 * 1024;
    for (size, expected) in [(limit, 200), (limit + 1, 413)] {
        let body = vec![b'x'; size];
        let response = receiver
            .client
            .post(receiver.url(&format!("/{token}")))
            .body(body)
            .send()
            .await;
        // A server that refuses early may close before the last byte was sent.
        if let Ok(response) = response {
            assert_eq!(response.status(), expected);
        } else {
            assert_eq!(expected, 413);
        }
    }
    assert_eq!(
        receiver.json(&format!("/token/{token}/requests")).await["total"],
        1
    );
}

#[tokio::test]
async fn a_full_queue_says_503_and_keeps_what_it_acknowledged() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &["--queue", "1", "--commit-each"]);
    let token = receiver.token(json!({"request_limit": 10_000})).await;
    let url = receiver.url(&format!("/{token}"));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let request = receiver.client.post(&url).body("x").send();
        senders.spawn(async move {
            let response = request.await.unwrap();
            let retry = response.headers().get("retry-after").is_some();
            (response.status().as_u16(), retry)
        });
    }
    let answers = senders.join_all().await;
    let kept = answers
        .iter()
        .filter(|answer| **answer == (200, false))
        .count();
    let refused = answers
        .iter()
        .filter(|answer| **answer == (503, true))
        .count();
    assert_eq!(kept + refused, 200);
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
    assert_eq!(
        receiver.json(&format!("/token/{token}/requests")).await["total"],
        kept
    );
}

#[tokio::test]
async fn a_full_inbox_drops_its_oldest() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(json!({"request_limit": 3})).await;
    for number in 0..8 {
        let url = receiver.url(&format!("/{token}?n={number}"));
        assert_eq!(
            receiver.client.post(url).send().await.unwrap().status(),
            200
        );
    }
    let list = receiver
        .json(&format!("/token/{token}/requests?sorting=oldest"))
        .await;
    let kept: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["query"]["n"])
        .collect();
    assert_eq!(kept, ["5", "6", "7"]);
}
