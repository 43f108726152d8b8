//! A value to an element, by the schema, in the style of the family of servers that the service comes from: scripts
//! against the originals find their way by prefix.

use super::{Element, Kind, Value};
use crate::xml::escape_into;

/// How a family writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Two blanks a level; the message's namespace has the prefix `m`.
    DataFlex,
    /// One line; the message's namespace is the default.
    AspNet,
}

/// A value that is not of the element's type: a fault of the program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value of {element} does not fit the contract")]
pub struct Mismatch {
    /// Which element.
    pub element: String,
}

/// Appends `element` with `value`, `depth` levels inside the envelope, declaring `namespace` on it.
pub fn write_element(
    out: &mut String,
    element: &Element,
    value: &Value,
    namespace: &str,
    layout: Layout,
    depth: usize,
) -> Result<(), Mismatch> {
    let mut writer = Writer { out, layout };
    writer.element(element, value, Some(namespace), depth)
}

struct Writer<'o> {
    out: &'o mut String,
    layout: Layout,
}

impl Writer<'_> {
    fn element(
        &mut self,
        element: &Element,
        value: &Value,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<(), Mismatch> {
        match value {
            Value::Absent if element.optional => return Ok(()),
            Value::List(list) if element.many => {
                return list
                    .iter()
                    .try_for_each(|item| self.element(element, item, namespace, depth));
            }
            _ => {}
        }
        self.open(&element.name, namespace, depth);
        match (&element.kind, value) {
            (Kind::Simple(simple), value) => {
                let text = value.text().filter(|_| value.is_a(*simple));
                escape_into(self.out, &text.ok_or_else(|| mismatch(element))?);
            }
            (Kind::Sequence { elements, .. }, Value::Sequence(values))
                if elements.len() == values.len() =>
            {
                for (element, value) in elements.iter().zip(values) {
                    self.element(element, value, None, depth + 1)?;
                }
                if !elements.is_empty() {
                    self.line(depth);
                }
            }
            _ => return Err(mismatch(element)),
        }
        self.out.push_str("</");
        self.name(&element.name);
        self.out.push('>');
        Ok(())
    }

    fn open(&mut self, name: &str, namespace: Option<&str>, depth: usize) {
        self.line(depth);
        self.out.push('<');
        self.name(name);
        if let Some(namespace) = namespace {
            self.out.push_str(match self.layout {
                Layout::DataFlex => " xmlns:m=\"",
                Layout::AspNet => " xmlns=\"",
            });
            escape_into(self.out, namespace);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn name(&mut self, name: &str) {
        if self.layout == Layout::DataFlex {
            self.out.push_str("m:");
        }
        self.out.push_str(name);
    }

    fn line(&mut self, depth: usize) {
        if self.layout == Layout::DataFlex {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }
}

fn mismatch(element: &Element) -> Mismatch {
    Mismatch {
        element: element.name.clone(),
    }
}
