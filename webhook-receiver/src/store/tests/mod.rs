//! The same table of promises for both stores: SQLite always, PostgreSQL where `TEST_DATABASE_URL` names a database
//! that may be filled (`.ci/with-postgres` starts one for the command behind it).

mod retention;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Heard, Kind, NewEvent, Place, Settings, Span, Store, StoreError, Stretch, Token};

/// A store with nothing in it, and the folder that it lives in.
async fn stores() -> Vec<(Store, Option<TempDir>)> {
    let folder = TempDir::new().unwrap();
    let settings = Settings::sqlite(folder.path().join("hooks.db"));
    let sqlite = Store::open(&settings).await.unwrap();
    let mut stores = vec![(sqlite, Some(folder))];
    match shared() {
        Some(settings) => stores.push((Store::open(&settings).await.unwrap(), None)),
        None => println!("1 of 2 stores not tested: TEST_DATABASE_URL names no PostgreSQL"),
    }
    stores
}

fn shared() -> Option<Settings> {
    let url = std::env::var("TEST_DATABASE_URL").ok()?;
    let mut settings = Settings::sqlite("");
    settings.place = Place::Server(Box::new(url.parse().unwrap()));
    Some(settings)
}

fn event(token: &Token, body: &str) -> NewEvent {
    let mut event = NewEvent::now(token.id, Kind::Web);
    event.body = Bytes::copy_from_slice(body.as_bytes());
    event
}

async fn token(store: &Store) -> Token {
    let token = Token::default();
    store.create_token(token.clone()).await.unwrap();
    token
}

fn bodies(events: &[super::Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| String::from_utf8_lossy(&event.body).into_owned())
        .collect()
}

