//! An element in a document to its value, by the schema: namespace, order, how often, and the types' lexical rules.

use std::borrow::Cow;

use super::{Element, Kind, Simple, Value};
use crate::xml::{Event, Reader, Start, XmlError, XmlErrorKind};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Reads the element that `start` began, to its end. With `zero_for_missing`, an xs:int that is not there is 0, as
/// .NET's servers have it (gowsdl's clients leave zeros out).
pub fn read_element(
    reader: &mut Reader<'_>,
    start: &Start<'_>,
    element: &Element,
    namespace: &str,
    zero_for_missing: bool,
) -> Result<Value, XmlError> {
    // xsi:type and what other namespaces add may be there; nobody has to send them (Basic Profile R1017).
    if let Some(stray) = start.attributes.iter().find(|a| a.name.namespace.is_none()) {
        let message = format!("{} has no attribute {}", element.name, stray.name.local);
        return Err(content(reader, message));
    }
    if matches!(start.attribute(Some(XSI), "nil"), Some("true" | "1")) {
        return read_nil(reader, element);
    }
    match &element.kind {
        Kind::Simple(simple) => read_simple_element(reader, element, *simple),
        Kind::Sequence { elements, .. } => {
            let mut sequence = Sequence::new(elements, namespace, zero_for_missing);
            sequence.read(reader, &element.name)
        }
    }
}

/// A simple type's text, or what is wrong with it.
pub fn read_simple(name: &str, simple: Simple, text: &str) -> Result<Value, String> {
    Value::parse(simple, text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("{name}: {shown:?} is not an xs:{}", simple.name())
    })
}

fn content(reader: &Reader<'_>, message: String) -> XmlError {
    reader.error(XmlErrorKind::Content(message))
}

/// A wrapper without parameters has nothing that nil could take away, and SOAP::Lite sends it so.
fn read_nil(reader: &mut Reader<'_>, element: &Element) -> Result<Value, XmlError> {
    let empty_wrapper =
        matches!(&element.kind, Kind::Sequence { elements, .. } if elements.is_empty());
    if !element.nillable && !empty_wrapper {
        return Err(content(reader, format!("{} can't be nil", element.name)));
    }
    match reader.next()? {
        Some(Event::End) if empty_wrapper => Ok(Value::Sequence(Vec::new())),
        Some(Event::End) => Ok(Value::Nil),
        _ => Err(content(
            reader,
            format!("{} is nil and not empty", element.name),
        )),
    }
}

fn read_simple_element(
    reader: &mut Reader<'_>,
    element: &Element,
    simple: Simple,
) -> Result<Value, XmlError> {
    let mut joined: Cow<'_, str> = Cow::Borrowed("");
    loop {
        match reader.next()? {
            Some(Event::Text(piece)) if joined.is_empty() => joined = piece,
            Some(Event::Text(piece)) => joined.to_mut().push_str(&piece),
            Some(Event::End) => break,
            _ => {
                let message = format!("{} holds text only", element.name);
                return Err(content(reader, message));
            }
        }
    }
    read_simple(&element.name, simple, &joined).map_err(|message| content(reader, message))
}

/// Reads a sequence: where in the schema we are, and what was found so far.
struct Sequence<'s> {
    elements: &'s [Element],
    namespace: &'s str,
    zero_for_missing: bool,
    found: Vec<Value>,
}

impl<'s> Sequence<'s> {
    fn new(elements: &'s [Element], namespace: &'s str, zero_for_missing: bool) -> Self {
        Self {
            elements,
            namespace,
            zero_for_missing,
            found: Vec::with_capacity(elements.len()),
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>, parent: &str) -> Result<Value, XmlError> {
        loop {
            match reader.next()? {
                Some(Event::Start(start)) => self.child(reader, &start, parent)?,
                Some(Event::Text(text)) if text.trim().is_empty() => {}
                Some(Event::Text(_)) => {
                    return Err(content(
                        reader,
                        format!("{parent} holds elements, not text"),
                    ));
                }
                Some(Event::End) => break,
                Some(Event::Instruction) | None => {
                    let message = format!("a processing instruction in {parent}");
                    return Err(content(reader, message));
                }
            }
        }
        self.skip_to(self.elements.len())
            .map_err(|message| content(reader, message))?;
        Ok(Value::Sequence(std::mem::take(&mut self.found)))
    }

    fn child(
        &mut self,
        reader: &mut Reader<'_>,
        start: &Start<'_>,
        parent: &str,
    ) -> Result<(), XmlError> {
        let position = self.place_of(start);
        let Some(position) = position else {
            let found = start.name.namespace.as_deref().unwrap_or_default();
            let local = start.name.local;
            let message = format!("{parent} has no {{{found}}}{local} here");
            return Err(content(reader, message));
        };
        self.skip_to(position)
            .map_err(|message| content(reader, message))?;
        let element = &self.elements[position];
        let (namespace, zero) = (self.namespace, self.zero_for_missing);
        let value = read_element(reader, start, element, namespace, zero)?;
        match self.found.get_mut(position) {
            Some(Value::List(list)) => list.push(value),
            _ if element.many => self.found.push(Value::List(vec![value])),
            _ => self.found.push(value),
        }
        Ok(())
    }

    /// Which element of the schema this is: the one being repeated, or one that still may come.
    fn place_of(&self, start: &Start<'_>) -> Option<usize> {
        let next = self.found.len();
        let repeated = next.checked_sub(1).filter(|&last| self.elements[last].many);
        let from = repeated.unwrap_or(next);
        let is = |e: &Element| start.name.is(self.namespace, &e.name);
        self.elements[from..]
            .iter()
            .position(is)
            .map(|at| from + at)
    }

    /// Fills in what is not there up to `position`, if it may be left out.
    fn skip_to(&mut self, position: usize) -> Result<(), String> {
        while self.found.len() < position {
            let element = &self.elements[self.found.len()];
            self.found.push(match element.kind {
                _ if element.many && element.optional => Value::List(Vec::new()),
                _ if element.optional => Value::Absent,
                Kind::Simple(Simple::Int) if self.zero_for_missing => Value::Int(0),
                _ => return Err(format!("{} is missing", element.name)),
            });
        }
        Ok(())
    }
}
