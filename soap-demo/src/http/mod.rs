//! HTTP's side: which service a path means, which media types and methods it takes, how large a body may be, and which
//! status an answer has. What is inside the messages is `soap`'s business.

mod forms;
mod media;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use service::TrustedProxies;

use crate::contract::Value;
use crate::services::{Problem, Service};
use crate::soap::{self, Code, Detail, Fault, Version};
use crate::xml::{self, Limits};
pub(crate) use media::MediaType;

/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Before a path: lookups that fail are faults, and nothing that is missing counts as zero.
const STRICT: &str = "/strict";

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) services: Vec<Service>,
    pub(crate) trusted: TrustedProxies,
}

/// How a service answers what it can't find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// As the originals.
    InBand,
    /// With typed faults.
    Strict,
}

/// A refusal by HTTP itself, before there is a message to answer: status and a line for people.
type Refused = (StatusCode, String);

/// Every request that is for no page.
pub(crate) async fn serve(site: Arc<Site>, peer: SocketAddr, request: Request) -> Response {
    let path = request.uri().path();
    let (variant, path) = match path.strip_prefix(STRICT) {
        Some(rest) => (Variant::Strict, rest),
        None => (Variant::InBand, path),
    };
    for service in &site.services {
        // The originals' servers don't mind the case of paths.
        let own = &service.contract.path;
        let (Some(start), Some(rest)) = (path.get(..own.len()), path.get(own.len()..)) else {
            continue;
        };
        if !start.eq_ignore_ascii_case(own) {
            continue;
        }
        if rest.is_empty() {
            return at_service(&site, service, variant, peer, request).await;
        }
        if let Some(rest) = rest.strip_prefix('/') {
            let rest = rest.to_owned();
            return forms::serve(service, variant, &rest, request).await;
        }
    }
    refused((StatusCode::NOT_FOUND, "no service is here".to_owned()))
}

async fn at_service(
    site: &Site,
    service: &Service,
    variant: Variant,
    peer: SocketAddr,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::POST => post(service, variant, request)
            .await
            .unwrap_or_else(refused),
        Method::GET | Method::HEAD if query.eq_ignore_ascii_case("wsdl") => {
            let origin = site.trusted.origin(peer.ip(), request.headers());
            contract(service, variant, origin)
        }
        _ => not_allowed(service, request.method()),
    }
}

/// `?WSDL`: the contract, with the address that the client used.
fn contract(service: &Service, variant: Variant, origin: Option<String>) -> Response {
    // HTTP/1.0 may come without a Host.
    let origin = origin.unwrap_or_else(|| "http://localhost:8001".to_owned());
    let text = match variant {
        Variant::InBand => service.contract.text_at(&origin, ""),
        Variant::Strict => service.contract.strict_text_at(&origin, STRICT),
    };
    typed((StatusCode::OK, "text/xml; charset=utf-8", text))
}

/// The Basic Profile's R1114. A GET with a query that is not ours is refused like one without.
fn not_allowed(service: &Service, method: &Method) -> Response {
    let path = &service.contract.path;
    let hint = format!("{method} is not served here: POST a SOAP envelope, or GET {path}?WSDL");
    let mut response = refused((StatusCode::METHOD_NOT_ALLOWED, hint));
    let allow = HeaderValue::from_static("POST");
    response.headers_mut().insert(ALLOW, allow);
    response
}

async fn post(service: &Service, variant: Variant, request: Request) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let media = MediaType::of(&head.headers)?;
    identity_encoding(&head.headers)?;
    let bytes = whole(&head.headers, body).await?;
    let soap_action = soap_action(&head.headers)?;
    let actions = [soap_action.as_deref(), media.action.as_deref()];
    Ok(typed(answer(service, variant, &media, actions, &bytes)))
}

/// The body, if it is not larger than a message may be.
async fn whole(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refused> {
    let max = Limits::MESSAGE.size;
    let too_large = || {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("more than {max} bytes"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|value| value.parse().ok())
        .is_some_and(|length: usize| length > max)
    {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long".to_owned(),
        )),
    }
}

