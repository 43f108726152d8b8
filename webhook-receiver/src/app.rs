//! What every handler shares, and the one place where all routes stand.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use service::{Shutdown, TrustedProxies};

use crate::desk::Desk;
use crate::inbox::Room;
use crate::store::Store;
use crate::{api, forward, inbox, page, push, sender};

/// Handed to every handler; a clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) desk: Desk,
    pub(crate) room: Room,
    pub(crate) trusted: Arc<TrustedProxies>,
    /// Who may list all tokens; nobody without it.
    pub(crate) api_key: Option<Arc<str>>,
    /// Ends what would last for ever.
    pub(crate) shutdown: Shutdown,
    pub(crate) rules: forward::Rules,
    pub(crate) panel: sender::Panel,
}

/// All routes. Whatever no other names is somebody's inbox.
pub(crate) fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(api::routes())
        .merge(push::routes())
        .merge(page::routes())
        .merge(forward::routes())
        .merge(sender::routes())
        .merge(inbox::routes());
    push::with_socket_io(routes, &app).with_state(app)
}
