//! A Postman collection (v2.1) of every operation in both versions, from the contracts: a folder for each service. Each
//! request carries a test, so that the collection is a check as well as a tool.

use serde_json::{Value, json};

use super::sample;
use crate::contract::{Contract, Operation};
use crate::soap::Version;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
const VERSIONS: [(&str, Version); 2] = [("1.1", Version::Soap11), ("1.2", Version::Soap12)];

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
    let both = |operation| VERSIONS.map(|version| request(contract, operation, version));
    let requests: Vec<_> = contract.operations.iter().flat_map(both).collect();
    json!({ "name": contract.name, "item": requests })
}

fn request(
    contract: &Contract,
    operation: &Operation,
    (number, version): (&str, Version),
) -> Value {
    let name = &operation.name;
    let headers: Vec<_> = version
        .request_headers(&operation.action)
        .into_iter()
        .map(|(name, value)| json!({ "key": name, "value": value }))
        .collect();
    let test = format!(
        "pm.test('a {name}Response', () => {{ pm.response.to.have.status(200); \
         pm.expect(pm.response.text()).to.include('{name}Response'); }});"
    );
    json!({
        "name": format!("{name} ({number})"),
        "event": [{ "listen": "test", "script": { "type": "text/javascript", "exec": [test] } }],
        "request": {
            "method": "POST",
            "header": headers,
            "body": { "mode": "raw", "raw": envelope(contract, operation, version) },
            "url": format!("{{{{base}}}}{}", contract.path),
        },
    })
}

/// Written for people, to be edited: names and samples need no escaping.
fn envelope(contract: &Contract, operation: &Operation, version: Version) -> String {
    let namespace = version.namespace();
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
