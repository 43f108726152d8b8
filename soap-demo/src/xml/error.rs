//! What is wrong with a document, and where: one rule of XML or of Namespaces in XML a variant.

/// A rule that a document breaks, at a line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct XmlError {
    /// Which rule.
    pub kind: XmlErrorKind,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl XmlError {
    pub(super) fn new(kind: XmlErrorKind, input: &str, offset: usize) -> Self {
        let before = &input.as_bytes()[..offset.min(input.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n');
        let in_line = &before[line_start.map_or(0, |at| at + 1)..];
        // Characters are counted by the bytes that begin one.
        let column = in_line.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        Self {
            kind,
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: column + 1,
        }
    }

    pub(super) fn at_start(kind: XmlErrorKind) -> Self {
        Self {
            kind,
            line: 1,
            column: 1,
        }
    }
}

/// The rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlErrorKind {
    /// XML 2.2 and 4.3.3.
    #[error("the document is not the {0} that it says it is")]
    Encoding(&'static str),
    /// XML 4.3.3, and the Basic Profile's R1012.
    #[error("only UTF-8 and UTF-16 are read, not {0:?}")]
    Charset(String),
    /// XML 2.2, production Char.
    #[error("a character that XML does not allow")]
    Character,
    /// What quick-xml says.
    #[error("{0}")]
    Markup(String),
    /// XML 2.3, or Namespaces 3 and 4.
    #[error("{0:?} is not a name")]
    Name(String),
    /// XML 3.1.
    #[error("an attribute is not written as name=\"value\", with white space before it")]
    Attribute,
    /// XML 3.1 and Namespaces 6.3.
    #[error("attribute {0:?} is there twice")]
    DuplicateAttribute(String),
    /// Namespaces 5.
    #[error("prefix {0:?} is not declared")]
    UndeclaredPrefix(String),
    /// Namespaces 2.2 and 3.
    #[error("prefix {0:?} can't be bound to that namespace")]
    ReservedNamespace(String),
    /// XML 4.1.
    #[error("entity {0:?} is not declared")]
    Entity(String),
    /// XML 2.4.
    #[error("\"]]>\" in text")]
    CdataEnd,
    /// XML 2.8; SOAP 1.1 section 3, SOAP 1.2 Part 1 section 5, Basic Profile R1008.
    #[error("a document type declaration is not allowed in a SOAP message")]
    Doctype,
    /// XML 2.8.
    #[error("an XML declaration that is malformed or not at the start")]
    Declaration,
    /// XML 2.6.
    #[error("a processing instruction that is malformed")]
    Instruction,
    /// XML 2.1.
    #[error("there is something beside the root element")]
    OutsideRoot,
    /// XML 2.1.
    #[error("there is a second root element")]
    SecondRoot,
    /// XML 2.1.
    #[error("there is no root element")]
    NoRoot,
    /// XML 3.
    #[error("the document ends inside an element")]
    Unclosed,
    /// A rule that a reader of this layer adds: the contract's schema, or SOAP's.
    #[error("{0}")]
    Content(String),
    /// Our limit.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    /// Our limit.
    #[error("elements more than {0} deep")]
    TooDeep(usize),
    /// Our limit.
    #[error("more than {0} attributes or namespace declarations")]
    TooManyAttributes(usize),
}
