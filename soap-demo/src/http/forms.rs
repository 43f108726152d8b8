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
    let (index, format) = wanted(service, rest).ok_or_else(|| {
        let hint = format!("{} has no {rest}", service.contract.name);
        (StatusCode::NOT_FOUND, hint)
    })?;
    let operation = &service.contract.operations[index];
    let fields = fields(request).await?;
    let arguments = arguments(operation, &fields).map_err(|why| (StatusCode::BAD_REQUEST, why))?;
    let value = call(service, variant, index, arguments).map_err(|fault| {
        let status = fault.code.status(crate::soap::Version::Soap12);
        (
            StatusCode::from_u16(status).unwrap_or_default(),
            fault.reason,
        )
    })?;
    let written = match (operation.response.children(), format) {
        ([result], Format::Json) => Some(as_json(result, &value).to_string()),
        ([result], Format::Xml) => bare(service, result, &value),
        _ => None,
    };
    let text = written.ok_or_else(|| {
        let wrong = "the answer is not as the contract has it".to_owned();
        (StatusCode::INTERNAL_SERVER_ERROR, wrong)
    })?;
    Ok(typed((StatusCode::OK, format.media_type(), text)))
}

#[derive(Clone, Copy)]
enum Format {
    Xml,
    Json,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// `CapitalCity` or `CapitalCity/JSON`; .NET's services have no JSON.
fn wanted(service: &Service, rest: &str) -> Option<(usize, Format)> {
    let (name, format) = match rest.rsplit_once('/') {
        Some((name, json)) if json.eq_ignore_ascii_case("json") => (name, Format::Json),
        _ => (rest, Format::Xml),
    };
    if matches!(format, Format::Json) && service.contract.layout() != Layout::DataFlex {
        return None;
    }
    let mut operations = service.contract.operations.iter();
    let index = operations.position(|operation| operation.name == name)?;
    Some((index, format))
}

/// The fields of a query or of a form.
async fn fields(request: Request) -> Result<Vec<(String, String)>, Refused> {
    if request.method() == Method::GET {
        return Ok(decoded(
            request.uri().query().unwrap_or_default().as_bytes(),
        ));
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
    Ok(decoded(&bytes))
}

/// `a=b&c=d`, percent-decoded: no operation has as many as 16.
fn decoded(query: &[u8]) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(query).into_owned();
    pairs.take(16).collect()
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
