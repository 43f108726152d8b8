//! A contract's file as a tree, for looking things up: names expanded, and the names that stand in values too.

use crate::xml::{Event, Limits, Reader, Start, XmlError, XmlErrorKind};

/// Namespace and local name.
pub(super) type QName = (String, String);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: QName,
    pub(super) children: Vec<Self>,
    attributes: Vec<(String, String)>,
    /// The attributes whose value is a qualified name.
    references: Vec<(String, QName)>,
}

/// The attributes of WSDL and XML Schema that name something elsewhere in the file.
const REFERENCES: [&str; 4] = ["type", "element", "message", "binding"];

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, XmlError> {
        let mut reader = Reader::new(text, Limits::MESSAGE)?;
        loop {
            if let Some(Event::Start(start)) = reader.next()? {
                let root = Self::read(&mut reader, &start)?;
                while reader.next()?.is_some() {}
                return Ok(root);
            }
        }
    }

    /// Recursion as deep as [`Limits::depth`] lets it be.
    fn read(reader: &mut Reader<'_>, start: &Start<'_>) -> Result<Self, XmlError> {
        let mut node = Self::begun(reader, start)?;
        loop {
            match reader.next()? {
                Some(Event::Start(child)) => node.children.push(Self::read(reader, &child)?),
                Some(Event::End) | None => return Ok(node),
                Some(Event::Text(_) | Event::Instruction) => {}
            }
        }
    }

    fn begun(reader: &Reader<'_>, start: &Start<'_>) -> Result<Self, XmlError> {
        let mut node = Self {
            name: (
                start
                    .name
                    .namespace
                    .as_deref()
                    .unwrap_or_default()
                    .to_owned(),
                start.name.local.to_owned(),
            ),
            children: Vec::new(),
            attributes: Vec::new(),
            references: Vec::new(),
        };
        let unqualified = start
            .attributes
            .iter()
            .filter(|a| a.name.namespace.is_none());
        for attribute in unqualified {
            let (name, value) = (attribute.name.local, attribute.value.as_ref());
            if REFERENCES.contains(&name) {
                let (prefix, local) = value.split_once(':').unwrap_or(("", value));
                let namespace = reader.namespace_of(prefix).ok_or_else(|| {
                    reader.error(XmlErrorKind::UndeclaredPrefix(prefix.to_owned()))
                })?;
                let target = (namespace.into_owned(), local.to_owned());
                node.references.push((name.to_owned(), target));
            } else {
                node.attributes.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(node)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn reference(&self, name: &str) -> Option<&QName> {
        let found = self.references.iter().find(|(n, _)| n == name);
        found.map(|(_, target)| target)
    }

    /// The children of this name.
    pub(super) fn all<'n>(
        &'n self,
        namespace: &'n str,
        local: &'n str,
    ) -> impl Iterator<Item = &'n Self> {
        let is = move |node: &&Self| node.name.0 == namespace && node.name.1 == local;
        self.children.iter().filter(is)
    }

    /// The first child of this name.
    pub(super) fn child(&self, namespace: &str, local: &str) -> Option<&Self> {
        self.children
            .iter()
            .find(|node| node.name.0 == namespace && node.name.1 == local)
    }

    /// The child of this name whose `name` attribute is `wanted`.
    pub(super) fn named<'n>(
        &'n self,
        namespace: &'n str,
        local: &'n str,
        wanted: &str,
    ) -> Option<&'n Self> {
        self.all(namespace, local)
            .find(|node| node.attribute("name") == Some(wanted))
    }
}
