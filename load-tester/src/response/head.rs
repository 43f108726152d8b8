//! Takes the bytes up to the empty line, decides status, framing of the body and whether the connection stays open.

use super::{BadResponse, HEAD_LIMIT};

const MAX_FIELDS: usize = 64;

/// How the end of the body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// One parsed head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) interim: bool,
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
}

/// What the fields say about the body, before the rules decide.
#[derive(Default)]
struct Fields {
    content_length: Option<u64>,
    transfer_encoding: bool,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

/// `None`: the head is not complete yet.
pub(super) fn parse(input: &[u8], to_head_request: bool) -> Result<Option<Head>, BadResponse> {
    let known = input.len().min(5);
    if input[..known] != b"HTTP/"[..known] {
        return Err(BadResponse::NotHttp);
    }
    // Looking for the empty line first keeps a server that drips single bytes from costing a parse for each.
    let window = &input[..input.len().min(HEAD_LIMIT)];
    let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") else {
        return if input.len() >= HEAD_LIMIT {
            Err(BadResponse::HeadTooLarge)
        } else {
            Ok(None)
        };
    };
    let mut storage = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut storage);
    match response.parse(&input[..end + 4]) {
        Ok(httparse::Status::Complete(length)) => {
            decide(&response, length, to_head_request).map(Some)
        }
        Err(httparse::Error::TooManyHeaders) => Err(BadResponse::HeadTooLarge),
        Ok(httparse::Status::Partial) | Err(_) => Err(BadResponse::Head),
    }
}

fn decide(
    response: &httparse::Response<'_, '_>,
    length: usize,
    to_head_request: bool,
) -> Result<Head, BadResponse> {
    let status = response.code.ok_or(BadResponse::Head)?;
    if status == 101 {
        return Err(BadResponse::Switched);
    }
    let http11 = response.version == Some(1);
    let fields = read_fields(response.headers)?;
    if fields.transfer_encoding && (fields.content_length.is_some() || !http11) {
        return Err(BadResponse::Length);
    }
    let framing = if to_head_request || status < 200 || status == 204 || status == 304 {
        Framing::Length(0)
    } else if fields.chunked {
        Framing::Chunked
    } else if let Some(length) = fields.content_length {
        Framing::Length(length)
    } else {
        Framing::UntilClose
    };
    let keep_alive =
        framing != Framing::UntilClose && !fields.close && (http11 || fields.keep_alive);
    Ok(Head {
        length,
        interim: status < 200,
        status,
        framing,
        keep_alive,
    })
}

fn read_fields(headers: &[httparse::Header<'_>]) -> Result<Fields, BadResponse> {
    let mut fields = Fields::default();
    for header in headers {
        // Three names matter, and their lengths tell them apart from nearly everything else.
        match header.name.len() {
            10 if header.name.eq_ignore_ascii_case("connection") => {
                fields.close |= has_token(header.value, b"close");
                fields.keep_alive |= has_token(header.value, b"keep-alive");
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let length = parse_length(header.value)?;
                if fields.content_length.is_some_and(|other| other != length) {
                    return Err(BadResponse::Length);
                }
                fields.content_length = Some(length);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                // Only the last coding tells where the body ends.
                let last = header
                    .value
                    .rsplit(|&byte| byte == b',')
                    .next()
                    .unwrap_or_default();
                fields.transfer_encoding = true;
                fields.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            }
            _ => {}
        }
    }
    Ok(fields)
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

fn parse_length(value: &[u8]) -> Result<u64, BadResponse> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(BadResponse::Length);
    }
    let digits = str::from_utf8(value).map_err(|_| BadResponse::Length)?;
    digits.parse().map_err(|_| BadResponse::Length)
}
