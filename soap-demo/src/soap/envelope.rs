//! A request's text to the operation that it asks for and the arguments it brings. The order is SOAP's: the version
//! first, then the header, then the Body, by the contract; and the message has to be one document to its very end.

use super::{Code, Detail, Fault, Version, headers};
use crate::contract::{Contract, Value, read_element};
use crate::xml::{Event, Limits, Reader, Start, XmlError, XmlErrorKind};

/// What a message asks for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) version: Version,
    /// Number in the contract's list.
    pub(crate) operation: usize,
    pub(crate) arguments: Value,
}

/// What HTTP says beside the message about the operation: SOAPAction, and the media type's `action`.
pub(crate) type Action<'a> = [Option<&'a str>; 2];

/// SOAP 1.1 section 3, SOAP 1.2 Part 1 section 5, Basic Profile R1009.
pub(super) fn no_instruction() -> XmlErrorKind {
    XmlErrorKind::Content("a processing instruction in a SOAP message".to_owned())
}

/// Reads `text`. The error is a fault, and the version in which to say it: `unknown` until the envelope says more.
pub(crate) fn read(
    text: &str,
    contract: &Contract,
    actions: Action<'_>,
    lenient: bool,
    unknown: Version,
) -> Result<Request, (Version, Fault)> {
    let mut reading = Reading {
        contract,
        actions,
        lenient,
        version: unknown,
        header_seen: false,
        body_begun: false,
    };
    match reading.message(text) {
        Ok(Ok((operation, arguments))) => Ok(Request {
            version: reading.version,
            operation,
            arguments,
        }),
        Ok(Err(fault)) => Err((reading.version, fault)),
        Err(error) => Err((reading.version, unreadable(&error))),
    }
}

/// The words are .NET's, which the Calculator's clients know; the position is for people and, in the detail, programs.
pub(crate) fn unreadable(error: &XmlError) -> Fault {
    let XmlError { line, column, .. } = *error;
    let reason = format!(
        "Server was unable to read request. ---> There is an error in XML document ({line}, {column}). ---> {error}"
    );
    Fault::new(Code::Sender, reason, Detail::Invalid { line, column })
}

struct Reading<'a> {
    contract: &'a Contract,
    actions: Action<'a>,
    lenient: bool,
    version: Version,
    header_seen: bool,
    body_begun: bool,
}

/// XML's errors outside, SOAP's faults inside.
type Outcome<T> = Result<Result<T, Fault>, XmlError>;

macro_rules! or_fault {
    ($outcome:expr) => {
        match $outcome? {
            Ok(value) => value,
            Err(fault) => return Ok(Err(fault)),
        }
    };
}

