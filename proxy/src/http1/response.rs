//! The response head of a peer (RFC 9112 section 4): takes bytes, hands on version, status,
//! reason and fields.

use std::mem::MaybeUninit;

use super::head::{Field, Head, Span};
use super::{Known, Version};

const MAX_FIELDS: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadResponse {
    #[error("upstream sent invalid status line")]
    StatusLine,
    #[error("upstream sent invalid header")]
    Header,
    #[error("upstream sent too big header")]
    TooLarge,
}

#[derive(Debug, Default)]
pub(crate) struct ResponseHead {
    pub(crate) head: Head,
    pub(crate) status: u16,
    reason: Span,
    pub(crate) version: Version,
}

impl ResponseHead {
    /// The reason phrase as sent; may be empty.
    pub(crate) fn reason(&self) -> &[u8] {
        self.reason.of(&self.head.raw)
    }

    /// Parses a head at the start of `bytes`: `Ok(Some(n))` when it ends after `n` of them,
    /// `Ok(None)` when more are needed.
    pub(crate) fn parse(&mut self, bytes: &[u8]) -> Result<Option<usize>, BadResponse> {
        self.head.clear();
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let status = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, bytes, &mut fields)
            .map_err(|error| match error {
                httparse::Error::Status | httparse::Error::Version => BadResponse::StatusLine,
                httparse::Error::TooManyHeaders => BadResponse::TooLarge,
                _ => BadResponse::Header,
            })?;
        let httparse::Status::Complete(end) = status else {
            return Ok(None);
        };
        self.status = response.code.unwrap_or_default();
        if self.status < 100 {
            return Err(BadResponse::StatusLine); // `002` is three digits, and yet no status
        }
        self.reason = Span::within(bytes, response.reason.unwrap_or_default().as_bytes());
        self.version = if response.version == Some(1) {
            Version::Http11
        } else {
            Version::Http10
        };
        self.head.raw.extend_from_slice(&bytes[..end]);
        for header in response.headers.iter() {
            self.head.add(Field {
                name: Span::within(bytes, header.name.as_bytes()),
                value: Span::within(bytes, header.value.trim_ascii()),
                known: Known::of(header.name.as_bytes()),
            });
        }
        Ok(Some(end))
    }

    /// Takes the body's trailer fields in, for `$upstream_trailer_…` and for passing them on.
    pub(crate) fn trailers(section: &[u8]) -> Head {
        let mut head = Head::default();
        let mut fields = [httparse::EMPTY_HEADER; 64];
        if let Ok(httparse::Status::Complete((_, list))) =
            httparse::parse_headers(section, &mut fields)
        {
            for field in list {
                head.push(field.name.as_bytes(), field.value.trim_ascii());
            }
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_class() {
        let status = |code: &str| {
            let mut head = ResponseHead::default();
            let end = head.parse(format!("HTTP/1.1 {code} x\r\n\r\n").as_bytes());
            end.map(|_| head.status)
        };
        assert_eq!(status("100"), Ok(100));
        assert_eq!(status("999"), Ok(999));
        assert_eq!(status("002"), Err(BadResponse::StatusLine));
        assert_eq!(status("099"), Err(BadResponse::StatusLine));
    }
}
