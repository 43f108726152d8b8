//! What an element holds, once read by its schema or before it is written by it.

use std::borrow::Cow;

use super::Simple;

/// A value of an element.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An optional element that is not there.
    Absent,
    /// `xsi:nil="true"`.
    Nil,
    /// xs:string
    Text(Cow<'static, str>),
    /// xs:int
    Int(i32),
    /// xs:unsignedLong
    UnsignedLong(u64),
    /// xs:decimal, as written: it has no bound that a machine's number has.
    Decimal(String),
    /// xs:boolean
    Boolean(bool),
    /// One value for each element of the sequence, in the schema's order.
    Sequence(Vec<Self>),
    /// The values of one element that may be there many times.
    List(Vec<Self>),
}

impl Value {
    /// Reads a simple type's text, by the lexical rules of XML Schema Part 2. None if it is not of the type.
    pub fn parse(simple: Simple, text: &str) -> Option<Self> {
        // All but strings are read with the white space around them collapsed.
        let collapsed = text.trim_matches([' ', '\t', '\r', '\n']);
        match simple {
            Simple::String => Some(Self::Text(Cow::Owned(text.to_owned()))),
            // Rust's and the schema's integers are written alike: an optional sign, digits.
            Simple::Int => collapsed.parse().ok().map(Self::Int),
            Simple::UnsignedLong => unsigned(collapsed).map(Self::UnsignedLong),
            Simple::Decimal => is_decimal(collapsed).then(|| Self::Decimal(collapsed.to_owned())),
            Simple::Boolean => match collapsed {
                "true" | "1" => Some(Self::Boolean(true)),
                "false" | "0" => Some(Self::Boolean(false)),
                _ => None,
            },
        }
    }

    /// Whether it is a value of this simple type.
    pub fn is_a(&self, simple: Simple) -> bool {
        match self {
            Self::Text(_) => simple == Simple::String,
            Self::Int(_) => simple == Simple::Int,
            Self::UnsignedLong(_) => simple == Simple::UnsignedLong,
            Self::Decimal(_) => simple == Simple::Decimal,
            Self::Boolean(_) => simple == Simple::Boolean,
            Self::Absent | Self::Nil | Self::Sequence(_) | Self::List(_) => false,
        }
    }

    /// The text of a simple value; None for one made of elements.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Decimal(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::UnsignedLong(number) => Some(Cow::Owned(number.to_string())),
            Self::Boolean(true) => Some(Cow::Borrowed("true")),
            Self::Boolean(false) => Some(Cow::Borrowed("false")),
            Self::Absent | Self::Nil | Self::Sequence(_) | Self::List(_) => None,
        }
    }
}

/// `-0` is written with a sign and is in range.
fn unsigned(text: &str) -> Option<u64> {
    match text.strip_prefix('-') {
        Some(zero) => (!zero.is_empty() && zero.bytes().all(|b| b == b'0')).then_some(0),
        None => text.parse().ok(),
    }
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
}
