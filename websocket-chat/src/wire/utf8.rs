//! Checks that text is UTF-8 while it arrives, so that a bad byte ends the connection before the rest is waited for.

use std::str::from_utf8;

/// The unfinished character at the end of what was seen.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    begun: [u8; 4],
    length: usize,
}

/// Bytes that no text can contain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotText;

impl Utf8 {
    /// Takes the next bytes of the text.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), NotText> {
        while self.length > 0 {
            let Some((&next, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.begun[self.length] = next;
            self.length += 1;
            match from_utf8(&self.begun[..self.length]) {
                Ok(_) => self.length = 0,
                // It may still become one; after four bytes it is either a character or an error.
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(NotText),
            }
        }
        match from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                let tail = &bytes[error.valid_up_to()..];
                self.begun[..tail.len()].copy_from_slice(tail);
                self.length = tail.len();
                Ok(())
            }
            Err(_) => Err(NotText),
        }
    }

    /// The text ends here.
    pub(crate) fn finish(&mut self) -> Result<(), NotText> {
        match std::mem::take(&mut self.length) {
            0 => Ok(()),
            _ => Err(NotText),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "aé€😀 κόσμε".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut utf8 = Utf8::default();
                for part in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(utf8.push(part), Ok(()));
                }
                assert_eq!(utf8.finish(), Ok(()));
            }
        }
    }

    #[test]
    fn a_bad_byte_is_told_as_soon_as_it_is_there() {
        // (good beginning, the byte that spoils it)
        for (good, bad) in [
            (&b"\xf4"[..], 0x90),
            (b"\xed", 0xa0),
            (b"\xce\xba\xe1\xbd", 0xc0),
            (b"", 0xff),
            (b"\xf0\x9f\x98", 0x20),
        ] {
            let mut utf8 = Utf8::default();
            for byte in good {
                assert_eq!(utf8.push(&[*byte]), Ok(()), "{good:x?}");
            }
            assert_eq!(utf8.push(&[bad]), Err(NotText), "{good:x?}");
        }
        let mut utf8 = Utf8::default();
        utf8.push(b"\xf0\x9f").unwrap();
        assert_eq!(utf8.finish(), Err(NotText));
    }
}
