//! The command line's words to a request, and an answer to lines: `soap-demo call`.

use super::CallError;
use crate::contract::{Element, Kind, Operation, Value, read_simple};

/// `name=value` words to the request's value, by the operation's schema.
pub fn arguments(operation: &Operation, words: &[String]) -> Result<Value, CallError> {
    let mut given = Vec::new();
    for word in words {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| CallError::NotInContract(format!("{word:?} is not name=value")))?;
        given.push((name, value));
    }
    let elements = operation.request.children();
    if let Some((stray, _)) = given
        .iter()
        .find(|(name, _)| !elements.iter().any(|e| e.name == *name))
    {
        let known: Vec<_> = elements
            .iter()
            .map(|element| element.name.as_str())
            .collect();
        let message = format!(
            "{} has no {stray}; it takes: {}",
            operation.name,
            known.join(", ")
        );
        return Err(CallError::NotInContract(message));
    }
    let values = elements.iter().map(|element| {
        let text = given.iter().find(|(name, _)| element.name == *name);
        value(element, text.map(|(_, text)| *text)).map_err(CallError::NotInContract)
    });
    Ok(Value::Sequence(values.collect::<Result<_, _>>()?))
}

fn value(element: &Element, text: Option<&str>) -> Result<Value, String> {
    match (&element.kind, text) {
        (Kind::Simple(simple), Some(text)) => read_simple(&element.name, *simple, text),
        (_, None) if element.optional => Ok(Value::Absent),
        _ => Err(format!("{} is missing", element.name)),
    }
}

/// A result for people: a text as it is, elements one a line, each level two blanks deeper.
pub fn shown(element: &Element, value: &Value) -> String {
    match value.text() {
        Some(text) => text.into_owned(),
        None => {
            let mut lines = String::new();
            show(&mut lines, element, value, 0);
            lines.trim_end().to_owned()
        }
    }
}

fn show(out: &mut String, element: &Element, value: &Value, depth: usize) {
    match value {
        Value::List(items) => items
            .iter()
            .for_each(|item| show(out, element, item, depth)),
        Value::Sequence(values) => {
            line(out, depth, &element.name);
            for (element, value) in element.children().iter().zip(values) {
                show(out, element, value, depth + 1);
            }
        }
        simple => {
            let text = simple.text().unwrap_or_default();
            line(out, depth, &format!("{}: {text}", element.name));
        }
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(text);
    out.push('\n');
}
