//! webhook.site's REST API: tokens, their requests, and how they are answered. Who knows a token's id may do all of
//! it; there are no other accounts.

mod export;
mod form;
mod json;
mod listing;
pub(crate) mod record;
mod requests;
mod set_response;
mod tokens;

use axum::Router;
use axum::routing::{get, post, put};

pub(crate) use form::{File, pairs};
pub(crate) use record::record;

use crate::app::App;

/// `request` and `requests` are both in use: the documents write the plural, whcli the singular.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/token", post(tokens::create).get(tokens::list))
        .route(
            "/token/{token}",
            get(tokens::read).put(tokens::update).delete(tokens::delete),
        )
        .route("/token/{token}/cors/toggle", put(tokens::toggle_cors))
        .route("/token/{token}/requests/export", get(export::csv))
        .route(
            "/token/{token}/requests",
            get(listing::list).delete(listing::delete),
        )
        .route(
            "/token/{token}/request",
            get(listing::list).delete(listing::delete),
        );
    for part in [
        "/token/{token}/request/{request}",
        "/token/{token}/requests/{request}",
    ] {
        router = router
            .route(
                part,
                get(requests::read)
                    .put(requests::note)
                    .delete(requests::delete),
            )
            .route(&format!("{part}/raw"), get(requests::raw))
            .route(
                &format!("{part}/download/{{file}}"),
                get(requests::download),
            )
            .route(&format!("{part}/response"), put(set_response::set));
    }
    router
}
