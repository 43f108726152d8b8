//! SOAP 1.1 and 1.2 messages: from the text of a request to an operation and its arguments, and from an answer or a
//! fault back to text. HTTP is not known here.

mod envelope;
mod fault;
mod headers;

use std::fmt::Write;

pub(crate) use envelope::{Action, read, unreadable};
pub(crate) use fault::{Code, Detail, Fault};

use crate::contract::{Contract, Layout, Mismatch, Operation, Value, write_element};

/// Which SOAP, told by the envelope's namespace and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Soap11,
    Soap12,
}

impl Version {
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Soap11 => "text/xml; charset=utf-8",
            Self::Soap12 => "application/soap+xml; charset=utf-8",
        }
    }
}

/// The whole answer of an operation.
pub(crate) fn answer(
    version: Version,
    contract: &Contract,
    operation: &Operation,
    result: Value,
) -> Result<String, Mismatch> {
    let mut out = opened(version, contract.layout(), "");
    let response = Value::Sequence(vec![result]);
    let (layout, namespace) = (contract.layout(), &contract.namespace);
    write_element(
        &mut out,
        &operation.response,
        &response,
        namespace,
        layout,
        2,
    )?;
    close(&mut out, layout);
    Ok(out)
}

/// The declaration, and the envelope up to its Body; `header` is a Header element or nothing.
fn opened(version: Version, layout: Layout, header: &str) -> String {
    let mut out = String::with_capacity(768);
    let namespace = version.namespace();
    let written = match layout {
        Layout::DataFlex => write!(
            out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"{namespace}\">{header}\n  <soap:Body>"
        ),
        Layout::AspNet => write!(
            out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{namespace}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\
             {header}<soap:Body>"
        ),
    };
    written.expect("a String takes everything");
    out
}

fn close(out: &mut String, layout: Layout) {
    out.push_str(match layout {
        Layout::DataFlex => "\n  </soap:Body>\n</soap:Envelope>\n",
        Layout::AspNet => "</soap:Body></soap:Envelope>",
    });
}
