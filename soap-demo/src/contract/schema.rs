//! The part of XML Schema that the five contracts use: sequences of elements, and five simple types.

use std::sync::Arc;

/// A declared element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its local name; the namespace is the contract's.
    pub name: String,
    /// What is in it.
    pub kind: Kind,
    /// `minOccurs="0"`.
    pub optional: bool,
    /// `maxOccurs="unbounded"`.
    pub many: bool,
    /// `nillable="true"`.
    pub nillable: bool,
}

/// An element's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of a simple type.
    Simple(Simple),
    /// Elements, in this order.
    Sequence {
        /// Empty for a type without name.
        type_name: String,
        /// Shared by all elements of the type.
        elements: Arc<[Element]>,
    },
}

/// The simple types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simple {
    /// xs:string
    String,
    /// xs:int
    Int,
    /// xs:unsignedLong
    UnsignedLong,
    /// xs:decimal
    Decimal,
    /// xs:boolean
    Boolean,
}

impl Simple {
    const ALL: [Self; 5] = [
        Self::String,
        Self::Int,
        Self::UnsignedLong,
        Self::Decimal,
        Self::Boolean,
    ];

    /// By its name in XML Schema, such as `unsignedLong`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|simple| simple.name() == name)
    }

    /// Its name in XML Schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::UnsignedLong => "unsignedLong",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
        }
    }
}

impl Element {
    /// The elements inside, none for a simple type.
    pub fn children(&self) -> &[Self] {
        match &self.kind {
            Kind::Simple(_) => &[],
            Kind::Sequence { elements, .. } => elements,
        }
    }
}
