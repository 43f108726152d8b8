//! Runs the rules: one task each, all owned by [`run`]. A rule's document is written by its task alone while that
//! runs; who wants to change it stops the task first, and waits until it has ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use super::courier::Courier;
use super::rule::{Dead, MAX_DEAD, Rule};
use super::stream;
use super::tail::Tail;
use crate::app::App;
use crate::store::{Event, Kind, StoreError};
use crate::target::Targets;

/// How long a target may take; like most senders of webhooks.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// After a failed read or write of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Orders that may wait.
const ORDERS: usize = 64;

/// The handle to the running rules.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    orders: mpsc::Sender<Order>,
    pub(super) targets: Targets,
    /// Of several instances with one store only one runs the rules.
    here: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Order {
    Start(Uuid),
    Stop(Uuid, oneshot::Sender<()>),
}

/// The other end, for [`run`].
#[derive(Debug)]
pub(crate) struct Orders(mpsc::Receiver<Order>);

type Tasks = HashMap<Uuid, JoinHandle<()>>;

impl Rules {
    pub(crate) fn new(targets: Targets, here: bool) -> (Self, Orders) {
        let (orders, receiver) = mpsc::channel(ORDERS);
        let here = Arc::new(AtomicBool::new(here));
        let rules = Self {
            orders,
            targets,
            here,
        };
        (rules, Orders(receiver))
    }

    /// Whether this is the instance that runs the rules, and so the only one that may change them.
    pub(super) fn are_here(&self) -> bool {
        self.here.load(Ordering::Acquire)
    }

    pub(super) async fn start(&self, rule: Uuid) {
        // Fails while the service stops: then nothing is to be started.
        let _ = self.orders.send(Order::Start(rule)).await;
    }

    /// Returns when the rule's task has ended.
    pub(super) async fn stop(&self, rule: Uuid) {
        let (ended, wait) = oneshot::channel();
        let _ = self.orders.send(Order::Stop(rule, ended)).await;
        let _ = wait.await;
    }
}

/// Runs the rules whenever it is this instance's turn, until the service stops.
pub(crate) async fn run(app: App, mut orders: Orders) {
    loop {
        let lead = tokio::select! {
            lead = app.store.lead() => lead,
            () = app.shutdown.triggered() => return,
        };
        let mut lead = match lead {
            Ok(lead) => lead,
            Err(error) => {
                tracing::warn!(%error, "the forwarding rules wait for the store");
                sleep(STORE_PAUSE).await;
                continue;
            }
        };
        app.rules.here.store(true, Ordering::Release);
        let mut tasks = Tasks::new();
        let lost = tokio::select! {
            () = obey(&app, &mut orders, &mut tasks) => false,
            () = lead.lost() => true,
        };
        for task in tasks.into_values() {
            task.abort();
            let _ = task.await; // the abort is the error
        }
        if !lost {
            return;
        }
        app.rules.here.store(false, Ordering::Release);
    }
}

/// Starts every rule that is kept, then obeys orders until the service stops.
async fn obey(app: &App, orders: &mut Orders, tasks: &mut Tasks) {
    match Rule::list(&app.store, None).await {
        Ok(rules) => {
            for rule in rules.into_iter().filter(|rule| rule.enabled) {
                tasks.insert(rule.id, tokio::spawn(work(app.clone(), rule.id)));
            }
        }
        Err(error) => tracing::error!(%error, "the forwarding rules can't be read"),
    }
    loop {
        let order = tokio::select! {
            order = orders.0.recv() => order,
            () = app.shutdown.triggered() => None,
        };
        match order {
            Some(Order::Start(rule)) => {
                tasks.retain(|_, task| !task.is_finished());
                if let Some(old) = tasks.insert(rule, tokio::spawn(work(app.clone(), rule))) {
                    old.abort();
                }
            }
            Some(Order::Stop(rule, ended)) => {
                if let Some(task) = tasks.remove(&rule) {
                    task.abort();
                    let _ = task.await; // the abort is the error
                }
                let _ = ended.send(());
            }
            None => return,
        }
    }
}

/// One rule's life: it ends when the rule is gone or stopped; trouble with the store only makes it wait.
async fn work(app: App, id: Uuid) {
    loop {
        match follow(&app, id).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(rule = %id, %error, "forwarding rule waits for the store");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

async fn follow(app: &App, id: Uuid) -> Result<(), StoreError> {
    let Some(mut rule) = Rule::load(&app.store, id).await? else {
        return Ok(());
    };
    let targets = app.rules.targets.clone();
    let courier = match Courier::new(targets, &rule.target, rule.keep_url, ANSWER_WITHIN) {
        Ok(courier) => courier,
        Err(refused) => return halt(app, &mut rule, refused.to_string()).await,
    };
    let mut tail = Tail::follow(&app.store, rule.token, Some(rule.cursor)).await?;
    while rule.enabled {
        let event = tail.next().await?;
        if event.kind == Kind::Web {
            deliver(app, &mut rule, &courier, &event).await?;
        } else {
            rule.cursor = event.sequence;
        }
    }
    Ok(())
}

/// Delivers one event or buries it; either way the cursor has passed it afterwards.
async fn deliver(
    app: &App,
    rule: &mut Rule,
    courier: &Courier,
    event: &Event,
) -> Result<(), StoreError> {
    let parcel = stream::parcel(event);
    loop {
        let (reason, asked, last) = match courier.carry(&parcel).await {
            Ok(answer) => {
                rule.last_status = Some(answer.status);
                if answer.is_success() {
                    return delivered(app, rule, event).await;
                }
                if answer.status == 410 {
                    // The target says that it never wants to hear from us again.
                    return halt(app, rule, "the target answered 410 Gone".to_owned()).await;
                }
                (
                    format!("answered {}", answer.status),
                    answer.retry_after(),
                    false,
                )
            }
            Err(failure) => (failure.to_string(), None, failure.is_final()),
        };
        rule.failed += 1;
        rule.last_error = Some(reason.clone());
        let pause = rule
            .schedule()
            .pause(rule.failed, asked, rand::random())
            .filter(|_| !last);
        let Some(pause) = pause else {
            return bury(app, rule, event, reason).await;
        };
        tracing::info!(rule = %rule.id, id = %event.id, reason, failed = rule.failed, ?pause, "forwarding again");
        rule.save(&app.store).await?;
        sleep(pause).await;
    }
}

async fn delivered(app: &App, rule: &mut Rule, event: &Event) -> Result<(), StoreError> {
    rule.cursor = event.sequence;
    rule.failed = 0;
    rule.delivered += 1;
    rule.last_error = None;
    rule.save(&app.store).await
}

async fn bury(app: &App, rule: &mut Rule, event: &Event, reason: String) -> Result<(), StoreError> {
    tracing::warn!(rule = %rule.id, id = %event.id, reason, "dead letter");
    let letter = Dead {
        request: event.id,
        sequence: event.sequence,
        reason,
        attempts: rule.failed,
        at: jiff::Timestamp::now().to_string(),
    };
    rule.bury(&app.store, &letter).await?;
    rule.cursor = event.sequence;
    rule.failed = 0;
    rule.dead += 1;
    if rule.dead >= MAX_DEAD {
        return halt(app, rule, format!("{MAX_DEAD} dead letters")).await;
    }
    rule.save(&app.store).await
}

/// Stops a rule until somebody starts it again.
async fn halt(app: &App, rule: &mut Rule, reason: String) -> Result<(), StoreError> {
    tracing::warn!(rule = %rule.id, reason, "forwarding rule stopped");
    rule.enabled = false;
    rule.stopped = Some(reason);
    rule.save(&app.store).await
}
