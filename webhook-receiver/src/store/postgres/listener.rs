//! Hears of every commit, our own and those of other instances, in the order of the commits, and tells those who
//! listen to the token. Each notice names a token and the first and last number of the events that it got.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::poll_fn;
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

use super::Postgres;
use crate::store::cache::TokenCache;
use crate::store::feed::Feed;
use crate::store::{Span, StoreError, Stretch};

/// The channel for events, whose notices [`super::writer`] sends.
pub(super) const EVENTS: &str = "webhook_event";
/// Both channels; that for tokens is sent to by the trigger in [`super::rows::SCHEMA`].
const LISTEN: &str = "LISTEN webhook_event; LISTEN webhook_token";
/// Before a broken connection is made anew.
const PAUSE: Duration = Duration::from_secs(1);
/// Events read at a time.
const CHUNK: usize = 64;

/// Runs for as long as the store.
pub(super) async fn run(postgres: Postgres, feed: Feed, tokens: Arc<TokenCache>) {
    loop {
        if let Err(error) = listen(&postgres, &feed, &tokens).await {
            tracing::warn!(%error, "PostgreSQL is not heard, live push waits");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(postgres: &Postgres, feed: &Feed, tokens: &TokenCache) -> Result<(), StoreError> {
    let (client, mut connection) = postgres.config.connect(NoTls).await?;
    let messages = poll_fn(move |context| connection.poll_message(context));
    pin_mut!(messages);
    // The connection works only while its messages are read.
    let listening = client.batch_execute(LISTEN);
    pin_mut!(listening);
    let mut ready = false;
    loop {
        let message = tokio::select! {
            done = &mut listening, if !ready => {
                done?;
                ready = true;
                // What was committed before we heard anything: whoever listens reads it.
                tokens.clear();
                feed.hang_up();
                continue;
            }
            message = messages.next() => message,
        };
        match message.transpose()? {
            Some(AsyncMessage::Notification(notice)) if notice.channel() == EVENTS => {
                tell(postgres, feed, notice.payload()).await?;
            }
            Some(AsyncMessage::Notification(_)) => tokens.clear(),
            Some(_) => {}
            None => return Err(StoreError::Closed),
        }
    }
}

/// Publishes what a notice names, if anybody listens.
async fn tell(postgres: &Postgres, feed: &Feed, notice: &str) -> Result<(), StoreError> {
    let Some((token, first, last)) = read(notice) else {
        return Ok(());
    };
    let mut beyond = first - 1;
    while beyond < last && feed.is_heard(token) {
        let stretch = Stretch {
            span: Span::default(),
            newest_first: false,
            beyond: Some(beyond),
            offset: 0,
            limit: CHUNK,
        };
        let events = postgres.stretch(token, stretch, false).await?;
        let Some(newest) = events.last() else {
            return Ok(());
        };
        beyond = newest.sequence;
        for event in events.into_iter().filter(|event| event.sequence <= last) {
            feed.publish(&Arc::new(event));
        }
    }
    Ok(())
}

fn read(notice: &str) -> Option<(Uuid, i64, i64)> {
    let mut words = notice.split(' ');
    let token = words.next()?.parse().ok()?;
    Some((
        token,
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
    ))
}
