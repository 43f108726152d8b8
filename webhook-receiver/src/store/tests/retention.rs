//! What goes by itself: the oldest of a full inbox, and what is too old.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Span, Token, bodies, event, stores, token};

/// A sweep leaves to another one what that has begun, so the tests that look at what is left take turns.
static SWEEP: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn a_full_inbox_keeps_the_newest() {
    for (store, _folder) in stores().await {
        let mut token = token(&store).await;
        token.request_limit = 3;
        for number in 0..8 {
            let new = event(&token, &number.to_string());
            store.store(new, &token).await.unwrap();
        }
        let kept = store.after(token.id, 0, 100).await.unwrap();
        assert_eq!(bodies(&kept), ["5", "6", "7"]);
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_so_does_a_token_that_nobody_uses() {
    let _turn = SWEEP.lock().await;
    for (store, _folder) in stores().await {
        let now = Timestamp::now();
        let (mut short, long) = (Token::default(), token(&store).await);
        short.expiry = 60;
        short.updated_at = now - SignedDuration::from_secs(61);
        store.create_token(short.clone()).await.unwrap();
        for (token, age) in [(&short, 61), (&short, 30), (&long, 61)] {
            let mut new = event(token, &age.to_string());
            new.at = now - SignedDuration::from_secs(age);
            store.store(new, token).await.unwrap();
        }
        store.sweep(now).await.unwrap();
        let left = store.after(short.id, 0, 10).await.unwrap();
        assert_eq!(bodies(&left), ["30"]);
        assert_eq!(store.count(long.id, Span::default()).await.unwrap(), 1);
        let name = short.id.to_string();
        assert!(store.token(&name).await.unwrap().is_some());
        let later = now + SignedDuration::from_secs(31);
        store.sweep(later).await.unwrap();
        assert!(store.token(&name).await.unwrap().is_none());
        assert!(store.token(&long.id.to_string()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn one_sweep_drops_all_that_is_too_old_while_others_store() {
    let _turn = SWEEP.lock().await;
    for (store, _folder) in stores().await {
        let token = Token {
            expiry: 60,
            ..Token::default()
        };
        store.create_token(token.clone()).await.unwrap();
        let now = Timestamp::now();
        for _ in 0..450 {
            let mut old = event(&token, "old");
            old.at = now - SignedDuration::from_secs(61);
            store.store(old, &token).await.unwrap();
        }
        let sweeping = tokio::spawn({
            let store = store.clone();
            async move { store.sweep(now).await.unwrap() }
        });
        for _ in 0..20 {
            store.store(event(&token, "new"), &token).await.unwrap();
        }
        sweeping.await.unwrap();
        let left = bodies(&store.after(token.id, 0, 1000).await.unwrap());
        assert_eq!(left, vec!["new"; 20]);
    }
}
