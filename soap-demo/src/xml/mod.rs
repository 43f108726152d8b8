//! A strict pull layer over quick-xml: takes a document's text, hands on elements with expanded names, attributes and
//! text, or the first rule of XML 1.0 or Namespaces in XML 1.0 that the text breaks. quick-xml finds where markup
//! begins and ends; that there is one root, that names and characters are legal, that there is no DTD and no entity
//! beyond the five, that attributes are well formed and unique, and that prefixes are declared, is checked here.
//!
//! It sits on `quick_xml::Reader` and not on `NsReader`, which takes the raw text of an `xmlns` attribute for the
//! namespace: one that is written with a character reference would be another one.

mod attributes;
mod decode;
mod error;
mod escape;
mod names;
mod namespaces;
mod prolog;
mod references;

use std::borrow::Cow;

use quick_xml::events::Event as Raw;

pub use attributes::Attribute;
pub use decode::{Charset, decode};
use error::XmlErrorKind as Kind;
pub use error::{XmlError, XmlErrorKind};
pub use escape::{escape_into, is_xml_text};
use names::{is_ncname, split_qname};
use namespaces::Scope;

/// How much a document may ask of us. Deep or wide ones are refused, however well formed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole document.
    pub size: usize,
    /// Elements inside each other.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations in scope at once.
    pub namespaces: usize,
}

impl Limits {
    /// What a SOAP message of the lab may be: real ones are two orders of magnitude smaller.
    pub const MESSAGE: Self = Self {
        size: 1 << 20,
        depth: 64,
        attributes: 64,
        namespaces: 128,
    };
}

/// An expanded name: what counts, whatever prefix the sender chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'i> {
    /// None for a name that is in no namespace.
    pub namespace: Option<Cow<'i, str>>,
    /// The prefix as written, empty for none: only for messages to people.
    pub prefix: &'i str,
    /// The name without prefix.
    pub local: &'i str,
}

impl Name<'_> {
    /// Whether this is `local` in `namespace`.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace.as_deref() == Some(namespace)
    }
}

/// The start of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start<'i> {
    /// Its expanded name.
    pub name: Name<'i>,
    /// Its attributes without the namespace declarations, values normalized.
    pub attributes: Vec<Attribute<'i>>,
}

impl Start<'_> {
    /// The value of an attribute; `namespace` None asks for an unqualified one.
    pub fn attribute(&self, namespace: Option<&str>, local: &str) -> Option<&str> {
        let wanted =
            |a: &&Attribute<'_>| a.name.local == local && a.name.namespace.as_deref() == namespace;
        self.attributes
            .iter()
            .find(wanted)
            .map(|a| a.value.as_ref())
    }
}

/// What the reader hands on. Comments are checked and left out; an empty element is a start and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// An element begins.
    Start(Start<'i>),
    /// A piece of text inside the root: references and CDATA sections come as pieces of their own.
    Text(Cow<'i, str>),
    /// A processing instruction, which SOAP forbids.
    Instruction,
    /// The element begun last ends.
    End,
}

/// Reads one document, event by event.
#[derive(Debug)]
pub struct Reader<'i> {
    source: quick_xml::Reader<&'i [u8]>,
    input: &'i str,
    limits: Limits,
    scope: Scope<'i>,
    depth: usize,
    root_seen: bool,
    /// An empty element's end, still to be handed on.
    pending_end: bool,
    /// Where the event read last begins.
    event_start: usize,
}

impl<'i> Reader<'i> {
    /// Reads `input`, without its byte order mark.
    pub fn new(input: &'i str, limits: Limits) -> Result<Self, XmlError> {
        if input.len() > limits.size {
            return Err(XmlError::at_start(Kind::TooLarge(limits.size)));
        }
        if let Some(offset) = names::first_illegal(input) {
            return Err(XmlError::new(Kind::Character, input, offset));
        }
        // quick-xml would skip it without counting it, and every position after it would be wrong.
        if input.starts_with('\u{FEFF}') {
            return Err(XmlError::at_start(Kind::OutsideRoot));
        }
        let mut source = quick_xml::Reader::from_str(input);
        source.config_mut().check_comments = true;
        let scope = Scope::new(limits.namespaces);
        Ok(Self {
            source,
            input,
            limits,
            scope,
            depth: 0,
            root_seen: false,
            pending_end: false,
            event_start: 0,
        })
    }

