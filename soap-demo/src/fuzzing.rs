//! What the fuzzers and the property tests promise for any bytes: an answer or a fault that is a document, and nothing
//! in between. `fuzz/` calls these with bytes of its own.

use crate::http::{self, MediaType, Variant};
use crate::services::{self, Service};
use crate::xml::{self, Limits};

/// The five services, for many messages.
#[derive(Debug)]
pub struct Subject(Vec<Service>);

impl Default for Subject {
    fn default() -> Self {
        Self(services::all().expect("the server's own start"))
    }
}

impl Subject {
    /// Takes `bytes` for a message of the service, variant and media type that `choice` picks. Gives back the status and
    /// the answer, which it holds against the XML reader and the version's media type.
    pub fn message(&self, choice: u8, bytes: &[u8]) -> (u16, String) {
        let service = &self.0[usize::from(choice) % self.0.len()];
        let variant = if choice & 0x80 == 0 {
            Variant::InBand
        } else {
            Variant::Strict
        };
        let content_type = match choice & 0x60 {
            0 => "text/xml",
            0x20 => "text/xml; charset=utf-8",
            0x40 => "application/soap+xml; action=\"http://tempuri.org/Add\"",
            _ => "text/xml; charset=utf-16",
        };
        let media = MediaType::parse(content_type).expect("one that clients send");
        let actions = [None, media.action.as_deref()];
        let (status, media_type, answer) = http::answer(service, variant, &media, actions, bytes);
        let status = status.as_u16();
        assert!(matches!(status, 200 | 400 | 500), "{status}");
        assert_eq!(
            xml::check_well_formed(answer.as_bytes(), Limits::MESSAGE),
            Ok(())
        );
        assert_eq!(answer.contains(":Fault>"), status != 200, "{answer}");
        let version12 = answer.contains("\"http://www.w3.org/2003/05/soap-envelope\"><soap:");
        assert!(
            !version12 || media_type.starts_with("application/soap+xml"),
            "{answer}"
        );
        (status, answer)
    }

    /// A header's value, from anybody.
    pub fn content_type(&self, value: &str) {
        if let Some(media) = MediaType::parse(value) {
            assert!(
                media
                    .action
                    .is_none_or(|action| action.len() <= value.len())
            );
        }
    }
}
