//! What a sender gets: what the token says, or what a forwarder's target said.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use uuid::Uuid;

use crate::desk::Answer;
use crate::store::Token;

/// Headers that belong to the connection between forwarder and target, not to the answer; the length is counted anew.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The token's own answer.
pub(super) fn configured(token: &Token, status: Option<u16>, event: Uuid) -> Response<Body> {
    let mut response = Response::new(Body::from(token.default_content.clone()));
    *response.status_mut() = final_status(status.unwrap_or(token.default_status));
    if let Ok(kind) = HeaderValue::from_str(&token.default_content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    stamped(response, token, event)
}

/// The answer that a forwarder brought.
pub(super) fn forwarded(token: &Token, answer: Answer, event: Uuid) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = final_status(answer.status);
    let named = connection_names(&answer.headers);
    for (name, value) in &answer.headers {
        if !HOP_BY_HOP.contains(name) && !named.iter().any(|other| name == other.as_str()) {
            response.headers_mut().append(name, value.clone());
        }
    }
    stamped(response, token, event)
}

/// What the `Connection` header lists is for that connection only, too.
fn connection_names(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let names = texts.flat_map(|text| text.split(','));
    names.map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// A status that ends an exchange; 1xx would leave the sender waiting.
fn final_status(status: u16) -> StatusCode {
    let valid = StatusCode::from_u16(status).ok();
    valid
        .filter(|status| status.as_u16() >= 200)
        .unwrap_or(StatusCode::OK)
}

fn stamped(mut response: Response<Body>, token: &Token, event: Uuid) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, id) in [("x-request-id", event), ("x-token-id", token.id)] {
        let value = HeaderValue::try_from(id.to_string()).expect("an id is plain ASCII");
        headers.insert(name, value);
    }
    // A stranger may have chosen the content, and our own pages share the origin: nothing in it may run.
    let sandbox = HeaderValue::from_static("sandbox");
    headers.append(header::CONTENT_SECURITY_POLICY, sandbox);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    if token.cors {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, PUT, PATCH, POST, DELETE, OPTIONS",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "DNT,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range",
            ),
            (
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "Content-Length,Content-Range",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_targets_connection_stays_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Private"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("transfer-encoding", "chunked"),
            ("content-encoding", "gzip"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let answer = Answer {
            status: 101,
            headers,
            body: "x".into(),
        };
        let response = forwarded(&Token::default(), answer, Uuid::nil());
        let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(
            names,
            [
                "content-encoding",
                "set-cookie",
                "x-request-id",
                "x-token-id",
                "content-security-policy",
                "x-content-type-options",
            ]
        );
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(response.status(), 200);
    }
}
