//! A WSDL 1.1 file as the program sees it: the operations, each with the element that asks and the one that answers.
//! Everything else of the server is driven by this: what is not in the contract is not served.

mod read;
mod schema;
mod strict;
mod tree;
mod value;
mod write;
mod wsdl;

pub use read::{read_element, read_simple};
pub use schema::{Element, Kind, Simple};
pub use value::Value;
pub use write::{Layout, Mismatch, write_element};
pub use wsdl::ContractError;

/// One service.
#[derive(Debug)]
pub struct Contract {
    /// The service's name, such as `Calculator`.
    pub name: String,
    /// The target namespace: messages are in it.
    pub namespace: String,
    /// Where it is served, such as `/calculator.asmx`.
    pub path: String,
    /// In the order of the file.
    pub operations: Vec<Operation>,
    text: String,
    /// The scheme and host in the file, which [`Contract::text_at`] replaces.
    origin: String,
}

/// What can be called.
#[derive(Debug)]
pub struct Operation {
    /// Such as `Add`.
    pub name: String,
    /// The binding's `soapAction`, maybe empty.
    pub action: String,
    /// The Body's child in a request.
    pub request: Element,
    /// The Body's child in the answer.
    pub response: Element,
}

impl Contract {
    /// Understands a document/literal-wrapped WSDL 1.1 file.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        wsdl::parse(text)
    }

    /// The file, with `origin` (such as `http://localhost:8001`) and `prefix` (such as `/strict`) in its addresses.
    pub fn text_at(&self, origin: &str, prefix: &str) -> String {
        let theirs = format!("location=\"{}{}\"", self.origin, self.path);
        let ours = format!("location=\"{origin}{prefix}{}\"", self.path);
        self.text.replace(&theirs, &ours)
    }

    /// [`Contract::text_at`] for the strict variant: every operation may also answer with a `NotFound` fault.
    pub fn strict_text_at(&self, origin: &str, prefix: &str) -> String {
        strict::with_fault(&self.text_at(origin, prefix))
    }

    /// The operation that a Body child of this local name asks for.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|o| o.request.name == name)
    }

    /// How the family of servers that this service comes from writes its answers.
    pub fn layout(&self) -> Layout {
        if self.path.ends_with(".asmx") {
            Layout::AspNet
        } else {
            Layout::DataFlex
        }
    }
}
