//! An answer's bytes to the operation's result or the service's fault. What the service sends is as little to be
//! trusted as what a client sends: the same strict reader, the same limits.

use super::{CallError, Version};
use crate::contract::{Contract, Operation, Value, read_element};
use crate::xml::{Event, Limits, Reader, Start, decode};

/// The whole body, if it is not larger than a message may be.
pub(super) async fn text(mut response: reqwest::Response) -> Result<String, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > Limits::MESSAGE.size {
            return Err(CallError::TooLarge);
        }
    }
    Ok(decode(&bytes, None)?.into_owned())
}

/// The result: the only element inside the response element.
pub(super) fn read(
    text: &str,
    status: u16,
    version: Version,
    contract: &Contract,
    operation: &Operation,
) -> Result<Value, CallError> {
    let mut reader = Reader::new(text, Limits::MESSAGE)?;
    let foreign = || CallError::Foreign(status);
    for name in ["Envelope", "Body"] {
        let mut start = next_start(&mut reader)?.ok_or_else(foreign)?;
        while start.name.is(version.namespace(), "Header") {
            reader.skip_element()?;
            start = next_start(&mut reader)?.ok_or_else(foreign)?;
        }
        if !start.name.is(version.namespace(), name) {
            return Err(foreign());
        }
    }
    let child = next_start(&mut reader)?.ok_or_else(foreign)?;
    if child.name.is(version.namespace(), "Fault") {
        return Err(fault(&mut reader)?.unwrap_or_else(foreign));
    }
    let element = &operation.response;
    if !child.name.is(&contract.namespace, &element.name) {
        return Err(foreign());
    }
    let value = read_element(&mut reader, &child, element, &contract.namespace, false)?;
    while reader.next()?.is_some() {}
    let Value::Sequence(results) = value else {
        return Err(foreign());
    };
    results.into_iter().next().ok_or_else(foreign)
}

/// The code and the reason: 1.1's `faultcode` and `faultstring`, 1.2's `Code/Value` and `Reason/Text`.
fn fault(reader: &mut Reader<'_>) -> Result<Option<CallError>, CallError> {
    let (mut code, mut reason) = (None, None);
    let mut open = vec!["Fault".to_owned()];
    while let Some(event) = reader.next()? {
        match event {
            Event::Start(start) => open.push(start.name.local.to_owned()),
            Event::End => {
                open.pop();
                if open.is_empty() {
                    break;
                }
            }
            Event::Text(text) => {
                let path: Vec<_> = open.iter().map(String::as_str).collect();
                match path[1..] {
                    ["faultcode"] | ["Code", "Value"] => append(&mut code, &text),
                    ["faultstring"] | ["Reason", "Text"] => append(&mut reason, &text),
                    _ => {}
                }
            }
            Event::Instruction => {}
        }
    }
    Ok(code.map(|code: String| CallError::Fault {
        code: code.rsplit(':').next().unwrap_or(&code).trim().to_owned(),
        reason: reason.unwrap_or_default(),
    }))
}

fn append(whole: &mut Option<String>, piece: &str) {
    whole.get_or_insert_default().push_str(piece);
}

/// The next child, or None at the end of its parent.
fn next_start<'i>(reader: &mut Reader<'i>) -> Result<Option<Start<'i>>, CallError> {
    loop {
        match reader.next()? {
            Some(Event::Start(start)) => return Ok(Some(start)),
            Some(Event::End) | None => return Ok(None),
            Some(Event::Text(_) | Event::Instruction) => {}
        }
    }
}
