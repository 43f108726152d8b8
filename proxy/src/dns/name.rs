//! Names of hosts as DNS carries them: lower case, no final dot, and only characters that a host's name has.

use std::fmt;
use std::sync::Arc;

/// As text. RFC 1035 stops at 253; resolvers pass on four labels of 63, and so does nginx.
const LONGEST: usize = 255;
const LONGEST_LABEL: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name(Arc<str>);

impl Name {
    /// `None`: no host can be called so, there is nothing to ask.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        (text.len() <= LONGEST && text.split('.').all(is_label))
            .then(|| Self(text.to_ascii_lowercase().into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_labels_of_letters_digits_and_dashes() {
        let name = |text: &str| Name::new(text).map(|name| name.to_string());
        assert_eq!(
            name("Backend1.Example.NET.").unwrap(),
            "backend1.example.net"
        );
        assert_eq!(name("_http._tcp.a").unwrap(), "_http._tcp.a");
        let label = "a".repeat(63);
        let longest = [label.as_str(); 4].join(".");
        assert_eq!(name(&longest).unwrap(), longest);
        for wrong in ["", ".", "a..b", ".a", "a b", "a\0", "é", "a/b", "[::1]"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
        assert_eq!(name(&"a".repeat(64)), None);
        assert_eq!(name(&format!("{longest}.a")), None);
    }
}
