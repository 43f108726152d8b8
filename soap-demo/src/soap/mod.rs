//! SOAP 1.1 and 1.2 messages: from the text of a request to an operation and its arguments, and from a value or a
//! fault back to text. Of HTTP only the headers are known that a version asks for.

mod envelope;
mod fault;
mod headers;

use std::fmt::Write;

pub(crate) use envelope::{Action, read, unreadable};
pub(crate) use fault::{Code, Detail, Fault};

use crate::contract::{Contract, Element, Layout, Mismatch, Value, write_element};

/// Which SOAP, told by the envelope's namespace and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Of 2000, a W3C Note.
    Soap11,
    /// Of 2003 (2007), a W3C Recommendation.
    Soap12,
}

impl Version {
    /// The envelope's namespace.
    pub fn namespace(self) -> &'static str {
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

    /// What a request says in HTTP's headers: SOAP 1.2 has moved the action into the media type.
    pub(crate) fn request_headers(self, action: &str) -> Vec<(&'static str, String)> {
        let media_type = self.media_type();
        match self {
            Self::Soap11 => vec![
                ("Content-Type", media_type.to_owned()),
                ("SOAPAction", format!("\"{action}\"")),
            ],
            Self::Soap12 => vec![("Content-Type", format!("{media_type}; action=\"{action}\""))],
        }
    }
}

/// The whole message whose Body holds `element` with `value`: a request or an answer.
pub(crate) fn message(
    version: Version,
    contract: &Contract,
    element: &Element,
    value: &Value,
) -> Result<String, Mismatch> {
    let (layout, namespace) = (contract.layout(), &contract.namespace);
    let mut out = opened(version, layout, "");
    write_element(&mut out, element, value, namespace, layout, 2)?;
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
