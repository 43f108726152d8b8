//! The request head (RFC 9112 section 3): takes the bytes read so far, decides whether a whole,
//! well-formed head is among them, hands on its method, target, version and fields.

use std::mem::MaybeUninit;

use super::head::{Field, Head, Span};
use super::{Known, Version, lenient};

/// Fields parsed without touching the heap; a head with more takes the slower way.
const FAST_FIELDS: usize = 64;

/// What the configuration says about heads; the limits of `large_client_header_buffers`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadRules {
    /// One line, bytes.
    pub(crate) max_line: usize,
    /// The whole head, bytes.
    pub(crate) max_head: usize,
    pub(crate) max_headers: usize,
    pub(crate) ignore_invalid_headers: bool,
    pub(crate) underscores_in_headers: bool,
}

impl Default for HeadRules {
    fn default() -> Self {
        Self {
            max_line: 8 * 1024,
            max_head: 32 * 1024,
            max_headers: 1000,
            ignore_invalid_headers: true,
            underscores_in_headers: false,
        }
    }
}

/// Why a head is refused. Each is the client's fault and closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHead {
    #[error("client sent invalid request line")]
    RequestLine,
    #[error("client sent invalid header line")]
    HeaderLine,
    #[error("client sent too long URI")]
    UriTooLong,
    #[error("client sent too large request head")]
    TooLarge,
    #[error("client sent too many header lines")]
    TooManyHeaders,
    #[error("client sent an HTTP version that is not HTTP/1")]
    Version,
}

/// A parsed request head; reused for every request of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestHead {
    pub(crate) head: Head,
    method: Span,
    target: Span,
    line: Span,
    pub(crate) version: Version,
}

impl RequestHead {
    pub(crate) fn method(&self) -> &[u8] {
        self.method.of(&self.head.raw)
    }

    /// The request-target as sent.
    pub(crate) fn target(&self) -> &[u8] {
        self.target.of(&self.head.raw)
    }

    /// The request line as sent, without its line end.
    pub(crate) fn line(&self) -> &[u8] {
        self.line.of(&self.head.raw)
    }

    /// Parses a head at the start of `bytes`: `Ok(Some(n))` when it ends after `n` of them,
    /// `Ok(None)` when more are needed.
    pub(crate) fn parse(
        &mut self,
        bytes: &[u8],
        rules: &HeadRules,
    ) -> Result<Option<usize>, BadHead> {
        self.head.clear();
        (self.method, self.target, self.line) = Default::default();
        let parsed = match self.parse_fast(bytes, rules) {
            // A name that httparse refuses may be one that nginx's rules drop or let through.
            Err(httparse::Error::HeaderName | httparse::Error::TooManyHeaders) => {
                self.parse_lines(bytes, rules)?
            }
            Err(error) => return Err(Self::classify(error, bytes, rules)),
            Ok(parsed) => parsed,
        };
        match parsed {
            Some(end) => self.check(rules).map(|()| Some(end)),
            None => too_long_so_far(bytes, rules).map(|()| None),
        }
    }

