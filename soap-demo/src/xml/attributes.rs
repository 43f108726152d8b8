//! Reads what stands in a start tag after the element's name: `name="value"`, each after white space (XML 3.1).

use std::borrow::Cow;

use super::names::split_qname;
use super::references::attribute_value;
use super::{Name, XmlErrorKind as Kind};

/// An attribute with its expanded name and normalized value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'i> {
    /// An unprefixed one is in no namespace, whatever the default is.
    pub name: Name<'i>,
    /// With references resolved.
    pub value: Cow<'i, str>,
}

/// An attribute before prefixes are looked up; maybe a namespace declaration.
pub(super) struct RawAttribute<'i> {
    pub(super) prefix: &'i str,
    pub(super) local: &'i str,
    pub(super) value: Cow<'i, str>,
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

pub(super) fn scan(mut rest: &str, limit: usize) -> Result<Vec<RawAttribute<'_>>, Kind> {
    let mut found: Vec<RawAttribute<'_>> = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.is_empty() {
            return Ok(found);
        }
        if trimmed.len() == rest.len() {
            return Err(Kind::Attribute);
        }
        if found.len() == limit {
            return Err(Kind::TooManyAttributes(limit));
        }
        let (attribute, after) = one(trimmed)?;
        let same =
            |a: &RawAttribute<'_>| a.local == attribute.local && a.prefix == attribute.prefix;
        if found.iter().any(same) {
            return Err(Kind::DuplicateAttribute(attribute.local.to_owned()));
        }
        found.push(attribute);
        rest = after;
    }
}

fn one(text: &str) -> Result<(RawAttribute<'_>, &str), Kind> {
    let (name, rest) = text.split_once('=').ok_or(Kind::Attribute)?;
    let (prefix, local) = split_qname(name.trim_end_matches(SPACE))?;
    let rest = rest.trim_start_matches(SPACE);
    let Some(quote @ ('"' | '\'')) = rest.chars().next() else {
        return Err(Kind::Attribute);
    };
    let (raw, rest) = rest[1..].split_once(quote).ok_or(Kind::Attribute)?;
    let value = attribute_value(raw)?;
    let attribute = RawAttribute {
        prefix,
        local,
        value,
    };
    Ok((attribute, rest))
}
