//! One HTTP request becomes a WebSocket (RFC 6455, section 4.2): checks what the client asks for, answers 101, and
//! takes the connection from hyper. Whatever is wrong is told with a status and a reason.

use std::future::Future;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ALLOW, CONNECTION, HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::net::TcpStream;

use crate::deflate::{Agreement, Contexts};
use crate::protocol::WireHandshake;
use crate::socket::Socket;
use crate::wire::{Inbound, Wire};

/// Appended to the client's key (section 1.3), so that only who knows this protocol can answer.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What an endpoint agrees to.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The subprotocol that it speaks, taken if offered.
    pub(crate) subprotocol: Option<&'static str>,
    /// How it compresses; None if it doesn't.
    pub(crate) deflate: Option<Contexts>,
    /// The longest message.
    pub(crate) max_message: usize,
    /// What one read takes; tungstenite keeps a buffer of that size for each connection.
    pub(crate) read_buffer: usize,
    /// Pages of these origins may connect, beside those of our own host.
    pub(crate) origins: Arc<[String]>,
}

/// Why a request does not become a WebSocket.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("only GET can be upgraded")]
    Method,
    #[error("only HTTP/1.1 can be upgraded")]
    Version,
    #[error("this is a WebSocket: ask with `Upgrade: websocket`")]
    NotAnUpgrade,
    #[error("`Connection` must name `Upgrade`; a proxy on the way has to send it on")]
    NotConnected,
    #[error("`Sec-WebSocket-Version` must be 13")]
    WebSocketVersion,
    #[error("`Sec-WebSocket-Key` must be there once, 16 bytes in base64")]
    Key,
    #[error("pages of {0} may not connect: `Origin` must be this host's")]
    Origin(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = format!("{self}\n");
        let with = |status, name: HeaderName, value| (status, [(name, value)], body.clone());
        match self {
            Self::Method => with(StatusCode::METHOD_NOT_ALLOWED, ALLOW, "GET").into_response(),
            Self::NotAnUpgrade => {
                with(StatusCode::UPGRADE_REQUIRED, UPGRADE, "websocket").into_response()
            }
            Self::WebSocketVersion => {
                let status = StatusCode::UPGRADE_REQUIRED;
                with(status, SEC_WEBSOCKET_VERSION, "13").into_response()
            }
            Self::Version | Self::NotConnected | Self::Key => {
                (StatusCode::BAD_REQUEST, body).into_response()
            }
            Self::Origin(_) => (StatusCode::FORBIDDEN, body).into_response(),
        }
    }
}

/// The answer's proof that the request was understood: SHA-1 of the key and the magic string, in base64.
pub(crate) fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(MAGIC);
    BASE64_STANDARD.encode(hash.finalize())
}

/// Checks the request against the standard and our terms; gives the 101 and, once it is sent, the socket.
pub(crate) fn upgrade(
    request: &mut Request,
    terms: &Terms,
) -> Result<
    (
        Response,
        impl Future<Output = Option<Socket>> + Send + use<>,
    ),
    Refusal,
> {
    let key = check(request, terms)?;
    let headers = request.headers();
    let offers = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).into_iter();
    let offers = offers.filter_map(|offer| offer.to_str().ok());
    let agreement = terms
        .deflate
        .and_then(|contexts| Agreement::negotiate(offers, contexts));
    let subprotocol = terms
        .subprotocol
        .filter(|ours| names(headers, &SEC_WEBSOCKET_PROTOCOL, |theirs| theirs == *ours));

    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, written(&accept_key(&key)));
    if let Some(subprotocol) = subprotocol {
        answer.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    if let Some(agreement) = agreement {
        answer.insert(SEC_WEBSOCKET_EXTENSIONS, written(&agreement.to_string()));
    }
    let (limit, read_buffer) = (terms.max_message, terms.read_buffer);
    let socket = take_over(hyper::upgrade::on(request), agreement, limit, read_buffer);
    Ok((response, socket))
}

/// Waits until hyper has sent the 101, and takes the TCP connection from it.
async fn take_over(
    upgraded: OnUpgrade,
    agreement: Option<Agreement>,
    limit: usize,
    read_buffer: usize,
) -> Option<Socket> {
    let upgraded = upgraded
        .await
        .inspect_err(|error| tracing::debug!(%error, "the client left before the 101"))
        .ok()?;
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .expect("service::serve gives hyper a TcpStream");
    let inbound = Inbound::new(limit, agreement.map(|a| !a.client_no_context_takeover));
    // Impatient clients send their first frames before they have our answer.
    let wire = Wire::new(parts.io.into_inner(), inbound, &parts.read_buf);
    Some(Socket::new(wire, agreement, limit, read_buffer).await)
}

