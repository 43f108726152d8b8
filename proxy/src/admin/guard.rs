//! Who may read the admin pages: a browser that was sent to one of this machine's own names.
//!
//! The pages listen on the loopback only, but so does every page in the student's browser: a hostile site can let its
//! own name resolve to 127.0.0.1 (DNS rebinding) and read us from there. Its name is then in `Host`, and ours is not.

use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// `proxy` is the name of our container in compose's network.
const OWN_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "proxy"];

pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = if is_for_us(&request) {
        next.run(request).await
    } else {
        let why =
            "403: the admin pages answer to localhost, 127.0.0.1 and [::1] only (DNS rebinding)\n";
        (StatusCode::FORBIDDEN, why).into_response()
    };
    let headers = response.headers_mut();
    // Everything that the pages need comes from here; a script that somebody smuggles in does not run.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn is_for_us(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_own_name),
        // HTTP/1.0 has no Host, and no browser speaks it.
        (None, None) => request.version() == Version::HTTP_10,
        _ => false,
    }
}

/// Any port: the container's 8080 is another one outside.
fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    OWN_NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_are_ours() {
        for ours in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:18080",
            "[::1]",
            "[::1]:8080",
            "proxy:8080",
        ] {
            assert!(is_own_name(ours), "{ours}");
        }
        for theirs in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "evil.example:localhost",
            "127.0.0.2",
            "::1",
        ] {
            assert!(!is_own_name(theirs), "{theirs}");
        }
    }
}
