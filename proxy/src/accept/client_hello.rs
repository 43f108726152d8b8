//! The first message of a TLS connection (RFC 8446 section 4.1.2), read only as far as the host that it names (RFC 6066
//! section 3). Strict and bounded: a length that does not fit what holds it is an error, never a guess. A name that is
//! encrypted (ECH) stays so; what is seen then is the public one.

/// A ClientHello longer than this is refused. Browsers send 2 KB at most, with keys against quantum computers.
const LONGEST: usize = 16 * 1024;
/// One is usual; who cuts it finer wants to be hard to read.
const MOST_RECORDS: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// It has not come whole yet.
    More,
    /// With the host, if it names one.
    Whole(Option<String>),
}

const MALFORMED: &str = "client sent malformed ClientHello";

/// What is left to read of a message, or of a part of it.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(taken)
    }

    /// An integer of so many bytes.
    fn number(&mut self, bytes: usize) -> Result<usize, &'static str> {
        let bytes = self.take(bytes)?.iter();
        Ok(bytes.fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// What has its length before it, as an integer of so many bytes.
    fn vector(&mut self, bytes: usize) -> Result<Self, &'static str> {
        let length = self.number(bytes)?;
        self.take(length).map(Self)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the bytes that a connection began with.
pub(crate) fn server_name(bytes: &[u8]) -> Result<Hello, &'static str> {
    match message(bytes)? {
        None => Ok(Hello::More),
        Some(message) => name_in(&message).map(Hello::Whole),
    }
}

/// The ClientHello, out of the records that it came in; `None` while the last of them is missing.
fn message(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let mut message = Vec::new();
    for _ in 0..=MOST_RECORDS {
        // The message's own head: its type and three bytes of length.
        if let Some((&[kind, a, b, c], body)) = message.split_first_chunk::<4>() {
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if kind != 1 || length > LONGEST {
                return Err(MALFORMED);
            }
            if body.len() >= length {
                // Nothing else may follow before the server has answered.
                return match body.len() == length {
                    true => Ok(Some(body.to_vec())),
                    false => Err(MALFORMED),
                };
            }
        }
        let Some((&[kind, major, _, high, low], rest)) = bytes.split_first_chunk::<5>() else {
            let whole = [22, 3];
            let so_far = bytes.len().min(whole.len());
            return match bytes[..so_far] == whole[..so_far] {
                true => Ok(None),
                false => Err(MALFORMED),
            };
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != 22 || major != 3 || length == 0 || length > LONGEST {
            return Err(MALFORMED);
        }
        let Some((fragment, rest)) = rest.split_at_checked(length) else {
            return Ok(None);
        };
        message.extend_from_slice(fragment);
        bytes = rest;
    }
    Err(MALFORMED)
}

fn name_in(message: &[u8]) -> Result<Option<String>, &'static str> {
    let mut hello = Reader(message);
    hello.take(2 + 32)?; // version, random
    for (length_bytes, at_least) in [(1, 0), (2, 2), (1, 1)] {
        // Session, cipher suites, compression.
        if hello.vector(length_bytes)?.0.len() < at_least {
            return Err(MALFORMED);
        }
    }
    if hello.is_empty() {
        return Ok(None);
    }
    let mut extensions = hello.vector(2)?;
    let mut name = None;
    while !extensions.is_empty() {
        let kind = extensions.number(2)?;
        let body = extensions.vector(2)?;
        if kind == 0 && name.replace(host_name(body)?).is_some() {
            return Err(MALFORMED);
        }
    }
    match hello.is_empty() {
        true => Ok(name),
        false => Err(MALFORMED),
    }
}

