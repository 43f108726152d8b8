//! The PROXY protocol (haproxy.org, versions 1 and 2): a proxy in front of us says, before the first byte of the
//! client, whose connection it passes on. Takes the first bytes of a connection of an address with `proxy_protocol`,
//! decides strictly whether they are such a header, hands on what it says.

mod read;
mod tlv;
mod v1;
mod v2;

use std::net::SocketAddr;

pub(crate) use read::accept;
pub(crate) use tlv::Tlv;

/// What a header says. Without addresses the sender spoke for itself, or of what we don't know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) ends: Option<Ends>,
    /// As they came, and whole.
    tlvs: Box<[u8]>,
}

/// The client that connected, and the address it connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("broken header")]
    Header,
    #[error("unknown PROXY protocol version: {0}")]
    Version(u8),
    #[error("unknown PROXY protocol command: {0}")]
    Command(u8),
    #[error("PROXY protocol header of {0} bytes is too large")]
    TooLarge(usize),
}

/// As many bytes as the shortest header has (`PROXY UNKNOWN` and its line end): so many can be read of any.
const SHORTEST: usize = 15;

/// The header at the front of `bytes` and its length; `None` if more has to come.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Told, usize)>, Broken> {
    if v1::SIGNATURE.starts_with(&bytes[..bytes.len().min(v1::SIGNATURE.len())]) {
        return v1::parse(bytes);
    }
    if v2::SIGNATURE.starts_with(&bytes[..bytes.len().min(v2::SIGNATURE.len())]) {
        return v2::parse(bytes);
    }
    Err(Broken::Header)
}
