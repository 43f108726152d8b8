//! Reads the JSON objects of the API as leniently as its clients need: whcli sends a whole token back, with fields
//! that only we write and fields that are null. What is known is checked strictly.

use std::ops::RangeInclusive;

use axum::body::Body;
use serde_json::{Map, Value, json};

use crate::inbox::Room;
use crate::refusal::Refusal;

/// The fields of one request, and what was wrong with those read so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    given: Map<String, Value>,
    wrong: Map<String, Value>,
}

impl Fields {
    /// Reads a body; an empty one is an object without fields. Form fields count as well, as in the original.
    pub(super) async fn read(room: &Room, body: Body, limit: usize) -> Result<Self, Refusal> {
        let read = room.read(body, limit).await.map_err(Refusal::Body)?;
        Self::parse(&read.bytes)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let given = match bytes.trim_ascii() {
            [] => Map::new(),
            [b'{', ..] => serde_json::from_slice(bytes)
                .map_err(|error| Refusal::Malformed(error.to_string()))?,
            form => super::form::pairs(form)
                .into_iter()
                .map(|(name, value)| (name, json!(value)))
                .collect(),
        };
        Ok(Self {
            given,
            wrong: Map::new(),
        })
    }

    /// What was given and is not null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// A whole number, also as text.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(name)?;
        let number = match value {
            Value::Bool(yes) => Some(u32::from(*yes)),
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            let (least, most) = (range.start(), range.end());
            self.refuse(
                name,
                format!("The {name} must be a whole number from {least} to {most}."),
            );
        }
        fits
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let flag = match self.value(name)? {
            Value::Bool(yes) => Some(*yes),
            Value::Number(number) => number
                .as_u64()
                .filter(|number| *number < 2)
                .map(|number| number == 1),
            Value::String(text) => match text.as_str() {
                "1" | "true" | "on" => Some(true),
                "0" | "false" | "off" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.refuse(name, format!("The {name} must be true or false."));
        }
        flag
    }

    /// Text of at most `most` bytes; null counts as empty where the field is there.
    pub(super) fn text(&mut self, name: &str, most: usize) -> Option<String> {
        let text = match self.given.get(name)? {
            Value::String(text) => text.clone(),
            Value::Null => return None,
            other => other.to_string(),
        };
        if text.len() > most {
            self.refuse(
                name,
                format!("The {name} may not be longer than {most} bytes."),
            );
            return None;
        }
        Some(text)
    }

    pub(super) fn refuse(&mut self, name: &str, wrong: impl Into<String>) {
        self.wrong.insert(name.to_owned(), json!([wrong.into()]));
    }

    /// Nothing was wrong, or all that was.
    pub(super) fn checked(self) -> Result<(), Refusal> {
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(self.wrong))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_checked_and_others_let_be() {
        let body =
            br#"{"default_status":"201","listen":null,"cors":1,"timeout":11,"premium":{"x":[]}}"#;
        let mut fields = Fields::parse(body).unwrap();
        assert_eq!(fields.number("default_status", 200..=599), Some(201));
        assert_eq!(fields.number("listen", 0..=10), None);
        assert_eq!(fields.flag("cors"), Some(true));
        assert_eq!(fields.number("timeout", 0..=10), None);
        assert!(matches!(fields.checked(), Err(Refusal::Invalid(wrong)) if wrong.len() == 1));
    }

    #[test]
    fn an_empty_body_a_form_and_nonsense() {
        assert!(Fields::parse(b" ").unwrap().checked().is_ok());
        let mut form = Fields::parse(b"default_content=a+b&cors=true").unwrap();
        assert_eq!(form.text("default_content", 9).as_deref(), Some("a b"));
        assert!(Fields::parse(b"{\"a\":").is_err());
    }
}
