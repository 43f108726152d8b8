//! The page: plain files in the binary, and a policy under which a browser runs nothing else.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};

/// What others write is shown as text; should it ever get in as markup, it still can't load or run anything.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", file(HTML, include_str!("../../assets/page.html")))
        .route("/lab.css", file(CSS, service::LAB_CSS))
        .route(
            "/chat.css",
            file(CSS, include_str!("../../assets/chat.css")),
        )
        .route(
            "/chat.js",
            file(SCRIPT, include_str!("../../assets/chat.js")),
        )
        .route(
            "/line.js",
            file(SCRIPT, include_str!("../../assets/line.js")),
        )
        .route(
            "/wire.js",
            file(SCRIPT, include_str!("../../assets/wire.js")),
        )
}

fn file<S: Clone + Send + Sync + 'static>(
    kind: &'static str,
    text: &'static str,
) -> MethodRouter<S> {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Small, and a student who rebuilds wants the new one.
        (CACHE_CONTROL, "no-cache"),
    ];
    get(move || async move { (headers, text).into_response() })
}
