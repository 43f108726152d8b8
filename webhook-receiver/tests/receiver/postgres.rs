//! Two receivers with one PostgreSQL: what one takes, the other shows, pushes live and forwards.

use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::harness::{DEADLINE, Database, Receiver, told};
use crate::push::{Poller, heard};

#[tokio::test]
async fn what_one_replica_takes_the_other_pushes_and_keeps_when_the_first_dies() {
    let Some(database) = Database::make().await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let more = ["--database", &database.url];
    let here = Receiver::start(folder.path(), &more);
    let there = Receiver::start(folder.path(), &more);
    let token = here.token(json!({})).await;
    // A viewer of the page, and a client of the push protocol, both at the replica that gets nothing itself.
    let stream = format!("/token/{token}/stream");
    let mut page = there.get(&stream).send().await.unwrap();
    heard(&mut page, "event: ready").await;
    let poller = Poller::connect(&there).await;
    poller.subscribe(&format!("private-token.{token}")).await;
    let pushed = timeout(DEADLINE, poller.first_event(&here, &token, "first")).await;
    assert_eq!(pushed.unwrap().1[2]["request"]["content"], "first");
    let row = heard(&mut page, "/p?n=1").await;
    assert!(row.contains("event: rows"), "{row}");
    here.kill();
    let kept = there
        .json(&format!("/token/{token}/requests?sorting=oldest"))
        .await;
    assert_eq!(kept["data"][0]["content"], "first");
    let sent = there
        .client
        .post(there.url(&format!("/{token}")))
        .body("second");
    assert_eq!(told(sent.send().await.unwrap()).await.0, 200);
    assert_eq!(there.latest(&token).await["content"], "second");
    drop(there);
    database.remove().await;
}
