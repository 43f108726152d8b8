//! Header blocks: this service understands none, so one that is meant for it and must be understood ends the call.
//! Both versions check that before anything of the Body is done (Basic Profile R1025).

use super::{Code, Detail, Fault, Version};
use crate::xml::{Event, Reader, Start, XmlError};

/// Who a block is for, by SOAP 1.1's `actor` or SOAP 1.2's `role`; absent and empty stand for the last receiver.
const FOR_US: [&str; 4] = [
    "",
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
];

/// More than a fault should list.
const MAX_LISTED: usize = 16;

/// Reads the Header element that has just begun. The inner error is a fault.
pub(super) fn read(
    reader: &mut Reader<'_>,
    version: Version,
) -> Result<Result<(), Fault>, XmlError> {
    let mut fault: Option<Fault> = None;
    loop {
        match reader.next()? {
            Some(Event::Start(block)) => {
                match judge(&block, version) {
                    Ok(()) => {}
                    Err(reason) => return Ok(Err(header_fault(Code::Sender, reason))),
                }
                if must_understand(&block, version) {
                    let all = fault.get_or_insert_with(|| {
                        let reason = "a header block that must be understood is not understood";
                        header_fault(Code::MustUnderstand, reason)
                    });
                    if all.not_understood.len() < MAX_LISTED {
                        let namespace = block.name.namespace.unwrap_or_default();
                        let name = (namespace.into_owned(), block.name.local.to_owned());
                        all.not_understood.push(name);
                    }
                }
                skip(reader)?;
            }
            Some(Event::Text(text)) if text.trim().is_empty() => {}
            Some(Event::End) => return Ok(fault.map_or(Ok(()), Err)),
            _ => {
                let reason = "the Header holds something else than blocks";
                return Ok(Err(header_fault(Code::Sender, reason)));
            }
        }
    }
}

/// A fault about a header says nothing in its detail (SOAP 1.1, section 4.4).
fn header_fault(code: Code, reason: &str) -> Fault {
    Fault::new(code, reason, Detail::None)
}

/// Blocks are in a namespace, and their flags have legal values.
fn judge(block: &Start<'_>, version: Version) -> Result<(), &'static str> {
    if block.name.namespace.is_none() {
        return Err("a header block is in no namespace");
    }
    let flag = |name| block.attribute(Some(version.namespace()), name);
    let legal = |value: &str| match version {
        Version::Soap11 => matches!(value, "0" | "1"),
        Version::Soap12 => matches!(value.trim(), "0" | "1" | "true" | "false"),
    };
    if flag("mustUnderstand").is_some_and(|value| !legal(value)) {
        return Err("mustUnderstand has a value that it can't have");
    }
    if version == Version::Soap12 && flag("relay").is_some_and(|value| !legal(value)) {
        return Err("relay has a value that it can't have");
    }
    Ok(())
}

fn must_understand(block: &Start<'_>, version: Version) -> bool {
    let attribute = |name| block.attribute(Some(version.namespace()), name);
    let role = attribute(match version {
        Version::Soap11 => "actor",
        Version::Soap12 => "role",
    });
    let required = attribute("mustUnderstand").unwrap_or_default().trim();
    matches!(required, "1" | "true") && FOR_US.contains(&role.unwrap_or_default().trim())
}

/// Reads a block to its end, so that what is not XML in it is found.
fn skip(reader: &mut Reader<'_>) -> Result<(), XmlError> {
    let mut depth = 1_usize;
    while depth > 0 {
        match reader.next()? {
            Some(Event::Start(_)) => depth += 1,
            Some(Event::End) => depth -= 1,
            Some(Event::Instruction) => return Err(reader.error(super::envelope::no_instruction())),
            _ => {}
        }
    }
    Ok(())
}
