//! The one task of this instance that writes events: a group is a transaction of a few statements, however many
//! events it holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::link::{Link, Session};
use super::listener;
use super::rows::{self, text};
use crate::store::event::pack_headers;
use crate::store::group::{self, Waiting};
use crate::store::{NewEvent, StoreError};

/// An event's number and the event that it repeats.
type Place = (i64, Option<Uuid>);

/// Runs until all senders are gone and the queue is empty.
pub(super) async fn run(link: Link, mut queue: mpsc::Receiver<Waiting>, group: bool) {
    while let Some(first) = queue.recv().await {
        let batch = group::gather(first, &mut queue, group, |waiting| waiting.event.body.len());
        let committed = async { commit(&*link.session().await?, &batch).await };
        match link.patiently(committed).await {
            Ok(places) => {
                for (waiting, (sequence, repeats)) in batch.into_iter().zip(places) {
                    let event = Arc::new(waiting.event.committed(sequence, repeats));
                    // A sender that has gone away no longer wants to know.
                    let _ = waiting.reply.send(Ok(event));
                }
            }
            Err(error) => {
                tracing::error!(%error, lost = batch.len(), "not committed");
                // Whatever was begun ends with the connection; the dropped replies tell the senders.
                link.hang_up().await;
            }
        }
    }
}

async fn commit(session: &Session, batch: &[Waiting]) -> Result<Vec<Place>, StoreError> {
    let limits: BTreeMap<Uuid, u32> = batch
        .iter()
        .map(|waiting| (waiting.event.token, waiting.limit))
        .collect();
    let tokens: Vec<Uuid> = limits.keys().copied().collect();
    session.batch("BEGIN").await?;
    session.query(rows::HOLD_TOKENS, &[&tokens]).await?;
    let events: Vec<&NewEvent> = batch.iter().map(|waiting| &*waiting.event).collect();
    let repeats = repeats(session, &events).await?;
    let sequences = insert(session, &events, &repeats).await?;
    for (token, limit) in &limits {
        session
            .execute(rows::TRIM, &[token, &i64::from(*limit)])
            .await?;
    }
    let notices = notices(&events, &sequences);
    session
        .query(rows::NOTIFY, &[&listener::EVENTS, &notices])
        .await?;
    session.batch("COMMIT").await?;
    Ok(sequences.into_iter().zip(repeats).collect())
}

/// For each event the first with the same delivery id, in the table or earlier in the group.
async fn repeats(session: &Session, events: &[&NewEvent]) -> Result<Vec<Option<Uuid>>, StoreError> {
    let named = |event: &NewEvent| Some((event.token, event.delivery.clone()?));
    let (tokens, deliveries): (Vec<Uuid>, Vec<String>) =
        events.iter().filter_map(|event| named(event)).unzip();
    let mut first = HashMap::new();
    if !tokens.is_empty() {
        let known = session
            .query(rows::FIRST_DELIVERIES, &[&tokens, &deliveries])
            .await?;
        for row in known {
            let key: (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
            first.insert(key, row.try_get::<_, Uuid>(2)?);
        }
    }
    let repeated = |event: &&NewEvent| {
        let key = named(event)?;
        let known = *first.entry(key).or_insert(event.id);
        (known != event.id).then_some(known)
    };
    Ok(events.iter().map(repeated).collect())
}

async fn insert(
    session: &Session,
    events: &[&NewEvent],
    repeats: &Vec<Option<Uuid>>,
) -> Result<Vec<i64>, StoreError> {
    let column = |of: fn(&NewEvent) -> &str| events.iter().map(|event| text(of(event))).collect();
    let (kinds, methods): (Vec<_>, Vec<_>) = (
        column(|event| event.kind.name()),
        column(|event| &event.method),
    );
    let (origins, paths): (Vec<_>, Vec<_>) =
        (column(|event| &event.origin), column(|event| &event.path));
    let ips: Vec<_> = column(|event| &event.ip);
    let optional = |of: fn(&NewEvent) -> Option<&str>| -> Vec<_> {
        events.iter().map(|event| of(event).map(text)).collect()
    };
    let queries = optional(|event| event.query.as_deref());
    let senders = optional(|event| event.sender.as_deref());
    let deliveries = optional(|event| event.delivery.as_deref());
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let tokens: Vec<Uuid> = events.iter().map(|event| event.token).collect();
    let times: Vec<i64> = events
        .iter()
        .map(|event| event.at.as_microsecond())
        .collect();
    let headers: Vec<Vec<u8>> = events
        .iter()
        .map(|event| pack_headers(&event.headers))
        .collect();
    let destinations: Vec<String> = events
        .iter()
        .map(|event| text(&event.destinations.join("\n")).into_owned())
        .collect();
    let bodies: Vec<&[u8]> = events.iter().map(|event| &event.body[..]).collect();
    let inserted = session
        .query(
            rows::INSERT,
            &[
                &ids,
                &tokens,
                &kinds,
                &times,
                &methods,
                &origins,
                &paths,
                &queries,
                &headers,
                &ips,
                &senders,
                &destinations,
                &deliveries,
                repeats,
                &bodies,
            ],
        )
        .await?;
    let mut numbers = HashMap::new();
    for row in inserted {
        numbers.insert(row.try_get::<_, Uuid>(0)?, row.try_get::<_, i64>(1)?);
    }
    let number = |id: &Uuid| numbers.get(id).copied().ok_or(StoreError::NotCommitted);
    ids.iter().map(number).collect()
}

/// A notice for each token: the first and the last number that it got.
fn notices(events: &[&NewEvent], sequences: &[i64]) -> Vec<String> {
    let mut spans: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
    for (event, &sequence) in events.iter().zip(sequences) {
        let (first, last) = spans.entry(event.token).or_insert((sequence, sequence));
        *first = sequence.min(*first);
        *last = sequence.max(*last);
    }
    let notice = |(token, (first, last))| format!("{token} {first} {last}");
    spans.into_iter().map(notice).collect()
}