impl Reading<'_> {
    fn message(&mut self, text: &str) -> Outcome<(usize, Value)> {
        let mut reader = Reader::new(text, Limits::MESSAGE)?;
        match reader.next()? {
            Some(Event::Start(envelope)) => or_fault!(Ok(self.envelope(&envelope))),
            _ => return Err(reader.error(no_instruction())),
        }
        let mut found = None;
        loop {
            match reader.next()? {
                Some(Event::Start(part)) => {
                    if let Some(call) = or_fault!(self.part(&mut reader, &part)) {
                        found = Some(call);
                    }
                }
                Some(Event::Text(text)) if text.trim().is_empty() => {}
                Some(Event::End) => break,
                Some(Event::Instruction) => return Err(reader.error(no_instruction())),
                _ => return Ok(Err(Fault::sender("there is text in the Envelope"))),
            }
        }
        if reader.next()?.is_some() {
            return Err(reader.error(no_instruction()));
        }
        Ok(found.ok_or_else(|| Fault::sender("the Envelope has no Body")))
    }

    /// The root: it decides the version, and must be an Envelope of one that we know.
    fn envelope(&mut self, start: &Start<'_>) -> Result<(), Fault> {
        let versions = [Version::Soap11, Version::Soap12];
        let is = |version: &Version| start.name.is(version.namespace(), "Envelope");
        let Some(version) = versions.into_iter().find(is) else {
            let reason = "the root is not an Envelope of SOAP 1.1 or SOAP 1.2";
            return Err(Fault::new(Code::VersionMismatch, reason, Detail::None));
        };
        self.version = version;
        only_qualified(start)
    }

    /// A child of the Envelope: one Header at most, then one Body, then nothing.
    fn part(
        &mut self,
        reader: &mut Reader<'_>,
        start: &Start<'_>,
    ) -> Outcome<Option<(usize, Value)>> {
        if self.body_begun {
            return Ok(Err(Fault::sender("there is something after the Body")));
        }
        if let Err(fault) = only_qualified(start).and_then(|()| self.no_encoding(start)) {
            return Ok(Err(fault));
        }
        let namespace = self.version.namespace();
        if start.name.is(namespace, "Body") {
            self.body_begun = true;
            return self.body(reader).map(|call| call.map(Some));
        }
        if start.name.is(namespace, "Header") && !std::mem::replace(&mut self.header_seen, true) {
            return Ok(headers::read(reader, self.version)?.map(|()| None));
        }
        Ok(Err(Fault::sender(
            "the Envelope holds something else than one Header and one Body",
        )))
    }

    fn body(&self, reader: &mut Reader<'_>) -> Outcome<(usize, Value)> {
        let mut call = None;
        loop {
            match reader.next()? {
                Some(Event::Start(_)) if call.is_some() => {
                    return Ok(Err(Fault::sender("the Body has a second child")));
                }
                Some(Event::Start(start)) => {
                    let operation = or_fault!(Ok(self.operation(&start)));
                    let element = &self.contract.operations[operation].request;
                    let namespace = &self.contract.namespace;
                    let arguments = read_element(reader, &start, element, namespace, self.lenient)?;
                    call = Some((operation, arguments));
                }
                Some(Event::Text(text)) if text.trim().is_empty() => {}
                Some(Event::End) => break,
                Some(Event::Instruction) => return Err(reader.error(no_instruction())),
                _ => return Ok(Err(Fault::sender("there is text in the Body"))),
            }
        }
        Ok(call.ok_or_else(|| Fault::sender("the Body is empty: it names no operation")))
    }

    /// The contract's operation that the Body's child names, if HTTP does not say otherwise.
    fn operation(&self, start: &Start<'_>) -> Result<usize, Fault> {
        self.no_encoding(start)?;
        let of_contract = start.name.namespace.as_deref() == Some(&self.contract.namespace);
        let named = |name: &str| of_contract && start.name.local == name;
        let mut operations = self.contract.operations.iter();
        let Some(index) = operations.position(|o| named(&o.request.name)) else {
            let namespace = start.name.namespace.as_deref().unwrap_or_default();
            let (service, local) = (&self.contract.name, start.name.local);
            let reason = format!("{service} has no operation {{{namespace}}}{local}");
            return Err(Fault::sender(reason));
        };
        match self
            .actions
            .into_iter()
            .flatten()
            .find(|action| self.contradicts(index, action))
        {
            None => Ok(index),
            Some(action) => Err(Fault::sender(format!(
                "Server did not recognize the value of HTTP Header SOAPAction: {action}."
            ))),
        }
    }

    /// Whether `action` names something else than the Body does: then one of both is a lie, and a firewall that
    /// believed the action would have let the other through. Where the contract gives no actions, only one that ends in
    /// another operation's name does.
    fn contradicts(&self, index: usize, action: &str) -> bool {
        let operation = &self.contract.operations[index];
        if action.is_empty() || action == operation.action {
            return false;
        }
        let last = action.rsplit(['/', '#', ':']).next().unwrap_or_default();
        let names_another = last != operation.name && self.contract.operation(last).is_some();
        names_another || (!operation.action.is_empty() && last != operation.name)
    }

    /// Messages are literal: an encoding would change what the Body means (Basic Profile R1005 and R1006; SOAP 1.2
    /// Part 1, 5.1.1). On the Envelope SOAP::Lite sends one with every message; there it is let pass.
    fn no_encoding(&self, start: &Start<'_>) -> Result<(), Fault> {
        const NONE: &str = "http://www.w3.org/2003/05/soap-envelope/encoding/none";
        match start.attribute(Some(self.version.namespace()), "encodingStyle") {
            None | Some("" | NONE) => Ok(()),
            Some(_) => {
                let reason = "only literal messages are read, none with an encodingStyle";
                Err(Fault::new(Code::DataEncodingUnknown, reason, Detail::Empty))
            }
        }
    }
}

/// The envelope's own elements have attributes of other namespaces only (SOAP 1.1 section 4.1.1, SOAP 1.2 Part 1 5.1).
fn only_qualified(start: &Start<'_>) -> Result<(), Fault> {
    match start.attributes.iter().find(|a| a.name.namespace.is_none()) {
        None => Ok(()),
        Some(attribute) => Err(Fault::sender(format!(
            "{} has no attribute {}",
            start.name.local, attribute.name.local
        ))),
    }
}
