//! HTTP/1 on the wire (RFC 9112): heads, framing, chunks, buffers. Takes bytes, decides what they
//! mean and where a message ends, hands on heads as ranges into those bytes. Whatever is ambiguous
//! is refused here, so no later stage has to ask twice.

pub(crate) mod buffer;
pub(crate) mod chunked;
pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod known;
mod lenient;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stream;

pub(crate) use buffer::Buffer;
pub(crate) use framing::{Body, Framing};
pub(crate) use head::{Head, Header};
pub(crate) use known::Known;
pub(crate) use request::RequestHead;
pub(crate) use response::ResponseHead;
pub(crate) use stream::Stream;

/// The two versions of HTTP/1 that exist on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    #[default]
    Http10,
    Http11,
}

impl Version {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}
