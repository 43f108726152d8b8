//! The same operations without SOAP, where the originals have it: DataFlex takes a GET with the parameters in the query
//! and answers the bare result as XML or, under `/JSON`, as JSON; .NET takes a POSTed form.

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::Value as Json;

use super::{Refused, Variant, call, not_allowed, refused, typed, whole};
use crate::contract::{Element, Kind, Layout, Operation, Value, read_simple, write_element};
use crate::services::Service;

/// Answers what follows a service's path: `CapitalCity`, `CapitalCity/JSON`.
pub(super) async fn serve(
    service: &Service,
    variant: Variant,
    rest: &str,
    request: Request,
) -> Response {
    let wanted = match service.contract.layout() {
        Layout::DataFlex => Method::GET,
        Layout::AspNet => Method::POST,
    };
    if *request.method() != wanted {
        return not_allowed(service, request.method());
    }
    form(service, variant, rest, request)
        .await
        .unwrap_or_else(refused)
}

async fn form(
    service: &Service,
    variant: Variant,
    rest: &str,
    request: Request,
) -> Result<Response, Refused> {
    let (name, json) = match rest.rsplit_once('/') {
        Some((name, format)) if format.eq_ignore_ascii_case("json") => (name, true),
        _ => (rest, false),
    };
    let operations = &service.contract.operations;
    let index = operations
        .iter()
        .position(|operation| operation.name == name);
    let json = json && service.contract.layout() == Layout::DataFlex;
    let unknown = || {
        (
            StatusCode::NOT_FOUND,
            format!("{} has no {rest}", service.contract.name),
        )
    };
    let index = index
        .filter(|_| json || !rest.contains('/'))
        .ok_or_else(unknown)?;
    let operation = &operations[index];
    let fields = fields(request).await?;
    let arguments = arguments(operation, &fields).map_err(|why| (StatusCode::BAD_REQUEST, why))?;
    let value = call(service, variant, index, arguments).map_err(|fault| {
        let status = fault.code.status(crate::soap::Version::Soap12);
        (
            StatusCode::from_u16(status).unwrap_or_default(),
            fault.reason,
        )
    })?;
    let wrong = |what: &str| (StatusCode::INTERNAL_SERVER_ERROR, what.to_owned());
    let [result] = operation.response.children() else {
        return Err(wrong("the contract has no result here"));
    };
    if json {
        let text = as_json(result, &value).to_string();
        return Ok(typed((
            StatusCode::OK,
            "application/json; charset=utf-8",
            text,
        )));
    }
    let text = bare(service, result, &value).ok_or_else(|| wrong("the answer is not valid"))?;
    Ok(typed((StatusCode::OK, "text/xml; charset=utf-8", text)))
}

/// The fields of a query or of a form.
async fn fields(request: Request) -> Result<Vec<(String, String)>, Refused> {
    if request.method() == Method::GET {
        return Ok(decoded(request.uri().query().unwrap_or_default()));
    }
    let (head, body) = request.into_parts();
    let is_form = |value: &str| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    };
    let media = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !media.is_some_and(is_form) {
        let hint = "Content-Type must be application/x-www-form-urlencoded".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, hint));
    }
    let bytes = whole(&head.headers, body).await?;
    Ok(decoded(&String::from_utf8_lossy(&bytes)))
}

/// `a=b&c=d`, percent-decoded.
fn decoded(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(16);
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decoded(name), percent_decoded(value))
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let hex = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        match (first, after) {
            (b'%', [high, low, tail @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0));
                rest = tail;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn arguments(operation: &Operation, fields: &[(String, String)]) -> Result<Value, String> {
    let one = |element: &Element| {
        let field = fields.iter().find(|(name, _)| *name == element.name);
        match (field, &element.kind) {
            (Some((name, text)), Kind::Simple(simple)) => {
                if !crate::xml::is_xml_text(text) {
                    return Err(format!("{name} holds a character that XML does not allow"));
                }
                read_simple(name, *simple, text)
            }
            (None, _) if element.optional => Ok(Value::Absent),
            _ => Err(format!("parameter {} is missing", element.name)),
        }
    };
    let values: Result<Vec<Value>, String> = operation.request.children().iter().map(one).collect();
    values.map(Value::Sequence)
}

/// The result alone, in an element named for its type: `<string>`, `<ArrayOftCountryCodeAndName>`.
fn bare(service: &Service, result: &Element, value: &Value) -> Option<String> {
    let name = match &result.kind {
        Kind::Simple(simple) => simple.name(),
        Kind::Sequence { type_name, .. } => type_name,
    };
    let root = Element {
        name: name.to_owned(),
        ..result.clone()
    };
    let namespace = &service.contract.namespace;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    // The default namespace, in both families.
    write_element(&mut out, &root, value, namespace, Layout::AspNet, 0).ok()?;
    Some(out)
}

/// A list is an array, a record an object.
fn as_json(element: &Element, value: &Value) -> Json {
    match (value, element.children()) {
        (Value::Sequence(values), [item]) if item.many => match &values[..] {
            [Value::List(list)] => list.iter().map(|value| as_json(item, value)).collect(),
            _ => Json::Null,
        },
        (Value::Sequence(values), children) => std::iter::zip(children, values)
            .map(|(child, value)| (child.name.clone(), as_json(child, value)))
            .collect(),
        (Value::Int(number), _) => Json::from(*number),
        (Value::UnsignedLong(number), _) => Json::from(*number),
        (Value::Boolean(truth), _) => Json::from(*truth),
        (value, _) => value
            .text()
            .map_or(Json::Null, |text| Json::from(text.into_owned())),
    }
}