#[tokio::test]
async fn what_is_kept_comes_back_as_it_was() {
    for (store, _folder) in stores().await {
        let token = token(&store).await;
        let mut new = event(&token, "");
        new.body = (0..=255).collect::<Vec<u8>>().into();
        new.query = Some("a=1&a=2".to_owned());
        new.path = "/a%2Fb//c".to_owned();
        new.headers.append("x-a", "caf\u{e9}".parse().unwrap());
        new.headers.append("x-a", "2".parse().unwrap());
        new.sender = Some("a@b".to_owned());
        new.destinations = vec!["c@d".to_owned(), "e@f".to_owned()];
        new.delivery = Some("one".to_owned());
        let first = store.store(new.clone(), &token).await.unwrap();
        new.id = Uuid::new_v4();
        let second = store.store(new.clone(), &token).await.unwrap();
        assert!(second.sequence > first.sequence);
        assert_eq!(
            (first.duplicate_of, second.duplicate_of),
            (None, Some(first.id))
        );
        let found = store.event(token.id, second.id).await.unwrap().unwrap();
        assert_eq!(
            (&found.body, &found.headers, &found.query, &found.path),
            (&new.body, &new.headers, &new.query, &new.path)
        );
        assert_eq!(
            (&found.sender, &found.destinations, found.size),
            (&new.sender, &new.destinations, 256)
        );
        assert!(
            store
                .note(token.id, second.id, "n\u{fc}".to_owned())
                .await
                .unwrap()
        );
        let noted = store.latest(token.id).await.unwrap().unwrap();
        assert_eq!(noted.note.as_deref(), Some("n\u{fc}"));
        assert_eq!(store.summary(token.id).await.unwrap().requests, 2);
        assert!(
            store
                .event(Uuid::new_v4(), second.id)
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_stretch_knows_its_order_and_its_ends() {
    for (store, _folder) in stores().await {
        let token = token(&store).await;
        for body in ["a", "b", "c", "d"] {
            store.store(event(&token, body), &token).await.unwrap();
        }
        let wish = Stretch {
            span: Span::default(),
            newest_first: true,
            beyond: None,
            offset: 1,
            limit: 2,
        };
        let listed = store.listing(token.id, wish).await.unwrap();
        assert_eq!(bodies(&listed), ["c", "b"]);
        let (b, c) = (listed[1].sequence, listed[0].sequence);
        assert_eq!(
            bodies(&store.after(token.id, b, 1).await.unwrap()),
            ["c"],
            "{c}"
        );
        let none = Span {
            from: None,
            to: Some(Timestamp::UNIX_EPOCH),
        };
        assert_eq!(store.count(token.id, none).await.unwrap(), 0);
        assert_eq!(store.delete_span(token.id, none).await.unwrap(), 0);
        let ids = vec![listed[0].id, Uuid::new_v4()];
        assert_eq!(store.delete_events(token.id, ids).await.unwrap(), 1);
        assert_eq!(
            store.delete_span(token.id, Span::default()).await.unwrap(),
            3
        );
    }
}

#[tokio::test]
async fn large_bodies_end_a_stretch_but_not_a_list() {
    for (store, _folder) in stores().await {
        let token = token(&store).await;
        for _ in 0..5 {
            let mut new = event(&token, "");
            new.body = vec![7; 10 * 1024 * 1024].into();
            store.store(new, &token).await.unwrap();
        }
        assert_eq!(store.after(token.id, 0, 5).await.unwrap().len(), 3);
        let wish = Stretch {
            span: Span::default(),
            newest_first: true,
            beyond: None,
            offset: 0,
            limit: 5,
        };
        let list = store.listing(token.id, wish).await.unwrap();
        let held: Vec<usize> = list.iter().map(|event| event.body.len() >> 20).collect();
        assert_eq!(held, [10, 10, 10, 0, 0]);
        assert!(list.iter().all(|event| event.size == 10 << 20));
        assert!(store.delete_token(token.id).await.unwrap());
    }
}

#[tokio::test]
async fn an_alias_is_taken_once_and_freed_with_its_token() {
    for (store, _folder) in stores().await {
        let alias = format!("a-{}", &Uuid::new_v4().simple().to_string()[..20]);
        let named = Token {
            alias: Some(alias.clone()),
            ..Token::default()
        };
        let other = Token {
            alias: Some(alias.clone()),
            ..Token::default()
        };
        store.create_token(named.clone()).await.unwrap();
        assert!(matches!(
            store.create_token(other.clone()).await,
            Err(StoreError::Taken)
        ));
        assert_eq!(store.token(&alias).await.unwrap().unwrap().id, named.id);
        let changed = Token {
            default_status: 201,
            ..named.clone()
        };
        store.update_token(changed).await.unwrap();
        assert_eq!(
            store.token(&alias).await.unwrap().unwrap().default_status,
            201
        );
        assert!(store.tokens(0, 1).await.unwrap().1 >= 1);
        assert!(store.delete_token(named.id).await.unwrap());
        assert!(!store.delete_token(named.id).await.unwrap());
        assert!(store.token(&alias).await.unwrap().is_none());
        store.create_token(other).await.unwrap();
    }
}

#[tokio::test]
async fn documents_are_replaced_listed_and_forgotten() {
    for (store, _folder) in stores().await {
        let (token, id) = (token(&store).await, Uuid::new_v4().to_string());
        for value in [json!(1), json!({"a": "\0"})] {
            store.keep("test", token.id, &id, &value).await.unwrap();
        }
        let kept = store.kept("test", &id).await.unwrap().unwrap();
        assert_eq!(kept.value, json!({"a": "\0"}));
        let list = store.kept_list("test", Some(token.id)).await.unwrap();
        assert_eq!(list.len(), 1);
        assert!(store.kept("other", &id).await.unwrap().is_none());
        assert!(store.forget("test", &id).await.unwrap());
        assert!(!store.forget("test", &id).await.unwrap());
    }
}

#[tokio::test]
async fn a_listener_hears_each_event_of_its_token_once_and_in_order() {
    for (store, _folder) in stores().await {
        let (token, other) = (token(&store).await, token(&store).await);
        // A store that was just opened may still begin to listen, which ends what was subscribed before.
        let mut heard = store.subscribe(token.id);
        let listened = tokio::time::timeout(Duration::from_millis(500), heard.recv());
        if listened.await.is_ok() {
            heard = store.subscribe(token.id);
        }
        let writes = (0..40).map(|number| {
            let (store, token, other) = (store.clone(), token.clone(), other.clone());
            tokio::spawn(async move {
                let to = if number % 2 == 0 { &token } else { &other };
                store.store(event(to, "x"), to).await.unwrap();
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        let mut last = 0;
        for _ in 0..20 {
            let heard = tokio::time::timeout(Duration::from_secs(20), heard.recv());
            let Heard::Event(event) = heard.await.unwrap().unwrap() else {
                panic!("none of them is large");
            };
            assert!(event.token == token.id && event.sequence > last);
            last = event.sequence;
        }
        let shown = Token {
            request_limit: 0,
            ..token.clone()
        };
        store
            .store(event(&shown, "only shown"), &shown)
            .await
            .unwrap();
        let only_shown = heard.recv().await.unwrap();
        assert!(matches!(only_shown, Heard::Event(event) if event.sequence == 0));
        let mut large = event(&token, "");
        large.body = vec![7; 100_000].into();
        store.store(large, &token).await.unwrap();
        assert!(matches!(heard.recv().await.unwrap(), Heard::Large));
    }
}

#[tokio::test]
async fn instances_with_one_store_see_each_others_tokens_and_only_one_leads() {
    let Some(settings) = shared() else {
        println!("1 test not run: TEST_DATABASE_URL names no PostgreSQL");
        return;
    };
    let here = Store::open(&settings).await.unwrap();
    let there = Store::open(&settings).await.unwrap();
    let token = token(&here).await;
    let name = token.id.to_string();
    assert!(there.token(&name).await.unwrap().is_some());
    let changed = Token {
        default_status: 418,
        ..token
    };
    here.update_token(changed).await.unwrap();
    let told = async {
        while there.token(&name).await.unwrap().unwrap().default_status != 418 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told)
        .await
        .unwrap();
    let lead = tokio::time::timeout(Duration::from_secs(60), here.lead());
    let lead = lead.await.unwrap().unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(300), there.lead());
    assert!(waits.await.is_err(), "two lead");
    drop(lead);
    let next = tokio::time::timeout(Duration::from_secs(60), there.lead());
    next.await.unwrap().unwrap();
}

/// As a replica does that is started, or updated, while others take events.
#[tokio::test]
async fn an_instance_that_starts_waits_for_none_that_writes() {
    let Some(settings) = shared() else {
        println!("1 test not run: TEST_DATABASE_URL names no PostgreSQL");
        return;
    };
    let store = Store::open(&settings).await.unwrap();
    let Place::Server(server) = &settings.place else {
        panic!("a server");
    };
    let (writer, connection) = server.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    writer
        .batch_execute("BEGIN; LOCK TABLE token, event IN ROW EXCLUSIVE MODE")
        .await
        .unwrap();
    let opened = tokio::time::timeout(Duration::from_secs(5), Store::open(&settings));
    let there = opened.await.unwrap().unwrap();
    let token = token(&store).await;
    let found = there.token(&token.id.to_string()).await;
    assert!(found.unwrap().is_some());
    writer.batch_execute("ROLLBACK").await.unwrap();
}
