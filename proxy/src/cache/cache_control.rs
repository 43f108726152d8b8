//! `Cache-Control` taken apart (RFC 9111 section 5.2): takes a field's value, hands on its directives. Numbers follow
//! section 1.2.2: too large ones count as the largest, anything else that is no number is an error.

/// One directive: its name as written, and what follows `=`, with the quotes off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Option<Value<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) quoted: bool,
}

impl Directive<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Seconds; `None` is an argument that is none, or no argument.
    pub(crate) fn seconds(&self) -> Option<u64> {
        let value = self.value.as_ref().filter(|value| !value.quoted)?;
        seconds(value.text)
    }
}

/// delta-seconds. More than 2^31 is as good as forever (RFC 9111 section 1.2.2).
pub(crate) fn seconds(text: &[u8]) -> Option<u64> {
    const FOREVER: u64 = 1 << 31;
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(text).ok()?.parse::<u64>();
    Some(number.unwrap_or(FOREVER).min(FOREVER))
}

/// The directives of one field line, in order. Elements without a name are passed over, as section 5.6.1 of RFC 9110
/// wants of lists.
pub(crate) fn directives(line: &[u8]) -> impl Iterator<Item = Directive<'_>> {
    elements(line).filter_map(|element| {
        let equals = element.iter().position(|&b| b == b'=');
        let name = element[..equals.unwrap_or(element.len())].trim_ascii();
        let value = equals.map(|at| value(element[at + 1..].trim_ascii()));
        (!name.is_empty()).then_some(Directive { name, value })
    })
}

fn value(text: &[u8]) -> Value<'_> {
    let inside = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\""));
    Value {
        text: inside.unwrap_or(text),
        quoted: inside.is_some(),
    }
}

/// The elements of a comma-separated list; a comma between quotes separates nothing.
pub(crate) fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |&byte| {
        if quoted && !escaped && byte == b'\\' {
            escaped = true;
            return false;
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = false;
        byte == b',' && !quoted
    })
    .map(<[u8]>::trim_ascii)
    .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<(String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        directives(line.as_bytes())
            .map(|d| (text(d.name), d.value.map(|v| text(v.text))))
            .collect()
    }

    #[test]
    fn directives_are_found_between_commas_that_are_not_quoted() {
        assert_eq!(texts(""), []);
        assert_eq!(texts(", ,"), []);
        assert_eq!(
            texts("max-age=10,no-cache=\"a, b\" , private"),
            [
                ("max-age".to_owned(), Some("10".to_owned())),
                ("no-cache".to_owned(), Some("a, b".to_owned())),
                ("private".to_owned(), None),
            ]
        );
        assert_eq!(
            texts("ext=\"a\\\", max-age=1\""),
            [("ext".to_owned(), Some("a\\\", max-age=1".to_owned()))]
        );
    }

    #[test]
    fn seconds_are_digits_and_end_at_forever() {
        let of = |line: &str| directives(line.as_bytes()).next().and_then(|d| d.seconds());
        assert_eq!(of("max-age=3600"), Some(3600));
        assert_eq!(of("max-age=99999999999"), Some(1 << 31));
        assert_eq!(of("max-age=999999999999999999999999999999"), Some(1 << 31));
        for bad in [
            "max-age",
            "max-age=",
            "max-age=a",
            "max-age=-1",
            "max-age=1.5",
            "max-age=\"1\"",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
