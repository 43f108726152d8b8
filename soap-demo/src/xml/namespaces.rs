//! Which prefix stands for which namespace, element by element (Namespaces in XML 1.0).

use std::borrow::Cow;

use super::attributes::{Attribute, RawAttribute};
use super::{Name, XmlErrorKind as Kind};

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations in scope, innermost last.
#[derive(Debug)]
pub(super) struct Scope<'i> {
    declared: Vec<(&'i str, Cow<'i, str>)>,
    /// How many declarations there were when each open element began.
    marks: Vec<usize>,
    limit: usize,
}

impl<'i> Scope<'i> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            declared: Vec::new(),
            marks: Vec::new(),
            limit,
        }
    }

    /// An element begins: its declarations count from its own name on. Gives back its other attributes.
    pub(super) fn enter(&mut self, raw: Vec<RawAttribute<'i>>) -> Result<Vec<Attribute<'i>>, Kind> {
        self.marks.push(self.declared.len());
        let mut others = Vec::new();
        for attribute in raw {
            match (attribute.prefix, attribute.local) {
                ("", "xmlns") => self.declare("", attribute.value)?,
                ("xmlns", prefix) => self.declare(prefix, attribute.value)?,
                _ => others.push(attribute),
            }
        }
        let mut resolved: Vec<Attribute<'i>> = Vec::with_capacity(others.len());
        for RawAttribute {
            prefix,
            local,
            value,
        } in others
        {
            let namespace = match prefix {
                "" => None,
                _ => self.resolve(prefix)?,
            };
            let name = Name {
                namespace,
                prefix,
                local,
            };
            let same =
                |a: &Attribute<'_>| a.name.local == local && a.name.namespace == name.namespace;
            if resolved.iter().any(same) {
                return Err(Kind::DuplicateAttribute(local.to_owned()));
            }
            resolved.push(Attribute { name, value });
        }
        Ok(resolved)
    }

    /// The element begun last ends, and what it declared with it.
    pub(super) fn leave(&mut self) {
        let mark = self.marks.pop().unwrap_or_default();
        self.declared.truncate(mark);
    }

    /// The namespace of an element with this prefix; empty stands for the default.
    pub(super) fn element(&self, prefix: &str) -> Result<Option<Cow<'i, str>>, Kind> {
        self.resolve(prefix)
    }

    fn declare(&mut self, prefix: &'i str, namespace: Cow<'i, str>) -> Result<(), Kind> {
        // The two reserved names go together, and nothing else goes with them (section 3); a prefix, unlike the
        // default, can't be taken back (section 2.2, namespaces 1.0).
        let reserved = (prefix == "xml") != (namespace == XML)
            || prefix == "xmlns"
            || namespace == XMLNS
            || (namespace.is_empty() && !prefix.is_empty());
        if reserved {
            return Err(Kind::ReservedNamespace(prefix.to_owned()));
        }
        if self.declared.len() == self.limit {
            return Err(Kind::TooManyAttributes(self.limit));
        }
        self.declared.push((prefix, namespace));
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<Option<Cow<'i, str>>, Kind> {
        let found = self.declared.iter().rev().find(|(name, _)| *name == prefix);
        match (found, prefix) {
            (Some((_, namespace)), _) => Ok(Some(namespace.clone()).filter(|n| !n.is_empty())),
            (None, "") => Ok(None),
            (None, "xml") => Ok(Some(Cow::Borrowed(XML))),
            (None, _) => Err(Kind::UndeclaredPrefix(prefix.chars().take(40).collect())),
        }
    }
}
