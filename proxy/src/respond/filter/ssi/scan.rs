//! Finds the commands of a page, `<!--# name parameter="value" -->`, in whatever pieces it comes:
//! takes the bytes at hand, decides what lies at their start, hands on text or a command.

/// With their values, the limit of a command.
const MOST_PARAMETERS: usize = 16;
const START: &[u8] = b"<!--#";
const END: &[u8] = b"-->";

/// What lies at the start of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// So many bytes of text.
    Text(usize),
    /// So many bytes of a command.
    Command(usize, Raw),
    /// So many bytes that look like a command and are none.
    Broken(usize),
    /// More bytes are needed to tell.
    More,
}

/// A command as it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) name: Vec<u8>,
    pub(crate) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// `ended`: no more bytes will come. `longest` is the limit of a value (`ssi_value_length`).
pub(crate) fn scan(bytes: &[u8], ended: bool, longest: usize) -> Found {
    match memchr::memmem::find(bytes, START) {
        Some(0) => command(bytes, ended, longest),
        Some(at) => Found::Text(at),
        None => {
            // The start of a start may be cut off.
            let kept = (1..START.len())
                .rev()
                .find(|&n| bytes.ends_with(&START[..n]));
            let text = bytes.len() - kept.filter(|_| !ended).unwrap_or(0);
            if text == 0 {
                Found::More
            } else {
                Found::Text(text)
            }
        }
    }
}

fn command(bytes: &[u8], ended: bool, longest: usize) -> Found {
    // What is longer is none, however its pieces come.
    let most = MOST_PARAMETERS * (longest + 64);
    let seen = &bytes[..bytes.len().min(most)];
    let mut cursor = Cursor {
        bytes: seen,
        at: START.len(),
    };
    match cursor.command(longest) {
        Ok(raw) => Found::Command(cursor.at, raw),
        Err(Stop::Incomplete) if seen.len() == most => Found::Broken(START.len()),
        Err(Stop::Incomplete) if ended => Found::Text(bytes.len()),
        Err(Stop::Incomplete) => Found::More,
        Err(Stop::Bad) => match memchr::memmem::find(&seen[cursor.at..], END) {
            Some(end) => Found::Broken(cursor.at + end + END.len()),
            None if ended || seen.len() == most => Found::Broken(seen.len()),
            None => Found::More,
        },
    }
}

enum Stop {
    Incomplete,
    Bad,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn command(&mut self, longest: usize) -> Result<Raw, Stop> {
        self.spaces();
        let mut raw = Raw {
            name: self.word(32)?,
            parameters: Vec::new(),
        };
        if raw.name.is_empty() {
            return Err(Stop::Bad);
        }
        loop {
            self.spaces();
            if self.peek()? == b'-' {
                return self.end().map(|()| raw);
            }
            if raw.parameters.len() == MOST_PARAMETERS {
                return Err(Stop::Bad);
            }
            let name = self.word(64)?;
            self.spaces();
            if name.is_empty() || self.peek()? != b'=' {
                return Err(Stop::Bad);
            }
            self.at += 1;
            self.spaces();
            let value = self.value(longest)?;
            raw.parameters.push((name, value));
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Incomplete)
    }

    fn spaces(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    }

    fn word(&mut self, longest: usize) -> Result<Vec<u8>, Stop> {
        let rest = &self.bytes[self.at..];
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        let length = rest.iter().take_while(is_part).count();
        if length > longest {
            return Err(Stop::Bad);
        }
        self.at += length;
        // The byte behind it decides whether the word is whole.
        self.peek()?;
        Ok(rest[..length].to_ascii_lowercase())
    }

    /// In double or single quotes; a backslash keeps its meaning unless it stands before one of those or itself.
    fn value(&mut self, longest: usize) -> Result<Vec<u8>, Stop> {
        let quote = self.peek()?;
        if quote != b'"' && quote != b'\'' {
            return Err(Stop::Bad);
        }
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.peek()? {
                byte if byte == quote => {
                    self.at += 1;
                    return Ok(value);
                }
                b'\\' => {
                    self.at += 1;
                    let next = self.peek()?;
                    if next != quote && next != b'\\' {
                        value.push(b'\\');
                    }
                    value.push(next);
                }
                byte => value.push(byte),
            }
            self.at += 1;
            if value.len() > longest {
                return Err(Stop::Bad);
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        for expected in END {
            if self.peek()? != *expected {
                return Err(Stop::Bad);
            }
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, parameters: &[(&str, &str)]) -> Raw {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let parameters = parameters
            .iter()
            .map(|(name, value)| (bytes(name), bytes(value)));
        Raw {
            name: bytes(name),
            parameters: parameters.collect(),
        }
    }

    #[test]
    fn commands_are_found_between_texts() {
        let look = |text: &str, ended| scan(text.as_bytes(), ended, 32);
        assert_eq!(look("abc<!--#", false), Found::Text(3));
        assert_eq!(look("abc<!-", false), Found::Text(3));
        assert_eq!(look("<!-", false), Found::More);
        assert_eq!(look("<!-", true), Found::Text(3));
        assert_eq!(look("<!-- no -->", false), Found::Text(11));
        let echo = raw("echo", &[("var", "a\"b"), ("default", "x")]);
        let text = r#"<!--#echo var="a\"b" default='x' -->rest"#;
        assert_eq!(look(text, false), Found::Command(36, echo));
        assert_eq!(
            look("<!--# endif-->", false),
            Found::Command(14, raw("endif", &[]))
        );
        assert_eq!(look("<!--#echo var=\"a", false), Found::More);
        assert_eq!(look("<!--#echo var=\"a", true), Found::Text(16));
    }

    #[test]
    fn what_is_no_command_ends_where_it_ends_or_at_its_limit() {
        let look = |text: &str| scan(text.as_bytes(), false, 32);
        assert_eq!(look("<!--#-->x"), Found::Broken(8));
        assert_eq!(look("<!--#echo var -->x"), Found::Broken(17));
        assert_eq!(look("<!--#echo var=a-->x"), Found::Broken(18));
        let long = format!("<!--#echo var=\"{}\" -->", "v".repeat(33));
        assert_eq!(look(&long), Found::Broken(long.len()));
        let endless = format!("<!--#echo {}", " ".repeat(16 * 96));
        assert_eq!(look(&endless), Found::Broken(5));
    }

    #[test]
    fn pieces_make_no_difference() {
        let page =
            br#"a<!--#set var="x" value="1" --><!--b--><!--#echo var="x"--> <!--#bad ="" -->c<!-"#;
        let whole = walk(page, page.len());
        for size in 1..page.len() {
            assert_eq!(walk(page, size), whole, "pieces of {size}");
        }
        assert_eq!(
            whole
                .iter()
                .filter(|one| one.starts_with("Command"))
                .count(),
            2
        );
    }

    fn walk(page: &[u8], size: usize) -> Vec<String> {
        let (mut held, mut found, mut text) = (Vec::new(), Vec::new(), 0);
        let mut pieces = page.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            held.extend_from_slice(piece);
            loop {
                let step = scan(&held, pieces.peek().is_none(), 32);
                let length = match step {
                    Found::More => break,
                    Found::Text(length) => {
                        text += length;
                        length
                    }
                    Found::Command(length, _) | Found::Broken(length) => {
                        found.push(format!("{step:?} after {text}"));
                        length
                    }
                };
                held.drain(..length);
                if held.is_empty() {
                    break;
                }
            }
        }
        found
    }
}