    fn parse_fast(
        &mut self,
        bytes: &[u8],
        rules: &HeadRules,
    ) -> Result<Option<usize>, httparse::Error> {
        let mut fields = [const { MaybeUninit::uninit() }; FAST_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let status = httparse::ParserConfig::default().parse_request_with_uninit_headers(
            &mut request,
            bytes,
            &mut fields,
        )?;
        let httparse::Status::Complete(end) = status else {
            return Ok(None);
        };
        self.start_line(
            bytes,
            request.method.unwrap_or_default().as_bytes(),
            request.path.unwrap_or_default().as_bytes(),
            request.version == Some(1),
        );
        self.head.raw.extend_from_slice(&bytes[..end]);
        for header in request.headers.iter() {
            self.add_field(bytes, header.name.as_bytes(), header.value, rules);
        }
        Ok(Some(end))
    }

    fn start_line(&mut self, bytes: &[u8], method: &[u8], target: &[u8], http11: bool) {
        self.method = Span::within(bytes, method);
        self.target = Span::within(bytes, target);
        let start = self.method.start as usize;
        let rest = &bytes[start..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&rest[..length]);
        self.line = Span::within(bytes, line);
        self.version = if http11 {
            Version::Http11
        } else {
            Version::Http10
        };
    }

    fn add_field(&mut self, bytes: &[u8], name: &[u8], value: &[u8], rules: &HeadRules) {
        if rules.ignore_invalid_headers && !valid_name(name, rules.underscores_in_headers) {
            return;
        }
        self.head.add(Field {
            name: Span::within(bytes, name),
            value: Span::within(bytes, value.trim_ascii()),
            known: Known::of(name),
        });
    }

    /// The slower way: line by line, by nginx's rules for names.
    fn parse_lines(&mut self, bytes: &[u8], rules: &HeadRules) -> Result<Option<usize>, BadHead> {
        let Some(line_end) = lenient::request_line_end(bytes) else {
            return Ok(None);
        };
        let mut request = httparse::Request::new(&mut []);
        // The line alone, closed by an empty line of its own.
        let mut line = bytes[..line_end].to_vec();
        line.extend_from_slice(b"\r\n");
        match request.parse(&line) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(BadHead::RequestLine),
        }
        let method = request.method.unwrap_or_default();
        let target = request.path.unwrap_or_default();
        let at = |part: &str| Span::within(&line, part.as_bytes()).of(bytes);
        let (method, target) = (at(method), at(target));
        let Some(fields) = lenient::fields(&bytes[line_end..], rules.max_headers)? else {
            return Ok(None);
        };
        self.start_line(bytes, method, target, request.version == Some(1));
        let end = line_end + fields.length;
        self.head.raw.extend_from_slice(&bytes[..end]);
        for (name, value) in fields.list {
            self.add_field(bytes, name, value, rules);
        }
        Ok(Some(end))
    }

    fn check(&self, rules: &HeadRules) -> Result<(), BadHead> {
        if (self.line.end - self.line.start) as usize > rules.max_line {
            return Err(BadHead::UriTooLong);
        }
        if self.head.fields().len() > rules.max_headers {
            return Err(BadHead::TooManyHeaders);
        }
        let too_large = |f: &Field| (f.value.end - f.name.start) as usize > rules.max_line;
        if self.head.raw.len() > rules.max_head + rules.max_line
            || self.head.fields().iter().any(too_large)
        {
            return Err(BadHead::TooLarge);
        }
        Ok(())
    }

    fn classify(error: httparse::Error, bytes: &[u8], rules: &HeadRules) -> BadHead {
        match error {
            httparse::Error::Version if lenient::is_other_http_version(bytes) => BadHead::Version,
            httparse::Error::HeaderValue | httparse::Error::NewLine => BadHead::HeaderLine,
            _ if bytes.len() > rules.max_line && too_long_so_far(bytes, rules).is_err() => {
                BadHead::UriTooLong
            }
            _ => BadHead::RequestLine,
        }
    }
}

/// nginx's rule: letters, digits and `-`; `_` only where `underscores_in_headers` says so.
fn valid_name(name: &[u8], underscores: bool) -> bool {
    name.iter()
        .all(|&b| b.is_ascii_alphanumeric() || b == b'-' || (underscores && b == b'_'))
}

