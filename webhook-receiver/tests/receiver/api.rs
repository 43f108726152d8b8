//! webhook.site's API, as its own tests and its documents describe it.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Receiver, plain, told};

#[tokio::test]
async fn a_token_is_made_read_changed_and_deleted() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &["--api-key", "sesame"]);
    let token = receiver.token(json!({"timeout": 0, "secret": "s"})).await;
    let path = format!("/token/{token}");
    let mut read = receiver.json(&path).await;
    assert_eq!(
        (&read["default_status"], &read["listen"], &read["secret"]),
        (&json!(200), &json!(0), &json!("s"))
    );
    // whcli sends back the whole of it.
    read["listen"] = json!(5);
    let url = receiver.url(&path);
    let updated = receiver.client.put(&url).json(&read).send().await.unwrap();
    assert_eq!(updated.status(), StatusCode::OK);
    assert_eq!(updated.json::<Value>().await.unwrap()["listen"], 5);
    for (wrong, field) in [
        (json!({"timeout": 11}), "timeout"),
        (json!({"default_status": 99}), "default_status"),
        (json!({"alias": "no spaces"}), "alias"),
        (
            json!({"default_content_type": "a\nb"}),
            "default_content_type",
        ),
    ] {
        let response = receiver.client.put(&url).json(&wrong).send().await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
        assert!(response.json::<Value>().await.unwrap()[field].is_array());
    }
    let toggled = receiver
        .client
        .put(format!("{url}/cors/toggle"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        toggled.json::<Value>().await.unwrap(),
        json!({"enabled": true})
    );
    assert_eq!(
        receiver.get("/token").send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let listed = receiver
        .get("/token")
        .header("Api-Key", "sesame")
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed.json::<Value>().await.unwrap()["data"][0]["uuid"],
        token
    );
    assert_eq!(
        receiver.client.delete(&url).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        receiver.client.delete(&url).send().await.unwrap().status(),
        StatusCode::GONE
    );
}

#[tokio::test]
async fn an_alias_belongs_to_one_token() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    receiver.token(json!({"alias": "mine"})).await;
    let taken = receiver
        .client
        .post(receiver.url("/token"))
        .json(&json!({"alias": "mine"}))
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn lists_have_pages_order_times_and_search() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    for number in 0..45 {
        let url = receiver.url(&format!(
            "/{token}/{}?n={number}",
            if number % 2 == 0 { "even" } else { "odd" }
        ));
        receiver
            .client
            .post(url)
            .body(format!("body {number}"))
            .send()
            .await
            .unwrap();
    }
    for (asked, total, first, length) in [
        ("per_page=20&sorting=newest", 45, Some("44"), 20),
        ("per_page=20&page=3&sorting=oldest", 45, Some("40"), 5),
        ("per_page=20&page=4", 45, None, 0),
        (
            "query=url:even%20AND%20NOT%20content:%22body%204%22&sorting=oldest",
            19,
            Some("0"),
            19,
        ),
        ("query=*&per_page=1&sorting=newest", 45, Some("44"), 1),
        ("query=query.n:7", 1, Some("7"), 1),
        ("date_from=now-1h&date_to=now", 45, Some("0"), 45),
        ("date_to=now-1h", 0, None, 0),
    ] {
        let page = receiver
            .json(&format!("/token/{token}/requests?{asked}"))
            .await;
        let data = page["data"].as_array().unwrap();
        assert_eq!(
            (&page["total"], data.len()),
            (&json!(total), length),
            "{asked}"
        );
        assert_eq!(
            data.first()
                .and_then(|record| record["query"]["n"].as_str()),
            first,
            "{asked}"
        );
    }
    for wrong in ["query=(", "date_from=soon"] {
        let response = receiver
            .get(&format!("/token/{token}/requests?{wrong}"))
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    let url = receiver.url(&format!("/token/{token}/request?query=url:even"));
    assert_eq!(
        receiver.client.delete(url).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        receiver.json(&format!("/token/{token}/requests")).await["total"],
        22
    );
}

#[tokio::test]
async fn a_request_has_a_note_files_and_an_end() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"who\"\r\n\r\nme\r\n--b\r\nContent-Disposition: form-data; \
                name=\"up\"; filename=\"a b.html\"\r\nContent-Type: text/html\r\n\r\n<script>\r\n--b--\r\n";
    let request = receiver.client.post(receiver.url(&format!("/{token}")));
    request
        .header("Content-Type", "multipart/form-data; boundary=b")
        .body(body)
        .send()
        .await
        .unwrap();
    let record = receiver.latest(&token).await;
    assert_eq!(record["request"], json!({"who": "me"}));
    let file = &record["files"]["up"];
    assert_eq!(
        (&file["filename"], &file["size"]),
        (&json!("a b.html"), &json!(8))
    );
    let path = format!(
        "/token/{token}/request/{}",
        record["uuid"].as_str().unwrap()
    );
    let id = file["id"].as_str().unwrap();
    let download = receiver
        .get(&format!("{path}/download/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        download.headers()["content-disposition"],
        "attachment; filename*=UTF-8''a%20b.html"
    );
    assert_eq!(
        download.headers()["content-type"],
        "application/octet-stream"
    );
    assert_eq!(download.text().await.unwrap(), "<script>");
    let noted = receiver
        .client
        .put(receiver.url(&path))
        .json(&json!({"note": "look"}))
        .send()
        .await
        .unwrap();
    assert_eq!(noted.json::<Value>().await.unwrap()["note"], "look");
    let (_, csv) = told(
        receiver
            .get(&format!("/token/{token}/requests/export"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert!(
        csv.starts_with("uuid,type,") && csv.contains(",look,"),
        "{csv}"
    );
    let url = receiver.url(&path);
    assert_eq!(
        receiver.client.delete(&url).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        receiver.get(&path).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_repeated_delivery_points_to_the_first() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = receiver
            .client
            .post(receiver.url(&format!("/{token}")))
            .header("X-GitHub-Delivery", "d-1");
        let response = request.send().await.unwrap();
        ids.push(
            response.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    let first = receiver
        .json(&format!("/token/{token}/request/{}", ids[0]))
        .await;
    let second = receiver
        .json(&format!("/token/{token}/request/{}", ids[1]))
        .await;
    assert_eq!(
        (&first["delivery_id"], &first["duplicate_of"]),
        (&json!("d-1"), &json!(null))
    );
    assert_eq!(second["duplicate_of"], ids[0]);
}
