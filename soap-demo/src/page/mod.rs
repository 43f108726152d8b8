//! The demo's page: what can be called, read from the contracts, and every message as it is on the wire. The page asks
//! the same paths as any other client; all that is served here for it alone is its files, the list of operations and a
//! Postman collection.

mod postman;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::contract::{Contract, Element, Kind, Operation};
use crate::services::Service;

/// Nothing from another origin, no script or style in the page itself.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'; base-uri 'none'");

/// `/` and everything below `/page/`.
pub(crate) fn routes(services: &[Service]) -> Router {
    let contracts: Vec<&Contract> = services.iter().map(|service| &service.contract).collect();
    let operations = operations(&contracts).to_string();
    let collection = postman::collection(&contracts).to_string();
    let page = FILES
        .iter()
        .fold(Router::new(), |router, &(path, kind, text)| {
            router.route(path, get(move || async move { typed(kind, text) }))
        });
    page.route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/page/operations.json",
            get(|| async { typed("application/json", operations) }),
        )
        .route("/page/postman.json", get(|| async { download(collection) }))
}

/// Path, media type, contents.
const FILES: [(&str, &str, &str); 7] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../assets/page.html"),
    ),
    ("/page/lab.css", "text/css", service::LAB_CSS),
    (
        "/page/page.css",
        "text/css",
        include_str!("../../assets/page.css"),
    ),
    (
        "/page/page.js",
        "text/javascript",
        include_str!("../../assets/page.js"),
    ),
    (
        "/page/wire.js",
        "text/javascript",
        include_str!("../../assets/wire.js"),
    ),
    (
        "/page/compare.js",
        "text/javascript",
        include_str!("../../assets/compare.js"),
    ),
    (
        "/page/graphql.json",
        "application/json",
        include_str!("../../assets/graphql.json"),
    ),
];

fn typed(kind: &'static str, body: impl IntoResponse) -> Response {
    let headers = AppendHeaders([
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]);
    let mut response = body.into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    (headers, response).into_response()
}

fn download(collection: String) -> Response {
    let name =
        HeaderValue::from_static("attachment; filename=\"soap-demo.postman_collection.json\"");
    let mut response = typed("application/json", collection);
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    response
}

/// What the page's form needs to know of each contract.
fn operations(contracts: &[&Contract]) -> Value {
    let of_contract = |contract: &&Contract| {
        let operations: Vec<_> = contract.operations.iter().map(of_operation).collect();
        json!({
            "service": contract.name,
            "namespace": contract.namespace,
            "path": contract.path,
            "operations": operations,
        })
    };
    contracts.iter().map(of_contract).collect()
}

fn of_operation(operation: &Operation) -> Value {
    let parameters = operation.request.children().iter().map(|element| {
        json!({ "name": element.name, "type": type_of(element), "sample": sample(&element.name) })
    });
    let parameters: Vec<Value> = parameters.collect();
    let results: Vec<_> = operation.response.children().iter().map(type_of).collect();
    json!({
        "name": operation.name,
        "action": operation.action,
        "parameters": parameters,
        "result": results.join(", "),
    })
}

fn type_of(element: &Element) -> String {
    match &element.kind {
        Kind::Simple(simple) => format!("xs:{}", simple.name()),
        Kind::Sequence { type_name, .. } => type_name.clone(),
    }
}

/// Something to start from, by the parameter's name: the contract says types, not examples.
fn sample(parameter: &str) -> &'static str {
    match parameter {
        "sCountryISOCode" => "BR",
        "sCountryName" => "Brazil",
        "sCurrencyISOCode" | "sISOCurrencyCode" => "BRL",
        "sISOCode" => "pt",
        "sLanguageName" => "Portuguese",
        "ubiNum" => "500",
        "dNum" => "12.5",
        "intA" => "17",
        "intB" => "5",
        "Celsius" => "20",
        "Fahrenheit" => "75",
        "sISBN" => "0-19-852663-6",
        _ => "",
    }
}
