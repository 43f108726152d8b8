//! Where an answer from a forwarder meets the request that waits for it. A sender waits only while a forwarder is
//! there; one that was killed and never said good-bye costs nobody anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What a forwarder's target said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Desk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Who forwards for a token, and how long a sender should wait for each (None: as long as the token says).
    present: HashMap<Uuid, Vec<(u64, Option<Duration>)>>,
    guards: u64,
    waiting: HashMap<Uuid, oneshot::Sender<Answer>>,
}

impl Desk {
    /// Notes that somebody forwards for `token`, until the guard is dropped.
    pub(crate) fn listening(&self, token: Uuid, wait: impl Into<Option<Duration>>) -> Guard {
        let mut state = self.state();
        state.guards += 1;
        let number = state.guards;
        state
            .present
            .entry(token)
            .or_default()
            .push((number, wait.into()));
        let desk = self.clone();
        Guard {
            desk,
            token,
            number,
        }
    }

    /// How many forward for `token` now.
    pub(crate) fn present(&self, token: Uuid) -> usize {
        self.state().present.get(&token).map_or(0, Vec::len)
    }

    /// How long a sender should wait: the longest that anybody present asks for; None if nobody is there.
    pub(crate) fn patience(&self, token: Uuid, listen: Duration) -> Option<Duration> {
        let state = self.state();
        let present = state.present.get(&token)?;
        let longest = present
            .iter()
            .map(|(_, wait)| wait.unwrap_or(listen))
            .max()?;
        (!longest.is_zero()).then_some(longest)
    }

    /// Waits for the answer to `event`; call before the event is published.
    pub(crate) fn expect(&self, event: Uuid) -> Expected {
        let (sender, answer) = oneshot::channel();
        self.state().waiting.insert(event, sender);
        let desk = self.clone();
        Expected {
            desk,
            event,
            answer,
        }
    }

    /// Brings an answer; whether anybody still waited for it.
    pub(crate) fn answer(&self, event: Uuid, answer: Answer) -> bool {
        let waiting = self.state().waiting.remove(&event);
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A forwarder is there for as long as this lives.
#[derive(Debug)]
pub(crate) struct Guard {
    desk: Desk,
    token: Uuid,
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        if let Some(present) = state.present.get_mut(&self.token) {
            present.retain(|(number, _)| *number != self.number);
            if present.is_empty() {
                state.present.remove(&self.token);
            }
        }
    }
}

/// An answer that is waited for.
#[derive(Debug)]
pub(crate) struct Expected {
    desk: Desk,
    event: Uuid,
    answer: oneshot::Receiver<Answer>,
}

impl Expected {
    /// The answer, if it comes in time.
    pub(crate) async fn within(mut self, patience: Duration) -> Option<Answer> {
        tokio::time::timeout(patience, &mut self.answer)
            .await
            .ok()?
            .ok()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.desk.state().waiting.remove(&self.event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sender_waits_only_while_a_forwarder_is_there() {
        let (desk, token) = (Desk::default(), Uuid::new_v4());
        let listen = Duration::from_secs(5);
        assert_eq!(desk.patience(token, listen), None);
        let whcli = desk.listening(token, None);
        let ours = desk.listening(token, Duration::from_secs(9));
        assert_eq!(desk.patience(token, listen), Some(Duration::from_secs(9)));
        let one_way = desk.listening(token, Duration::ZERO);
        assert_eq!(desk.present(token), 3);
        drop(ours);
        assert_eq!(desk.patience(token, listen), Some(listen));
        assert_eq!(desk.patience(token, Duration::ZERO), None);
        drop(whcli);
        assert_eq!(desk.patience(token, listen), None);
        drop(one_way);
        assert_eq!(desk.present(token), 0);
    }

    #[tokio::test]
    async fn an_answer_reaches_the_one_who_waits_and_nobody_else() {
        let desk = Desk::default();
        let (event, other) = (Uuid::new_v4(), Uuid::new_v4());
        let answer = Answer {
            status: 201,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert!(!desk.answer(event, answer.clone()));
        let expected = desk.expect(event);
        assert!(!desk.answer(other, answer.clone()));
        assert!(desk.answer(event, answer));
        assert_eq!(
            expected
                .within(Duration::from_secs(9))
                .await
                .unwrap()
                .status,
            201
        );
        assert!(desk.state().waiting.is_empty());
    }
}
