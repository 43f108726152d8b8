//! The one thread that writes. A commit waits for the disk, a few hundred times a second at most; so whatever has
//! queued up during one commit goes into the next one together, and each sender is told once its own is on the disk.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::rows;
use super::sweep::Trim;
use crate::store::StoreError;
use crate::store::feed::Feed;
use crate::store::group::{self, Waiting};

/// Told after the commit whether it came about.
pub(super) type Told = Box<dyn FnOnce(bool) + Send>;
/// Any other change; what it returns is called after the commit.
pub(super) type Change = Box<dyn FnOnce(&Connection) -> Told + Send>;

pub(super) enum Write {
    Event(Waiting),
    Change(Change),
}

impl From<Waiting> for Write {
    fn from(waiting: Waiting) -> Self {
        Self::Event(waiting)
    }
}

/// Runs until all senders are gone and the queue is empty.
pub(super) fn run(
    mut connection: Connection,
    mut queue: mpsc::Receiver<Write>,
    feed: &Feed,
    group: bool,
) {
    let mut trim = Trim::default();
    while let Some(first) = queue.blocking_recv() {
        let batch = group::gather(first, &mut queue, group, weight);
        commit(&mut connection, batch, feed, &mut trim);
    }
}

fn weight(write: &Write) -> usize {
    match write {
        Write::Event(waiting) => waiting.event.body.len(),
        Write::Change(_) => 0,
    }
}

fn commit(connection: &mut Connection, batch: Vec<Write>, feed: &Feed, trim: &mut Trim) {
    let mut told = Vec::with_capacity(batch.len());
    let done = transaction(connection, batch, feed, trim, &mut told);
    if let Err(error) = &done {
        tracing::error!(%error, lost = told.len(), "not committed");
        trim.forget();
    }
    for tell in told {
        tell(done.is_ok());
    }
}

/// Everybody in the batch has an entry in `told` when this returns, whatever went wrong.
fn transaction(
    connection: &mut Connection,
    batch: Vec<Write>,
    feed: &Feed,
    trim: &mut Trim,
    told: &mut Vec<Told>,
) -> rusqlite::Result<()> {
    let mut failed = None;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
    let transaction = match transaction {
        Ok(transaction) => transaction,
        Err(error) => {
            told.extend(batch.into_iter().map(refuse));
            return Err(error);
        }
    };
    for write in batch {
        let applied = match write {
            write if failed.is_some() => Ok(refuse(write)),
            Write::Event(waiting) => keep(&transaction, waiting, feed, trim),
            Write::Change(change) => Ok(change(&transaction)),
        };
        match applied {
            Ok(tell) => told.push(tell),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => {
            trim.apply(&transaction)?;
            transaction.commit()
        }
    }
}

/// Inserts one event. Its sender is answered, and listeners hear of it, after the commit; on an error the dropped
/// `reply` tells the sender.
fn keep(
    connection: &Connection,
    waiting: Waiting,
    feed: &Feed,
    trim: &mut Trim,
) -> rusqlite::Result<Told> {
    let Waiting {
        event,
        limit,
        reply,
    } = waiting;
    let (sequence, repeats) = rows::insert(connection, &event)?;
    trim.added(connection, event.token, limit)?;
    let feed = feed.clone();
    Ok(Box::new(move |committed| {
        if !committed {
            let _ = reply.send(Err(StoreError::NotCommitted));
            return;
        }
        let event = Arc::new(event.committed(sequence, repeats));
        feed.publish(&event);
        // A sender that has gone away no longer wants to know.
        let _ = reply.send(Ok(event));
    }))
}

/// What is dropped here tells its sender by being dropped.
fn refuse(write: Write) -> Told {
    Box::new(move |_| drop(write))
}
