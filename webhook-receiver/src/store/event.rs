//! What arrived, whole: a web request, a mail or a DNS query, as it is kept and as everybody downstream reads it.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// The door that an event came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Web,
    Email,
    Dns,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Email => "email",
            Self::Dns => "dns",
        }
    }

    /// The kind that [`Kind::name`] wrote; what nobody wrote is a web request.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "email" => Self::Email,
            "dns" => Self::Dns,
            _ => Self::Web,
        }
    }
}

/// What a door hands to the store.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) token: Uuid,
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    /// Scheme and host that the sender used, such as `http://localhost:8004`; for DNS the name asked for.
    pub(crate) origin: String,
    /// Behind the token, as sent: empty or `/a/b%20c`.
    pub(crate) path: String,
    /// Behind the `?`, as sent.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) ip: String,
    pub(crate) body: Bytes,
    /// The envelope of a mail: who said to send it, and to whom.
    pub(crate) sender: Option<String>,
    pub(crate) destinations: Vec<String>,
    /// What the sender calls this delivery; the same again is a repetition.
    pub(crate) delivery: Option<String>,
}

impl NewEvent {
    /// An empty event of now; its id begins with the time, so that the index over ids only grows at its end.
    pub(crate) fn now(token: Uuid, kind: Kind) -> Self {
        let at = Timestamp::now();
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        Self {
            id: Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid(),
            token,
            kind,
            at,
            method: String::new(),
            origin: String::new(),
            path: String::new(),
            query: None,
            headers: HeaderMap::new(),
            ip: String::new(),
            body: Bytes::new(),
            sender: None,
            destinations: Vec::new(),
            delivery: None,
        }
    }

    /// The event as it is after the commit.
    pub(crate) fn committed(self, sequence: i64, duplicate_of: Option<Uuid>) -> Event {
        Event {
            sequence,
            id: self.id,
            token: self.token,
            kind: self.kind,
            at: self.at,
            updated_at: self.at,
            method: self.method,
            origin: self.origin,
            path: self.path,
            query: self.query,
            headers: self.headers,
            ip: self.ip,
            size: self.body.len() as u64,
            body: self.body,
            sender: self.sender,
            destinations: self.destinations,
            note: None,
            delivery: self.delivery,
            duplicate_of,
        }
    }
}

/// A committed event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Grows in the order of commits, within a token without exception: a reader that has seen N asks for what is
    /// after N. 0 for an event that was only shown, never kept.
    pub(crate) sequence: i64,
    pub(crate) id: Uuid,
    pub(crate) token: Uuid,
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) method: String,
    pub(crate) origin: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) ip: String,
    /// Bytes of the body; more than `body` holds if a list left it out.
    pub(crate) size: u64,
    pub(crate) body: Bytes,
    pub(crate) sender: Option<String>,
    pub(crate) destinations: Vec<String>,
    pub(crate) note: Option<String>,
    pub(crate) delivery: Option<String>,
    /// The first event of the same token with the same delivery id.
    pub(crate) duplicate_of: Option<Uuid>,
}

impl Event {
    /// Where it was sent, always with the token as the first part of the path: whcli cuts the path out of it.
    pub(crate) fn url(&self) -> String {
        if self.kind == Kind::Dns {
            return format!("dns://{}", self.origin);
        }
        let query = self.query.as_ref().map(|query| format!("?{query}"));
        let (origin, token, path) = (&self.origin, self.token, &self.path);
        format!("{origin}/{token}{path}{}", query.unwrap_or_default())
    }

    /// The host that the sender asked for.
    pub(crate) fn hostname(&self) -> &str {
        let host = self.origin.split_once("://");
        host.map_or(self.origin.as_str(), |(_, host)| host)
    }

    /// A header's text, decoded as far as it is text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(header_text(value))
    }
}

/// A header value for people: UTF-8 if it is that, else byte by byte.
pub(crate) fn header_text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let latin = || bytes.iter().copied().map(char::from).collect();
    str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned)
}

/// Header lines as one block of bytes, for a column.
pub(crate) fn pack_headers(headers: &HeaderMap) -> Vec<u8> {
    let mut block = Vec::with_capacity(headers.len() * 40);
    for (name, value) in headers {
        block.extend_from_slice(name.as_str().as_bytes());
        block.push(b':');
        block.extend_from_slice(value.as_bytes());
        block.push(b'\n');
    }
    block
}

/// The reverse of [`pack_headers`]; values hold no line end, so a line is a header.
pub(crate) fn unpack_headers(block: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in block.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(&line[colon + 1..]);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_column_byte_for_byte() {
        let mut headers = HeaderMap::new();
        let bytes = HeaderValue::from_bytes(b"caf\xe9: \t x ").unwrap();
        headers.append("x-a", bytes);
        headers.append("x-a", HeaderValue::from_static("second"));
        headers.append("empty", HeaderValue::from_static(""));
        assert_eq!(unpack_headers(&pack_headers(&headers)), headers);
        assert_eq!(header_text(&headers["x-a"]), "caf\u{e9}: \t x ");
    }

    #[test]
    fn ids_begin_with_the_time() {
        let first = NewEvent::now(Uuid::nil(), Kind::Web);
        assert_eq!(first.id.get_version_num(), 7);
        let event = first.committed(1, None);
        assert_eq!(event.size, 0);
    }
}
