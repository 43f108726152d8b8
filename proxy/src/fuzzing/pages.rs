//! The commands of a page (SSI), whole and in pieces.

use super::cuts;
use crate::respond::ssi::{Command, Found, expand, include_target, scan};

/// As in the configuration, only shorter, so that the limits are met.
const LONGEST: usize = 24;

/// The same commands are found between the same texts however the page arrives, and what they say is understood or
/// refused.
pub fn ssi(bytes: &[u8]) {
    let whole = walk([bytes]);
    assert_eq!(whole, walk(bytes.chunks(1)));
    let cut = cuts(bytes).next().unwrap_or(0);
    assert_eq!(whole, walk([&bytes[..cut], &bytes[cut..]]));
}

/// The text, and each command with where in the text it stands (`None` is a broken one).
fn walk<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Vec<(usize, Option<Command>)>) {
    let (mut held, mut text, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        held.extend_from_slice(piece);
        let ended = pieces.peek().is_none();
        while !held.is_empty() {
            let length = match scan(&held, ended, LONGEST) {
                Found::More => {
                    assert!(!ended, "the end decides");
                    break;
                }
                Found::Text(length) => {
                    text.extend_from_slice(&held[..length]);
                    length
                }
                Found::Broken(length) => {
                    commands.push((text.len(), None));
                    length
                }
                Found::Command(length, raw) => {
                    for (_, value) in &raw.parameters {
                        assert!(value.len() <= LONGEST);
                        let written = expand(value, |name| name.to_vec());
                        let target = written.and_then(|text| include_target(&text, b"/page"));
                        assert!(target.is_none_or(|target| target.starts_with(b"/")));
                    }
                    commands.push((text.len(), Command::parse(raw)));
                    length
                }
            };
            assert!(length > 0, "every step goes on");
            held.drain(..length);
        }
    }
    (text, commands)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_of_every_kind_goes_through_the_door() {
        let page = br#"<!-<!--#set var="a" value="$b" --><!--#if expr="$a=/x/"-->y<!--#endif --><!--#bad a= --><!--#"#;
        for end in 0..page.len() {
            super::ssi(&page[..end]);
        }
        super::ssi(&b"<!--#echo ".repeat(400));
    }
}
