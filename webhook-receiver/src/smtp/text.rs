//! The text of a mail on the wire: ends with a dot alone on a line, and other lines that begin with a dot have one
//! more. Only CR LF ends a line; whoever takes a bare LF for one can be made to see two mails in one.

/// Reads one mail's text, in pieces of any size.
#[derive(Debug, Default)]
pub struct Text {
    place: Place,
    bytes: Vec<u8>,
    limit: usize,
    too_large: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    /// A dot at the start of a line.
    Dot,
    /// Such a dot and CR.
    DotReturn,
    Line,
    /// CR within a line.
    Return,
    End,
}

impl Text {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Takes what it needs of `piece` and says how much that was, and whether the mail has ended.
    pub fn push(&mut self, piece: &[u8]) -> (usize, bool) {
        for (at, &byte) in piece.iter().enumerate() {
            self.take(byte);
            if self.place == Place::End {
                return (at + 1, true);
            }
        }
        (piece.len(), false)
    }

    fn take(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::LineStart, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotReturn,
            (Place::DotReturn, b'\n') => Place::End,
            (Place::DotReturn, _) => {
                // The first dot was only a stuffed one after all.
                self.keep(b'\r');
                self.within(byte)
            }
            (Place::Return, b'\n') => {
                self.keep(byte);
                Place::LineStart
            }
            (_, byte) => self.within(byte),
        };
    }

    fn within(&mut self, byte: u8) -> Place {
        self.keep(byte);
        if byte == b'\r' {
            Place::Return
        } else {
            Place::Line
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.bytes.len() < self.limit {
            self.bytes.push(byte);
        } else {
            self.too_large = true;
        }
    }

    /// The mail, unless it was larger than the limit.
    pub fn finish(self) -> Option<Vec<u8>> {
        (!self.too_large).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dot_alone_between_real_line_ends_ends_a_mail() {
        for (wire, expected, rest) in [
            ("a\r\n.\r\nQUIT", Some("a\r\n"), "QUIT"),
            (".\r\n", Some(""), ""),
            ("..a\r\n.\r\n", Some(".a\r\n"), ""),
            (".a\r\n.\r\n", Some("a\r\n"), ""),
            ("a\n.\nb\r\n.\r\n", Some("a\n.\nb\r\n"), ""),
            ("a\n.\r\nb\r\n.\r\n", Some("a\n.\r\nb\r\n"), ""),
            ("a\r.\r\n.\r\n", Some("a\r.\r\n"), ""),
            (".\rx\r\n.\r\n", Some("\rx\r\n"), ""),
            ("\r\r\n.\r\n", Some("\r\r\n"), ""),
            ("123456789abcdef\r\n.\r\n", None, ""),
        ] {
            // Whole, and byte by byte.
            for step in [wire.len(), 1] {
                let mut text = Text::new(14);
                let mut taken = 0;
                for piece in wire.as_bytes().chunks(step) {
                    let (used, ended) = text.push(piece);
                    taken += used;
                    if ended {
                        break;
                    }
                }
                assert_eq!(&wire[taken..], rest, "{wire:?}");
                let bytes = text.finish();
                assert_eq!(bytes.as_deref(), expected.map(str::as_bytes), "{wire:?}");
            }
        }
    }
}