/// The client's key, if the request may be upgraded.
fn check(request: &Request, terms: &Terms) -> Result<String, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Refusal::Method);
    }
    if !names(headers, &UPGRADE, |name| {
        name.eq_ignore_ascii_case("websocket")
    }) {
        return Err(Refusal::NotAnUpgrade);
    }
    if request.version() != Version::HTTP_11 {
        return Err(Refusal::Version);
    }
    if !names(headers, &CONNECTION, |name| {
        name.eq_ignore_ascii_case("upgrade")
    }) {
        return Err(Refusal::NotConnected);
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(Refusal::WebSocketVersion);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).into_iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Refusal::Key);
    };
    let key = key.to_str().map_err(|_| Refusal::Key)?;
    if BASE64_STANDARD.decode(key).map_err(|_| Refusal::Key)?.len() != 16 {
        return Err(Refusal::Key);
    }
    check_origin(headers, terms)?;
    Ok(key.to_owned())
}

/// A browser lets any page open a WebSocket to anywhere, cookies included; only it tells in `Origin` whose page that
/// is. So what names another host is refused. Programs send no `Origin`.
fn check_origin(headers: &HeaderMap, terms: &Terms) -> Result<(), Refusal> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
    let host = origin.split_once("://").map(|(_, host)| host);
    let own = headers.get(HOST).and_then(|own| own.to_str().ok());
    let ours = host.is_some_and(|host| own.is_some_and(|own| own.eq_ignore_ascii_case(host)));
    if ours || terms.origins.contains(&origin) {
        Ok(())
    } else {
        Err(Refusal::Origin(origin))
    }
}

/// True if one of the names in the comma-separated header satisfies `is`.
fn names(headers: &HeaderMap, header: &HeaderName, is: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(header).into_iter();
    let mut parts = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    parts.any(|part| is(part.trim()))
}

fn written(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("base64 and our own words are plain ASCII")
}

/// The exchange as lines, for who wants to see it.
pub(crate) fn lines(request: &Request, response: &Response) -> WireHandshake {
    let lines = |first: String, headers: &HeaderMap| {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        let shown = headers.iter().filter(|(name, _)| *name != "cookie");
        std::iter::once(first).chain(shown.map(header)).collect()
    };
    WireHandshake {
        request: lines(
            format!("{} {} HTTP/1.1", request.method(), request.uri()),
            request.headers(),
        ),
        response: lines(
            format!("HTTP/1.1 {}", response.status()),
            response.headers(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn terms() -> Terms {
        Terms {
            subprotocol: Some("chat.v1"),
            deflate: Some(Contexts::Kept),
            max_message: 1 << 16,
            read_buffer: 512,
            origins: Arc::new(["https://friend.test".to_owned()]),
        }
    }

    /// A good request with these headers instead of its own; an empty value leaves the header out.
    fn request(changed: &[(&'static str, &'static str)]) -> Request {
        let mut headers = vec![
            ("host", "chat.test:8003"),
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers.retain(|(name, _)| !changed.iter().any(|(changed, _)| changed == name));
        headers.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        let mut request = Request::builder().uri("/chat");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn the_standards_key_is_accepted_with_the_standards_answer() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[tokio::test]
    async fn a_good_request_is_answered_with_101() {
        let (response, _) = upgrade(
            &mut request(&[
                ("sec-websocket-protocol", "other, chat.v1"),
                (
                    "sec-websocket-extensions",
                    "permessage-deflate; client_max_window_bits",
                ),
                ("origin", "http://chat.test:8003"),
            ]),
            &terms(),
        )
        .unwrap_or_else(|refusal| panic!("{refusal}"));
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "chat.v1"),
            (
                "sec-websocket-extensions",
                "permessage-deflate; client_max_window_bits=15",
            ),
        ] {
            assert_eq!(response.headers()[name], value);
        }
    }

    #[test]
    fn a_wrong_request_is_told_what_is_wrong() {
        for (changed, expected) in [
            (("upgrade", ""), Refusal::NotAnUpgrade),
            (("upgrade", "h2c"), Refusal::NotAnUpgrade),
            (("connection", "keep-alive"), Refusal::NotConnected),
            (("sec-websocket-version", "8"), Refusal::WebSocketVersion),
            (("sec-websocket-version", ""), Refusal::WebSocketVersion),
            (("sec-websocket-key", ""), Refusal::Key),
            (("sec-websocket-key", "c2hvcnQ="), Refusal::Key),
            (("sec-websocket-key", "not base64 at all"), Refusal::Key),
            (
                ("origin", "https://evil.test"),
                Refusal::Origin("https://evil.test".to_owned()),
            ),
            (("origin", "null"), Refusal::Origin("null".to_owned())),
        ] {
            assert_eq!(check(&request(&[changed]), &terms()), Err(expected));
        }
        assert!(check(&request(&[("origin", "https://friend.test")]), &terms()).is_ok());
        let mut post = request(&[]);
        *post.method_mut() = Method::POST;
        assert_eq!(check(&post, &terms()), Err(Refusal::Method));
        let mut old = request(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old, &terms()), Err(Refusal::Version));
    }
}
