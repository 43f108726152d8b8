//! The slower way through a head that httparse refuses: nginx lets more characters into a header
//! name than RFC 9110's `token` does, and drops such lines unless told to keep them. Control
//! characters, spaces and an empty name are refused here as everywhere (request smuggling lives
//! on `Content-Length :`).

use super::request::BadHead;

/// The fields of a head, with the length of the section including the empty line.
pub(super) struct Fields<'a> {
    pub(super) list: Vec<(&'a [u8], &'a [u8])>,
    pub(super) length: usize,
}

/// Where the request line ends, empty lines before it included.
pub(super) fn request_line_end(bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
    Some(start + memchr::memchr(b'\n', &bytes[start..])? + 1)
}

/// Whether the request line ends in `HTTP/` and a version that is not 1.0 or 1.1.
pub(super) fn is_other_http_version(bytes: &[u8]) -> bool {
    let line = request_line_end(bytes).map_or(bytes, |end| &bytes[..end]);
    let Some(at) = line.windows(6).rposition(|w| w == b" HTTP/") else {
        return false;
    };
    let version = line[at + 6..].trim_ascii();
    let [major, b'.', minor] = version else {
        return false;
    };
    major.is_ascii_digit() && minor.is_ascii_digit() && *major >= b'2'
}

/// Splits the field section into lines; `Ok(None)` when its empty line has not come yet.
pub(super) fn fields(bytes: &[u8], max: usize) -> Result<Option<Fields<'_>>, BadHead> {
    let mut list = Vec::new();
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\n', &bytes[at..]) {
        let line = &bytes[at..at + length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at += length + 1;
        if line.is_empty() {
            return Ok(Some(Fields { list, length: at }));
        }
        if list.len() == max {
            return Err(BadHead::TooManyHeaders);
        }
        list.push(field(line)?);
    }
    Ok(None)
}

fn field(line: &[u8]) -> Result<(&[u8], &[u8]), BadHead> {
    let colon = memchr::memchr(b':', line).ok_or(BadHead::HeaderLine)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let name_ok = !name.is_empty() && name.iter().all(|&b| b > b' ' && b != 0x7f);
    // RFC 9110 section 5.5: a field value holds no control character but the tab.
    let value_ok = value
        .iter()
        .all(|&b| (b >= b' ' && b != 0x7f) || b == b'\t');
    if name_ok && value_ok {
        Ok((name, value))
    } else {
        Err(BadHead::HeaderLine)
    }
}
