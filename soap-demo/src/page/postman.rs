//! A Postman collection (v2.1) of every operation in both versions, from the contracts: a folder for each service. Each
//! request carries a test, so that the collection is a check as well as a tool.

use serde_json::{Value, json};

use super::sample;
use crate::contract::{Contract, Operation};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

pub(super) fn collection(contracts: &[&Contract]) -> Value {
    let folders: Vec<_> = contracts.iter().map(|contract| folder(contract)).collect();
    json!({
        "info": {
            "name": "soap-demo",
            "description": "All operations of the five services, in SOAP 1.1 and 1.2. Only {{base}} says where.",
            "schema": SCHEMA,
        },
        "item": folders,
        "variable": [{ "key": "base", "value": "http://localhost:8001" }],
    })
}

fn folder(contract: &Contract) -> Value {
    let requests: Vec<_> = contract
        .operations
        .iter()
        .flat_map(|operation| {
            [
                request(contract, operation, true),
                request(contract, operation, false),
            ]
        })
        .collect();
    json!({ "name": contract.name, "item": requests })
}

fn request(contract: &Contract, operation: &Operation, is_soap11: bool) -> Value {
    let (name, action) = (&operation.name, &operation.action);
    let (version, headers) = if is_soap11 {
        let action = format!("\"{action}\"");
        let media = header("Content-Type", "text/xml; charset=utf-8");
        ("1.1", vec![media, header("SOAPAction", &action)])
    } else {
        let media = format!("application/soap+xml; charset=utf-8; action=\"{action}\"");
        ("1.2", vec![header("Content-Type", &media)])
    };
    let test = format!(
        "pm.test('a {name}Response', () => {{ pm.response.to.have.status(200); \
         pm.expect(pm.response.text()).to.include('{name}Response'); }});"
    );
    json!({
        "name": format!("{name} ({version})"),
        "event": [{ "listen": "test", "script": { "type": "text/javascript", "exec": [test] } }],
        "request": {
            "method": "POST",
            "header": headers,
            "body": { "mode": "raw", "raw": envelope(contract, operation, is_soap11) },
            "url": format!("{{{{base}}}}{}", contract.path),
        },
    })
}

fn header(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": value })
}

/// Written for people, to be edited: names and samples need no escaping.
fn envelope(contract: &Contract, operation: &Operation, is_soap11: bool) -> String {
    let namespace = if is_soap11 {
        "http://schemas.xmlsoap.org/soap/envelope/"
    } else {
        "http://www.w3.org/2003/05/soap-envelope"
    };
    let parameters = operation.request.children().iter();
    let parameters: String = parameters
        .map(|element| {
            format!(
                "      <{0}>{1}</{0}>\n",
                element.name,
                sample(&element.name)
            )
        })
        .collect();
    let (name, target) = (&operation.request.name, &contract.namespace);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"{namespace}\">\n  <soap:Body>\n    \
         <{name} xmlns=\"{target}\">\n{parameters}    </{name}>\n  </soap:Body>\n</soap:Envelope>\n"
    )
}
