//! The dashboard's files, as they stand in `page/`: no build step, nothing from elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const FILES: [(&str, &str, &str); 10] = [
    ("/", HTML, include_str!("page/home.html")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("/home.css", STYLE, include_str!("page/home.css")),
    ("/lab.css", STYLE, service::LAB_CSS),
    ("/home.js", SCRIPT, include_str!("page/home.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/peers.js", SCRIPT, include_str!("page/peers.js")),
    ("/flow.js", SCRIPT, include_str!("page/flow.js")),
    ("/requests.js", SCRIPT, include_str!("page/requests.js")),
    ("/conf.js", SCRIPT, include_str!("page/conf.js")),
];

/// A route for each file.
pub(super) fn add_to<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES
        .into_iter()
        .fold(router, |router, (path, kind, text)| {
            router.route(path, get(move || answer(kind, text)))
        })
}

pub(super) async fn answer(content_type: &'static str, text: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        let bytes: usize = FILES.iter().map(|(.., text)| text.len()).sum();
        assert!(bytes < 60 * 1024, "{bytes}");
        for (path, _, text) in FILES {
            // The namespace of SVG is a name, not a place.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://"), "{path} names another origin");
            // The policy forbids what stands inline.
            for inline in ["style=", "<style", "onclick=", "<script>", "innerHTML"] {
                assert!(!text.contains(inline), "{path} has {inline}");
            }
        }
    }
}