    /// The next event, None after the end of the document.
    #[expect(
        clippy::should_implement_trait,
        reason = "an Iterator could go on after an error"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'i>>, XmlError> {
        if std::mem::take(&mut self.pending_end) {
            return Ok(Some(self.end()));
        }
        loop {
            self.event_start = self.position();
            let event = match self.source.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.error(Kind::Markup(error.to_string()))),
            };
            match self.check(event) {
                Ok(Step::Skip) => {}
                Ok(Step::Event(event)) => return Ok(Some(event)),
                Ok(Step::Finished) => return Ok(None),
                Err(kind) => return Err(self.error(kind)),
            }
        }
    }

    /// Reads the rest of the element that began last, whatever is in it.
    pub fn skip_element(&mut self) -> Result<(), XmlError> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// An error of `kind` at the event read last, for rules that readers of this layer add.
    pub fn error(&self, kind: Kind) -> XmlError {
        XmlError::new(kind, self.input, self.event_start)
    }

    /// The namespace that `prefix` stands for here, for names that are written in values.
    pub fn namespace_of(&self, prefix: &str) -> Option<Cow<'i, str>> {
        self.scope.element(prefix).ok().flatten()
    }

    fn position(&self) -> usize {
        // The input is in memory, so its length fits.
        usize::try_from(self.source.buffer_position()).unwrap_or(usize::MAX)
    }

    fn check(&mut self, event: Raw<'i>) -> Result<Step<'i>, Kind> {
        match event {
            Raw::Start(_) => self.start(1).map(Step::Event),
            Raw::Empty(_) => {
                self.pending_end = true;
                self.start(2).map(Step::Event)
            }
            Raw::End(_) => Ok(Step::Event(self.end())),
            Raw::Text(text) => self.text(text.into_inner()),
            Raw::CData(_) | Raw::GeneralRef(_) if self.depth == 0 => Err(Kind::OutsideRoot),
            Raw::CData(text) => Ok(piece(references::line_ends(text.into_inner()))),
            Raw::GeneralRef(name) => {
                let resolved = references::resolve(&name.into_inner())?;
                Ok(piece(Cow::Owned(resolved.to_string())))
            }
            Raw::Comment(_) => Ok(Step::Skip),
            Raw::Decl(declaration) if self.event_start == 0 => {
                prolog::declaration(&declaration).map(|()| Step::Skip)
            }
            Raw::Decl(_) => Err(Kind::Declaration),
            Raw::PI(instruction) => {
                prolog::instruction(&instruction).map(|()| Step::Event(Event::Instruction))
            }
            Raw::DocType(_) => Err(Kind::Doctype),
            Raw::Eof if self.depth > 0 => Err(Kind::Unclosed),
            Raw::Eof if !self.root_seen => Err(Kind::NoRoot),
            Raw::Eof => Ok(Step::Finished),
        }
    }

    /// A start tag, `closing` bytes of which end it (`>` or `/>`).
    fn start(&mut self, closing: usize) -> Result<Event<'i>, Kind> {
        if self.depth == 0 && self.root_seen {
            return Err(Kind::SecondRoot);
        }
        if self.depth == self.limits.depth {
            return Err(Kind::TooDeep(self.limits.depth));
        }
        self.root_seen = true;
        self.depth += 1;
        let tag = &self.input[self.event_start + 1..self.position() - closing];
        let space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let (name, rest) = tag.split_at(tag.find(space).unwrap_or(tag.len()));
        let (prefix, local) = split_qname(name)?;
        let raw = attributes::scan(rest, self.limits.attributes)?;
        let attributes = self.scope.enter(raw)?;
        let namespace = self.scope.element(prefix)?;
        let name = Name {
            namespace,
            prefix,
            local,
        };
        Ok(Event::Start(Start { name, attributes }))
    }

    fn end(&mut self) -> Event<'i> {
        self.depth -= 1;
        self.scope.leave();
        Event::End
    }

    fn text(&self, text: Cow<'i, str>) -> Result<Step<'i>, Kind> {
        let white = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if self.depth == 0 {
            return match text.bytes().all(white) {
                true => Ok(Step::Skip),
                false => Err(Kind::OutsideRoot),
            };
        }
        if text.contains("]]>") {
            return Err(Kind::CdataEnd);
        }
        Ok(piece(references::line_ends(text)))
    }
}

enum Step<'i> {
    Skip,
    Event(Event<'i>),
    Finished,
}

fn piece(text: Cow<'_, str>) -> Step<'_> {
    Step::Event(Event::Text(text))
}

/// Reads a whole document only to know whether it is one.
pub fn check_well_formed(bytes: &[u8], limits: Limits) -> Result<(), XmlError> {
    let text = decode(bytes, None)?;
    let mut reader = Reader::new(&text, limits)?;
    while reader.next()?.is_some() {}
    Ok(())
}