/// The extension is a list, but only one kind of name was ever defined, and one name of it is allowed.
fn host_name(mut extension: Reader<'_>) -> Result<String, &'static str> {
    let mut list = extension.vector(2)?;
    if !extension.is_empty() || list.number(1)? != 0 {
        return Err(MALFORMED);
    }
    let name = list.vector(2)?.0;
    if !list.is_empty() || name.is_empty() || !name.is_ascii() || name.contains(&0) {
        return Err(MALFORMED);
    }
    let name = String::from_utf8(name.to_ascii_lowercase());
    name.map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(length_bytes: usize, body: &[u8]) -> Vec<u8> {
        let length = body.len().to_be_bytes();
        [&length[length.len() - length_bytes..], body].concat()
    }

    fn extension(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[0, kind][..], &vector(2, body)].concat()
    }

    fn sni(name: &[u8]) -> Vec<u8> {
        extension(0, &vector(2, &[&[0][..], &vector(2, name)].concat()))
    }

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let body = [
            &[3, 3][..],
            &[7; 32],
            &vector(1, &[9; 32]),
            &vector(2, &[0x13, 0x01]),
            &vector(1, &[0]),
            &vector(2, extensions),
        ]
        .concat();
        [&[1][..], &vector(3, &body)].concat()
    }

    fn record(fragment: &[u8]) -> Vec<u8> {
        [&[22, 3, 1][..], &vector(2, fragment)].concat()
    }

    #[test]
    fn the_name_is_found_however_the_bytes_arrive() {
        let message = hello(
            &[
                extension(43, &[2, 3, 4]),
                sni(b"Shop.Example"),
                extension(21, &[0; 9]),
            ]
            .concat(),
        );
        let whole = Ok(Hello::Whole(Some("shop.example".to_owned())));
        let one = record(&message);
        assert_eq!(server_name(&one), whole);
        for cut in 0..one.len() {
            assert_eq!(
                server_name(&one[..cut]),
                Ok(Hello::More),
                "first {cut} bytes"
            );
        }
        for cut in 1..message.len() {
            let two = [record(&message[..cut]), record(&message[cut..])].concat();
            assert_eq!(server_name(&two), whole, "two records, cut at {cut}");
        }
    }

    #[test]
    fn a_hello_may_name_nobody() {
        assert_eq!(server_name(&record(&hello(&[]))), Ok(Hello::Whole(None)));
        let bare = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 19, 1], &[1, 0]].concat();
        let bare = [&[1][..], &vector(3, &bare)].concat();
        assert_eq!(server_name(&record(&bare)), Ok(Hello::Whole(None)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = sni(b"a.example");
        let two_names = vector(2, &[&[0, 0, 1, b'a'][..], &[0, 0, 1, b'b']].concat());
        let table = [
            ("HTTP", b"GET / HTTP/1.1\r\n".to_vec()),
            ("an alert", vec![21, 3, 1, 0, 2, 2, 0]),
            ("SSL 2", vec![0x80, 0x2e, 1, 3, 1]),
            ("an empty record", record(&[])),
            ("a ServerHello", record(&[2, 0, 0, 0])),
            ("too many records", {
                let pieces = hello(&good).chunks(2).map(record).collect::<Vec<_>>();
                pieces.concat()
            }),
            ("a message too long", record(&[1, 0xff, 0xff, 0xff])),
            (
                "a record too long",
                [&[22, 3, 1, 0x48, 0][..], &[1; 18432]].concat(),
            ),
            (
                "something behind it",
                record(&[hello(&good), vec![1]].concat()),
            ),
            (
                "two names",
                record(&hello(&[good.clone(), good.clone()].concat())),
            ),
            ("a list of two", record(&hello(&extension(0, &two_names)))),
            ("an empty name", record(&hello(&sni(b"")))),
            ("an empty list", record(&hello(&extension(0, &[0, 0])))),
            ("a zero in it", record(&hello(&sni(b"a\0b")))),
            (
                "another kind of name",
                record(&hello(&extension(0, &[0, 4, 1, 0, 1, b'a']))),
            ),
            (
                "a list too long",
                record(&hello(&extension(0, &[0, 9, 0, 0, 1, b'a']))),
            ),
            (
                "a list too short",
                record(&hello(&extension(0, &[0, 3, 0, 0, 1, b'a']))),
            ),
            ("an extension too long", record(&hello(&[0, 0, 0, 9, 0]))),
            ("no cipher suites", {
                let body = [&[3, 3][..], &[7; 32], &[0], &[0, 0], &[1, 0]].concat();
                record(&[&[1][..], &vector(3, &body)].concat())
            }),
        ];
        for (what, bytes) in table {
            assert_eq!(server_name(&bytes), Err(MALFORMED), "{what}");
        }
    }
}