/// A head that is not complete must still have room to become one.
fn too_long_so_far(bytes: &[u8], rules: &HeadRules) -> Result<(), BadHead> {
    if bytes.len() <= rules.max_line {
        return Ok(());
    }
    match memchr::memchr(b'\n', bytes) {
        None => Err(BadHead::UriTooLong),
        Some(first) if first > rules.max_line => Err(BadHead::UriTooLong),
        Some(_) => {
            let last_line = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
            let long = bytes.len() - last_line > rules.max_line;
            if long || bytes.len() > rules.max_head {
                return Err(BadHead::TooLarge);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], rules: &HeadRules) -> Result<Option<usize>, BadHead> {
        RequestHead::default().parse(bytes, rules)
    }

    #[test]
    fn a_head_is_parsed_where_it_ends_and_keeps_its_case() {
        let bytes = b"GET /a?b=c HTTP/1.1\r\nHOST: x\r\nX-MiXed:  v \r\n\r\nrest";
        let mut head = RequestHead::default();
        assert_eq!(
            head.parse(bytes, &HeadRules::default()),
            Ok(Some(bytes.len() - 4))
        );
        assert_eq!(head.method(), b"GET");
        assert_eq!(head.target(), b"/a?b=c");
        assert_eq!(head.line(), b"GET /a?b=c HTTP/1.1");
        assert_eq!(head.head.get(Known::Host), Some(&b"x"[..]));
        let names: Vec<_> = head.head.iter().map(|h| h.name.to_vec()).collect();
        assert_eq!(names, [&b"HOST"[..], b"X-MiXed"]);
        assert_eq!(
            head.head.by_variable(b"x_mixed", b", "),
            Some(b"v".to_vec())
        );
        for cut in 0..bytes.len() - 4 {
            assert_eq!(
                parse(&bytes[..cut], &HeadRules::default()),
                Ok(None),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn malformed_heads_are_refused() {
        let table: [(&str, BadHead); 14] = [
            (
                "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
                BadHead::HeaderLine,
            ),
            ("GET / HTTP/1.1\r\n folded: 5\r\n\r\n", BadHead::HeaderLine),
            (
                "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
                BadHead::HeaderLine,
            ),
            ("GET / HTTP/1.1\r\n: empty\r\n\r\n", BadHead::HeaderLine),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", BadHead::HeaderLine),
            ("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", BadHead::HeaderLine),
            ("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", BadHead::HeaderLine),
            ("GET / HTTP/1.1\r\nA\x02: b\r\n\r\n", BadHead::HeaderLine),
            ("GET / / HTTP/1.1\r\n\r\n", BadHead::RequestLine),
            ("GET /\x02 HTTP/1.1\r\n\r\n", BadHead::RequestLine),
            ("GET /\r\n\r\n", BadHead::RequestLine),
            ("GET / HTTP/x.1\r\n\r\n", BadHead::RequestLine),
            ("GET / HTTP/2.0\r\n\r\n", BadHead::Version),
            ("\x16\x03\x01\r\n\r\n", BadHead::RequestLine),
        ];
        for (head, expected) in table {
            assert_eq!(
                parse(head.as_bytes(), &HeadRules::default()),
                Err(expected),
                "{head:?}"
            );
        }
    }

    #[test]
    fn heads_past_their_limits_are_refused() {
        let rules = HeadRules {
            max_headers: 3,
            ..HeadRules::default()
        };
        let long = "x".repeat(9000);
        let table = [
            (format!("GET /{long} HTTP/1.1\r\n\r\n"), BadHead::UriTooLong),
            (format!("GET /{long}"), BadHead::UriTooLong),
            (
                format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"),
                BadHead::TooLarge,
            ),
            (format!("GET / HTTP/1.1\r\nA: {long}"), BadHead::TooLarge),
            (
                "GET / HTTP/1.1\r\na:1\r\na:1\r\na:1\r\na:1\r\n\r\n".into(),
                BadHead::TooManyHeaders,
            ),
        ];
        for (head, expected) in table {
            assert_eq!(parse(head.as_bytes(), &rules), Err(expected), "{head:.40}");
        }
    }

    #[test]
    fn odd_names_are_dropped_or_kept_as_the_configuration_says() {
        let head = b"GET / HTTP/1.0\nx_foo: 1\nx.foo: 2\n</k>: 3\nGood: 4\n\n";
        let names = |ignore_invalid_headers, underscores_in_headers| {
            let rules = HeadRules {
                ignore_invalid_headers,
                underscores_in_headers,
                ..HeadRules::default()
            };
            let mut request = RequestHead::default();
            assert_eq!(request.parse(head, &rules), Ok(Some(head.len())));
            let names = request
                .head
                .iter()
                .map(|h| String::from_utf8_lossy(h.name).into_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(true, false), "Good");
        assert_eq!(names(true, true), "x_foo Good");
        assert_eq!(names(false, false), "x_foo x.foo </k> Good");
    }
}
