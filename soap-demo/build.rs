//! Turns each contract in `wsdl/` into a client stub in Rust, with the server's own reader of contracts: a struct for
//! each type, a method for each operation. `client` includes the result.

#![allow(
    dead_code,
    unfulfilled_lint_expectations,
    unreachable_pub,
    unused_imports,
    reason = "a part of the server is compiled here, for what it reads"
)]

#[path = "src/contract/mod.rs"]
mod contract;
#[path = "src/xml/mod.rs"]
mod xml;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use contract::{Contract, Element, Kind, Operation, Simple};

fn main() {
    println!("cargo::rerun-if-changed=wsdl");
    let mut stubs = String::new();
    let mut files: Vec<_> = fs::read_dir("wsdl").expect("wsdl/").flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    for file in files {
        let text = fs::read_to_string(file.path()).expect("a contract is text");
        let contract = Contract::parse(&text).expect("the contracts are tested");
        write_stub(&mut stubs, &contract, &file.path());
    }
    let folder = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&folder).join("stubs.rs"), stubs).expect("OUT_DIR can be written");
}

fn write_stub(out: &mut String, contract: &Contract, file: &Path) {
    let (name, file) = (&contract.name, file.display());
    let methods: String = contract.operations.iter().map(method).collect();
    let mut types = BTreeSet::new();
    for operation in &contract.operations {
        for element in operation.response.children() {
            collect_types(element, &mut types);
        }
    }
    let types: String = types.into_iter().collect();
    write!(
        out,
        r#"
/// The service {name}, as its contract has it.
#[derive(Clone, Debug)]
pub struct {name} {{
    client: Client,
}}

impl {name} {{
    /// Calls the one at `origin`, such as `http://localhost:8001`, with SOAP of this version.
    pub fn at(origin: &str, version: Version) -> Result<Self, CallError> {{
        let contract = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/{file}"));
        Ok(Self {{ client: Client::new(contract, origin, version)? }})
    }}
{methods}}}
{types}"#
    )
    .expect("a String takes everything");
}

fn method(operation: &Operation) -> String {
    let (name, method) = (&operation.name, snake(&operation.name));
    let arguments = operation.request.children();
    let parameters: String = arguments
        .iter()
        .map(|element| format!(", {}: {}", member(&element.name), borrowed(element)))
        .collect();
    let values: Vec<_> = arguments.iter().map(value_of).collect();
    let [result] = operation.response.children() else {
        panic!("{name} has not one result");
    };
    format!(
        r#"
    /// `{name}`
    pub async fn {method}(&self{parameters}) -> Result<{}, CallError> {{
        self.client.call("{name}", vec![{}]).await
    }}
"#,
        owned(result),
        values.join(", ")
    )
}

/// The structs that an answer is made of. The set keeps each once, and their order.
fn collect_types(element: &Element, types: &mut BTreeSet<String>) {
    let Kind::Sequence {
        elements,
        type_name,
    } = &element.kind
    else {
        return;
    };
    for element in elements.iter() {
        collect_types(element, types);
    }
    if item_of_array(element).is_none() {
        types.insert(struct_of(type_name, elements));
    }
}

fn struct_of(type_name: &str, elements: &[Element]) -> String {
    let name = struct_name(type_name);
    let mut fields = String::new();
    let mut reads = String::new();
    for element in elements {
        let (field, of) = (member(&element.name), owned(element));
        writeln!(fields, "    /// `{}`\n    pub {field}: {of},", element.name).expect("a String");
        writeln!(
            reads,
            "            {field}: FromValue::from_value(next()?)?,"
        )
        .expect("a String");
    }
    format!(
        r#"
/// `{type_name}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct {name} {{
{fields}}}

impl FromValue for {name} {{
    fn from_value(value: Value) -> Option<Self> {{
        let Value::Sequence(values) = value else {{ return None }};
        let mut values = values.into_iter();
        let mut next = || values.next();
        Some(Self {{
{reads}        }})
    }}
}}
"#
    )
}

/// The contracts' lists: a type with one element, that may be there many times.
fn item_of_array(element: &Element) -> Option<&Element> {
    match element.children() {
        [item] if item.many => Some(item),
        _ => None,
    }
}

fn owned(element: &Element) -> String {
    let plain = match &element.kind {
        Kind::Simple(Simple::String | Simple::Decimal) => "String".to_owned(),
        Kind::Simple(simple) => number(*simple).to_owned(),
        Kind::Sequence { type_name, .. } => match item_of_array(element) {
            Some(Element {
                kind: Kind::Sequence { type_name, .. },
                ..
            }) => {
                format!("Vec<{}>", struct_name(type_name))
            }
            _ => struct_name(type_name),
        },
    };
    if element.optional && !element.many {
        format!("Option<{plain}>")
    } else {
        plain
    }
}

fn borrowed(element: &Element) -> &'static str {
    match element.kind {
        Kind::Simple(Simple::String | Simple::Decimal) => "&str",
        Kind::Simple(simple) => number(simple),
        Kind::Sequence { .. } => panic!("{}: the contracts' parameters are simple", element.name),
    }
}

fn number(simple: Simple) -> &'static str {
    match simple {
        Simple::Int => "i32",
        Simple::UnsignedLong => "u64",
        Simple::Boolean => "bool",
        Simple::String | Simple::Decimal => "String",
    }
}

fn value_of(element: &Element) -> String {
    let name = member(&element.name);
    match element.kind {
        Kind::Simple(Simple::String) => format!("Value::Text({name}.to_owned().into())"),
        Kind::Simple(Simple::Decimal) => format!("Value::Decimal({name}.to_owned())"),
        Kind::Simple(Simple::Int) => format!("Value::Int({name})"),
        Kind::Simple(Simple::UnsignedLong) => format!("Value::UnsignedLong({name})"),
        _ => format!("Value::Boolean({name})"),
    }
}

/// `tCountryInfo` is CountryInfo in Rust: the `t` says that it is a type, which the capital says here.
fn struct_name(type_name: &str) -> String {
    without_kind(type_name, 't').to_owned()
}

/// `sCountryISOCode` is country_iso_code in Rust: the `s` says that it is a string, which the type says here.
fn member(name: &str) -> String {
    snake(without_kind(name, 's'))
}

fn without_kind(name: &str, kind: char) -> &str {
    match name.strip_prefix(kind) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_uppercase()) => rest,
        _ => name,
    }
}

/// `CountryISOCode` to `country_iso_code`: a word begins at a capital after a small letter, and at the last of many.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let before_small = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && at > 0 && (after_small || before_small) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
