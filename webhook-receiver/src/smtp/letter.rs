//! Reads a stored mail: subject, texts and attachments, decoded as far as they can be.

use bytes::Bytes;
use mail_parser::{MessageParser, MimeHeaders, PartType};

use crate::api::File;
use crate::store::Event;

/// Most attachments that are listed.
const ATTACHMENTS: usize = 100;

/// What people want to see of a mail; the whole of it is the event's body.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    pub(crate) message_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<File>,
}

/// Whatever can't be read is missing.
pub(crate) fn read(event: &Event) -> Letter {
    let Some(message) = MessageParser::default().parse(&event.body[..]) else {
        return Letter::default();
    };
    let attachments = message.attachments().take(ATTACHMENTS).enumerate();
    let attachments = attachments.map(|(number, part)| {
        let kind = part.content_type();
        let bytes = match &part.body {
            PartType::Message(inner) => Bytes::copy_from_slice(inner.raw_message()),
            _ => Bytes::copy_from_slice(part.contents()),
        };
        File {
            field: number.to_string(),
            name: part.attachment_name().unwrap_or("attachment").to_owned(),
            content_type: kind.map_or_else(String::new, |kind| match kind.subtype() {
                Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                None => kind.ctype().to_owned(),
            }),
            bytes,
        }
    });
    Letter {
        message_id: message.message_id().map(str::to_owned),
        subject: message.subject().map(str::to_owned),
        text: message.body_text(0).map(std::borrow::Cow::into_owned),
        html: message.body_html(0).map(std::borrow::Cow::into_owned),
        attachments: attachments.collect(),
    }
}