/// A message to send: status, media type and text.
pub(crate) type Message = (StatusCode, &'static str, String);

/// An envelope in, an envelope out, whatever the bytes are.
pub(crate) fn answer(
    service: &Service,
    variant: Variant,
    media: &MediaType,
    actions: soap::Action<'_>,
    bytes: &[u8],
) -> Message {
    let contract = &service.contract;
    let text = match xml::decode(bytes, media.charset) {
        Ok(text) => text,
        Err(error) => return fault(service, media.version, &soap::unreadable(&error)),
    };
    let lenient = variant == Variant::InBand;
    let request = match soap::read(&text, contract, actions, lenient, media.version) {
        Ok(request) => request,
        Err((version, refused)) => return fault(service, version, &refused),
    };
    let version = request.version;
    let operation = &contract.operations[request.operation];
    let called = call(service, variant, request.operation, request.arguments);
    let answered = called.and_then(|value| {
        let response = Value::Sequence(vec![value]);
        soap::message(version, contract, &operation.response, &response).map_err(|mismatch| {
            tracing::error!(service = contract.name, %mismatch, "an answer is not valid");
            Fault::new(Code::Receiver, mismatch.to_string(), Detail::Empty)
        })
    });
    match answered {
        Ok(message) => (StatusCode::OK, version.media_type(), message),
        Err(refused) => fault(service, version, &refused),
    }
}

/// Calls the operation; here and nowhere else a problem becomes an answer in band or a fault.
fn call(
    service: &Service,
    variant: Variant,
    operation: usize,
    arguments: Value,
) -> Result<Value, Fault> {
    let unprocessed = |code, text: &str| {
        let reason = format!("Server was unable to process request. ---> {text}");
        Fault::new(code, reason, Detail::Empty)
    };
    let called = service.call(operation, arguments);
    match called.ok_or_else(|| Fault::sender("an argument is nil that can't be"))? {
        Ok(value) => Ok(value),
        Err(Problem::NotFound { in_band, .. }) if variant == Variant::InBand => Ok(in_band),
        Err(Problem::NotFound { what, key, .. }) => Err(Fault::new(
            Code::Sender,
            format!("no {what} is known as {key:?}"),
            Detail::NotFound {
                namespace: service.contract.namespace.as_str().into(),
                what,
                key: key.into(),
            },
        )),
        Err(Problem::Impossible(text)) => Err(unprocessed(Code::Sender, text)),
        Err(Problem::Failed(text)) => Err(unprocessed(Code::Receiver, text)),
    }
}

fn fault(service: &Service, version: Version, fault: &Fault) -> Message {
    tracing::debug!(service = service.contract.name, ?fault, "refused");
    let status = fault.code.status(version);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = fault.message(version, service.contract.layout());
    (status, version.media_type(), message)
}

/// SOAPAction as clients send it: quoted, bare, empty, absent, or (gowsdl) as two apostrophes.
fn soap_action(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let bad = || (StatusCode::BAD_REQUEST, "SOAPAction is no text".to_owned());
    let mut all = headers.get_all("soapaction").iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err((
            StatusCode::BAD_REQUEST,
            "SOAPAction is there twice".to_owned(),
        ));
    }
    let value = value.to_str().map_err(|_| bad())?.trim();
    let quoted = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    let action = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    Ok(Some(action.to_owned()))
}

/// A compressed body would have to be unpacked before its size is known.
fn identity_encoding(headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let hint = "send the body without Content-Encoding".to_owned();
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, hint))
        }
        _ => Ok(()),
    }
}

fn refused((status, text): Refused) -> Response {
    typed((status, "text/plain; charset=utf-8", text + "\n"))
}

fn typed((status, media_type, text): Message) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    (status, [(CONTENT_TYPE, media_type)], text).into_response()
}
