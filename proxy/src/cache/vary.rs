//! `Vary`: which fields of a request an answer depends on, and what a request has in them, as one hash.

use md5::{Digest as _, Md5};

use super::cache_control::elements;
use super::key::Digest;
use crate::http1::{Head, Known};

/// A longer list of names is not worth its place in the index; such an answer is not stored.
const LONGEST: usize = 1024;

/// What an answer says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Vary {
    /// Good for every request of its key.
    Nothing,
    /// Names in lower case, `,` between them.
    On(Vec<u8>),
    /// `*`, or more than we keep: good for no other request.
    Everything,
}

impl Vary {
    pub(crate) fn of(answer: &Head) -> Self {
        let mut names = Vec::new();
        for field in answer.iter().filter(|field| field.known == Known::Vary) {
            // Names only: a quote among them is no quote, and hides no `*` (RFC 9110 section 12.5.5).
            let names_of_line = field.value.split(|&b| b == b',').map(<[u8]>::trim_ascii);
            for name in names_of_line.filter(|name| !name.is_empty()) {
                if name == b"*" {
                    return Self::Everything;
                }
                if !names.is_empty() {
                    names.push(b',');
                }
                names.extend(name.to_ascii_lowercase());
            }
        }
        match names.len() {
            0 => Self::Nothing,
            length if length > LONGEST => Self::Everything,
            _ => Self::On(names),
        }
    }
}

// ANCHOR: variant
/// The hash of what a request has in the fields that `names` lists. `family` ties the variants of a key together: when
/// the first of them is replaced from scratch, or purged, the others are of another family and never found again.
pub(crate) fn variant(main: Digest, family: u64, names: &[u8], request: &Head) -> Digest {
    let mut hash = Md5::new();
    hash.update(main);
    hash.update(family.to_be_bytes());
    for name in names.split(|&b| b == b',') {
        hash.update(name);
        hash.update(b":");
        let mut first = true;
        for field in request.iter().filter(|f| f.name.eq_ignore_ascii_case(name)) {
            for value in normal(name, field.value) {
                if !first {
                    hash.update(b",");
                }
                first = false;
                hash.update(value);
            }
        }
        hash.update(b"\r\n");
    }
    hash.finalize().into()
}
// ANCHOR_END: variant

/// In lists of what a client takes, spaces mean nothing; anywhere else a value is compared as it is.
fn normal<'a>(name: &[u8], value: &'a [u8]) -> Vec<&'a [u8]> {
    match name {
        b"accept" | b"accept-charset" | b"accept-encoding" | b"accept-language" => {
            elements(value).collect()
        }
        _ => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::{RequestHead, ResponseHead, request::HeadRules};

    fn request(fields: &str) -> RequestHead {
        let mut head = RequestHead::default();
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let end = head.parse(text.as_bytes(), &HeadRules::default());
        assert_eq!(end, Ok(Some(text.len())));
        head
    }

    fn vary(fields: &str) -> Vary {
        let mut head = ResponseHead::default();
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        assert_eq!(head.parse(text.as_bytes()), Ok(Some(text.len())));
        Vary::of(&head.head)
    }

    #[test]
    fn names_of_all_lines_are_one_list_and_a_star_is_everything() {
        assert_eq!(vary(""), Vary::Nothing);
        assert_eq!(vary("Vary: \r\n"), Vary::Nothing);
        assert_eq!(
            vary("Vary: A, b\r\nVary: C\r\n"),
            Vary::On(b"a,b,c".to_vec())
        );
        assert_eq!(vary("Vary: a, *\r\n"), Vary::Everything);
        assert_eq!(vary("Vary: a\", *\r\n"), Vary::Everything);
        let long = format!("Vary: {}\r\n", "x".repeat(LONGEST + 1));
        assert_eq!(vary(&long), Vary::Everything);
    }

    #[test]
    fn a_variant_is_what_the_named_fields_hold() {
        let of = |names: &str, fields: &str| {
            variant([0; 16], 7, names.as_bytes(), &request(fields).head)
        };
        let same = of("accept-encoding", "Accept-Encoding: gzip, br\r\n");
        assert_eq!(same, of("accept-encoding", "accept-encoding:  gzip,br\r\n"));
        assert_eq!(
            same,
            of(
                "accept-encoding",
                "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"
            )
        );
        assert_ne!(same, of("accept-encoding", "Accept-Encoding: br, gzip\r\n"));
        assert_ne!(same, of("accept-encoding", ""));
        assert_ne!(of("foo", "Foo: 1, 2\r\n"), of("foo", "Foo: 1,2\r\n"));
        assert_eq!(of("foo", "Bar: 1\r\n"), of("foo", "Bar: 2\r\n"));
        let request = request("Foo: 1\r\n");
        assert_ne!(
            variant([0; 16], 1, b"foo", &request.head),
            variant([0; 16], 2, b"foo", &request.head),
        );
    }
}
