//! A forwarding rule as it is kept: where the events go, how far it came, and how it is doing. It is a cursor over
//! the token's log, not a copy of it, so an event that is committed is queued, without a second write.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::schedule::Schedule;
use crate::store::{Store, StoreError};

/// The kind of document that holds rules...
const RULE: &str = "forward";
/// ... and dead letters, whose id is that of the rule and the event's.
const DEAD: &str = "dead";
/// A rule with so many dead letters stops by itself.
pub(super) const MAX_DEAD: u64 = 1000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: Uuid,
    pub(super) token: Uuid,
    pub(super) target: String,
    pub(super) keep_url: bool,
    pub(super) attempts: u32,
    pub(super) pause_ms: u64,
    pub(super) enabled: bool,
    /// Why it stopped by itself.
    pub(super) stopped: Option<String>,
    /// The last event that it is done with.
    pub(super) cursor: i64,
    /// Failed attempts for the event behind the cursor.
    pub(super) failed: u32,
    pub(super) delivered: u64,
    pub(super) dead: u64,
    pub(super) last_status: Option<u16>,
    pub(super) last_error: Option<String>,
}

/// An event that a rule gave up on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Dead {
    pub(super) request: Uuid,
    pub(super) sequence: i64,
    pub(super) reason: String,
    pub(super) attempts: u32,
    pub(super) at: String,
}

impl Rule {
    pub(super) fn schedule(&self) -> Schedule {
        Schedule {
            attempts: self.attempts,
            first: Duration::from_millis(self.pause_ms),
            longest: Duration::from_secs(300),
        }
    }

    pub(super) async fn save(&self, store: &Store) -> Result<(), StoreError> {
        store
            .keep(RULE, self.token, &self.id.to_string(), &json!(self))
            .await
    }

    pub(super) async fn load(store: &Store, id: Uuid) -> Result<Option<Self>, StoreError> {
        let kept = store.kept(RULE, &id.to_string()).await?;
        Ok(kept
            .map(|kept| serde_json::from_value(kept.value))
            .transpose()?)
    }

    /// The rules of one token, or all.
    pub(super) async fn list(store: &Store, token: Option<Uuid>) -> Result<Vec<Self>, StoreError> {
        let kept = store.kept_list(RULE, token).await?;
        let rules = kept
            .into_iter()
            .map(|kept| serde_json::from_value(kept.value));
        Ok(rules.collect::<Result<_, _>>()?)
    }

    /// Drops the rule and its dead letters.
    pub(super) async fn remove(&self, store: &Store) -> Result<(), StoreError> {
        for letter in self.dead_letters(store).await? {
            self.forget_dead(store, letter.request).await?;
        }
        store.forget(RULE, &self.id.to_string()).await?;
        Ok(())
    }

    pub(super) async fn bury(&self, store: &Store, letter: &Dead) -> Result<(), StoreError> {
        store
            .keep(
                DEAD,
                self.token,
                &self.letter_id(letter.request),
                &json!(letter),
            )
            .await
    }

    pub(super) async fn dead_letters(&self, store: &Store) -> Result<Vec<Dead>, StoreError> {
        let kept = store.kept_list(DEAD, Some(self.token)).await?;
        let mine = kept
            .into_iter()
            .filter(|kept| kept.id.starts_with(&self.id.to_string()));
        let letters = mine.map(|kept| serde_json::from_value(kept.value));
        Ok(letters.collect::<Result<_, _>>()?)
    }

    pub(super) async fn forget_dead(
        &self,
        store: &Store,
        request: Uuid,
    ) -> Result<bool, StoreError> {
        store.forget(DEAD, &self.letter_id(request)).await
    }

    fn letter_id(&self, request: Uuid) -> String {
        format!("{}/{request}", self.id)
    }
}
