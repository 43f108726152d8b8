//! Takes a body piece by piece and keeps what the report needs: its length, its beginning, and its end.

const BEGINNING: usize = 256;
const END: usize = 32;

/// A body of any length in a few hundred bytes.
#[derive(Debug, Default)]
pub struct BodySample {
    length: u64,
    beginning: Vec<u8>,
    end: Vec<u8>,
}

impl BodySample {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        let room = BEGINNING - self.beginning.len();
        if piece.len() <= room {
            self.beginning.extend_from_slice(piece);
            return;
        }
        self.beginning.extend_from_slice(&piece[..room]);
        let past = &piece[room..];
        let keep = END.saturating_sub(past.len()).min(self.end.len());
        self.end.drain(..self.end.len() - keep);
        self.end
            .extend_from_slice(&past[past.len().saturating_sub(END)..]);
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.beginning.clear();
        self.end.clear();
    }

    /// Bytes in the whole body.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The first line of the body, as far as it was kept.
    pub fn first_line(&self) -> String {
        let line = self
            .beginning
            .split(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default();
        String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
    }

    /// The number of the server that answered, read as the module's client reads it:
    /// `int(msg.rsplit(' ', maxsplit=1)[-1][:-1])`. White space at the end is forgiven.
    pub fn server_id(&self) -> Option<i64> {
        if self.length <= BEGINNING as u64 {
            return id_of(&self.beginning);
        }
        // The last word counts only if we kept all of it.
        memchr::memrchr(b' ', self.end.trim_ascii_end()).and_then(|_| id_of(&self.end))
    }
}

// ANCHOR: server_id
fn id_of(message: &[u8]) -> Option<i64> {
    let message = message.trim_ascii_end();
    let start = memchr::memrchr(b' ', message).map_or(0, |space| space + 1);
    let mut characters = str::from_utf8(&message[start..]).ok()?.chars();
    characters.next_back()?;
    characters.as_str().parse().ok()
}
// ANCHOR_END: server_id

#[cfg(test)]
mod tests {
    use super::BodySample;

    fn sample(pieces: &[&[u8]]) -> BodySample {
        let mut sample = BodySample::default();
        for piece in pieces {
            sample.push(piece);
        }
        sample
    }

    #[test]
    fn the_id_is_the_last_word_without_its_last_character() {
        for (message, id) in [
            ("Hello from Server 1!", Some(1)),
            ("Hello from Server 12!\n", Some(12)),
            ("Hello from Server -3!", Some(-3)),
            ("7!", Some(7)),
            ("Hello from Server 1", None),
            ("Hello from Server 4\u{ff01}", Some(4)),
            ("<html>\n<body>502 Bad Gateway</body>\n</html>\n", None),
            ("", None),
        ] {
            assert_eq!(sample(&[message.as_bytes()]).server_id(), id, "{message:?}");
        }
    }

    #[test]
    fn the_id_is_found_at_the_end_of_a_long_body_in_any_pieces() {
        let body = format!("{} Server 42!", "x".repeat(5000));
        for size in [1, 2, 7, 31, 32, 33, 255, 257, 4999, 6000] {
            let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            let sample = sample(&pieces);
            assert_eq!(sample.server_id(), Some(42), "pieces of {size}");
            assert_eq!(sample.length(), body.len() as u64);
        }
    }

    #[test]
    fn a_word_longer_than_what_was_kept_is_not_taken_for_a_number() {
        let body = "1".repeat(400) + "!";
        assert_eq!(sample(&[body.as_bytes()]).server_id(), None);
    }
}
