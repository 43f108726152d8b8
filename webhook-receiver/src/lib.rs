//! Receives webhooks, keeps them, shows them, forwards them.
//!
//! [`run`] serves until the shutdown.

mod api;
mod app;
mod desk;
pub mod dns;
pub mod forward;
mod inbox;
mod page;
mod push;
mod refusal;
pub mod search;
pub mod sender;
mod serving;
pub mod signature;
pub mod smtp;
mod store;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use service::{Shutdown, TrustedProxies};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tower::ServiceExt;

pub use serving::{Listeners, OpenError, Serving};
pub use store::{Place, Settings, StoreError};

use app::App;
use store::Store;

/// How long requests in flight may take after a shutdown; `docker stop` kills after 10 s.
const DRAIN: Duration = Duration::from_secs(8);
/// Between two looks for what is too old.
const SWEEP: Duration = Duration::from_secs(30);

/// What the command line decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose word about the client's address and our own is taken.
    pub trusted: TrustedProxies,
    /// Where everything is kept.
    pub store: Settings,
    /// Who gives this may list all tokens.
    pub api_key: Option<String>,
    /// Where deliveries may be forwarded to.
    pub targets: target::Targets,
}

/// Serves on `listeners` until `shutdown`.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: Config,
    shutdown: Shutdown,
) -> Result<(), StoreError> {
    let listeners = listeners.into();
    let own = listeners.http.local_addr();
    let own = own.expect("a listener that listens has an address");
    let store = Store::open(&config.store).await?;
    let (rules, orders) = forward::Rules::new(config.targets, !store.is_shared());
    let app = App {
        store,
        desk: desk::Desk::default(),
        room: inbox::Room::default(),
        trusted: Arc::new(config.trusted),
        api_key: config.api_key.map(Arc::from),
        shutdown: shutdown.clone(),
        rules,
        panel: sender::Panel::new(own),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(forward::run_rules(app.clone(), orders));
    tasks.spawn(sweep(app.store.clone(), shutdown.clone()));
    if let Some(smtp) = listeners.smtp {
        tasks.spawn(smtp::serve(smtp, app.clone(), shutdown.clone()));
    }
    if let Some(dns) = listeners.dns {
        tasks.spawn(dns::serve(dns, app.clone(), shutdown.clone()));
    }
    let routes = app::router(app).map_request(inbox::unfold_host);
    let routes = Router::new().fallback_service(routes);
    service::serve(listeners.http, routes, shutdown, DRAIN).await;
    // They heard of the shutdown, too.
    tasks.join_all().await;
    Ok(())
}

/// Drops what is too old, again and again.
async fn sweep(store: Store, shutdown: Shutdown) {
    let mut pause = tokio::time::interval(SWEEP);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            _ = pause.tick() => {}
        }
        // A sweep that is left early goes on with the next.
        let swept = tokio::select! {
            () = shutdown.triggered() => return,
            swept = store.sweep(Timestamp::now()) => swept,
        };
        match swept {
            Ok(swept) => tracing::debug!(?swept, "swept"),
            Err(error) => tracing::warn!(?error, "the sweep failed"),
        }
    }
}
