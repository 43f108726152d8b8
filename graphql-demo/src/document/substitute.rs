//! Puts variables' values into a flattened operation. A variable that has no value takes its argument, or field of an
//! input object, away with it, so that defaults apply.

use apollo_compiler::ast;
use apollo_compiler::response::{JsonMap, JsonValue};
use async_graphql::Positioned;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql_value::{Name, Number, Value};

/// `set` with the values of variables in place of their names.
pub(crate) fn set(set: &SelectionSet, variables: &JsonMap) -> SelectionSet {
    let items = set.items.iter().filter_map(|item| match &item.node {
        Selection::Field(flat) => {
            let flat = Positioned::new(field(&flat.node, variables), flat.pos);
            Some(Positioned::new(Selection::Field(flat), item.pos))
        }
        _ => None,
    });
    SelectionSet {
        items: items.collect(),
    }
}

fn field(flat: &Field, variables: &JsonMap) -> Field {
    let arguments = flat.arguments.iter().filter_map(|(name, value)| {
        let filled = filled(&value.node, variables)?;
        Some((name.clone(), Positioned::new(filled, value.pos)))
    });
    Field {
        alias: flat.alias.clone(),
        name: flat.name.clone(),
        arguments: arguments.collect(),
        directives: Vec::new(),
        selection_set: Positioned::new(
            set(&flat.selection_set.node, variables),
            flat.selection_set.pos,
        ),
    }
}

fn filled(value: &Value, variables: &JsonMap) -> Option<Value> {
    Some(match value {
        Value::Variable(name) => json_value(variables.get(name.as_str())?),
        Value::List(items) => Value::List(
            items
                .iter()
                .map(|item| filled(item, variables).unwrap_or(Value::Null))
                .collect(),
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), filled(value, variables)?)))
                .collect(),
        ),
        constant => constant.clone(),
    })
}

fn json_value(json: &JsonValue) -> Value {
    match json {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(*value),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.iter().map(json_value).collect()),
        JsonValue::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (Name::new(name.as_str()), json_value(value)))
                .collect(),
        ),
    }
}

/// A literal of the document.
pub(crate) fn input_value(value: &ast::Value) -> Value {
    match value {
        ast::Value::Null => Value::Null,
        ast::Value::Boolean(value) => Value::Boolean(*value),
        ast::Value::Int(number) => number_or_text(number.as_str()),
        ast::Value::Float(number) => number_or_text(number.as_str()),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
        ast::Value::Variable(name) => Value::Variable(Name::new(name.as_str())),
        ast::Value::List(items) => {
            Value::List(items.iter().map(|item| input_value(item)).collect())
        }
        ast::Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (Name::new(name.as_str()), input_value(value)))
                .collect(),
        ),
    }
}

/// An ID may be written as a number of any length.
fn number_or_text(digits: &str) -> Value {
    match digits.parse::<Number>() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(digits.to_owned()),
    }
}
