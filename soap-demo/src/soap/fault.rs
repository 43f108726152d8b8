//! What went wrong, whose fault it is, and how each version of SOAP says so.

use super::{Version, close, opened};
use crate::contract::Layout;
use crate::xml::escape_into;

/// Typed details that are not of a contract are in this namespace.
const DETAIL: &str = "urn:lab8:soap-demo:fault";

/// SOAP 1.2's codes; SOAP 1.1 calls the sender Client and the receiver Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    VersionMismatch,
    MustUnderstand,
    DataEncodingUnknown,
    Sender,
    Receiver,
}

impl Code {
    fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::VersionMismatch, _) => "VersionMismatch",
            (Self::MustUnderstand, _) => "MustUnderstand",
            (Self::DataEncodingUnknown, Version::Soap12) => "DataEncodingUnknown",
            (Self::Sender, Version::Soap12) => "Sender",
            (Self::Receiver, Version::Soap12) => "Receiver",
            // SOAP 1.1 has no code for encodings.
            (Self::Sender | Self::DataEncodingUnknown, Version::Soap11) => "Client",
            (Self::Receiver, Version::Soap11) => "Server",
        }
    }

    /// HTTP's status: 500 for every fault of SOAP 1.1 (Basic Profile R1126), 400 for a sender's of SOAP 1.2 (Part 2,
    /// table 20).
    pub(crate) fn status(self, version: Version) -> u16 {
        match (self, version) {
            (Self::Sender, Version::Soap12) => 400,
            _ => 500,
        }
    }
}

/// What a program can read, beside the reason that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The fault is not about the Body.
    None,
    /// An empty detail: the Body could not be processed (SOAP 1.1, section 4.4, asks for the element).
    Empty,
    /// Where in the message.
    Invalid { line: usize, column: usize },
    /// The strict variant's: nothing has this key. It is in the contract's namespace, as its `?WSDL` declares.
    NotFound {
        namespace: Box<str>,
        what: &'static str,
        key: Box<str>,
    },
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) detail: Detail,
    /// The header blocks behind a MustUnderstand: namespace and local name.
    pub(crate) not_understood: Vec<(String, String)>,
}

impl Fault {
    /// The sender's, about the Body.
    pub(crate) fn sender(reason: impl Into<String>) -> Self {
        Self::new(Code::Sender, reason, Detail::Empty)
    }

    pub(crate) fn new(code: Code, reason: impl Into<String>, detail: Detail) -> Self {
        Self {
            code,
            reason: reason.into(),
            detail,
            not_understood: Vec::new(),
        }
    }

    /// The whole message.
    pub(crate) fn message(&self, version: Version, layout: Layout) -> String {
        let mut out = opened(version, layout, &self.header(version));
        if layout == Layout::DataFlex {
            out.push_str("\n    ");
        }
        out.push_str("<soap:Fault>");
        let code = self.code.name(version);
        let mut reason = String::new();
        escape_into(&mut reason, &self.reason);
        let parts = match version {
            Version::Soap11 => format!(
                "<faultcode>soap:{code}</faultcode><faultstring xml:lang=\"en\">{reason}</faultstring>"
            ),
            Version::Soap12 => format!(
                "<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>\
                 <soap:Reason><soap:Text xml:lang=\"en\">{reason}</soap:Text></soap:Reason>"
            ),
        };
        out.push_str(&parts);
        self.write_detail(&mut out, version);
        out.push_str("</soap:Fault>");
        close(&mut out, layout);
        out
    }

    /// SOAP 1.2 names the versions that are understood (5.4.7) and the blocks that are not (5.4.8). SOAP 1.1 has
    /// neither; the Upgrade block helps its readers just as well.
    fn header(&self, version: Version) -> String {
        let soap12 = Version::Soap12.namespace();
        let soap11 = Version::Soap11.namespace();
        if self.code == Code::VersionMismatch {
            return format!(
                "<soap:Header><u:Upgrade xmlns:u=\"{soap12}\">\
                 <u:SupportedEnvelope qname=\"v12:Envelope\" xmlns:v12=\"{soap12}\"/>\
                 <u:SupportedEnvelope qname=\"v11:Envelope\" xmlns:v11=\"{soap11}\"/>\
                 </u:Upgrade></soap:Header>"
            );
        }
        if self.not_understood.is_empty() || version == Version::Soap11 {
            return String::new();
        }
        let mut header = String::from("<soap:Header>");
        for (namespace, local) in &self.not_understood {
            header.push_str("<soap:NotUnderstood qname=\"h:");
            escape_into(&mut header, local);
            header.push_str("\" xmlns:h=\"");
            escape_into(&mut header, namespace);
            header.push_str("\"/>");
        }
        header + "</soap:Header>"
    }

    fn write_detail(&self, out: &mut String, version: Version) {
        let name = match version {
            Version::Soap11 => "detail",
            Version::Soap12 => "soap:Detail",
        };
        match &self.detail {
            Detail::None => {}
            Detail::Empty => out.push_str(&format!("<{name}/>")),
            Detail::Invalid { line, column } => out.push_str(&format!(
                "<{name}><f:Invalid xmlns:f=\"{DETAIL}\"><f:line>{line}</f:line>\
                 <f:column>{column}</f:column></f:Invalid></{name}>"
            )),
            Detail::NotFound {
                namespace,
                what,
                key,
            } => {
                out.push_str(&format!("<{name}><m:NotFound xmlns:m=\""));
                escape_into(out, namespace);
                out.push_str(&format!("\"><m:what>{what}</m:what><m:key>"));
                escape_into(out, key);
                out.push_str(&format!("</m:key></m:NotFound></{name}>"));
            }
        }
    }
}
