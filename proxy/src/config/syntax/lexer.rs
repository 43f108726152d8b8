//! Characters to tokens, by the rules of nginx's configuration reader: words (plain, or in single or double quotes, with
//! backslash escapes and `${name}`), `;`, `{`, `}`. Comments and blanks end here.

use std::sync::Arc;

use super::error::ConfigError;
use super::source::{Pos, SourceFile};

/// nginx reads through a buffer of 4096 bytes, and a word has to fit with its end. The limit finds forgotten quotes early.
const LONGEST_WORD: usize = 4095;

#[derive(Debug)]
pub(super) enum Token {
    Word { text: String, quoted: bool },
    Semicolon,
    Open,
    Close,
    End,
}

#[derive(Debug)]
pub(super) struct Lexer {
    file: Arc<SourceFile>,
    at: usize,
    line: u32,
    column: u32,
}

impl Lexer {
    pub(super) fn new(file: Arc<SourceFile>) -> Self {
        Self {
            file,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    pub(super) fn pos(&self) -> Pos {
        Pos {
            file: Arc::clone(&self.file),
            line: self.line,
            column: self.column,
        }
    }

    /// The next token and where it starts.
    pub(super) fn next(&mut self) -> Result<(Token, Pos), ConfigError> {
        self.skip_blanks_and_comments();
        let pos = self.pos();
        let Some(byte) = self.peek() else {
            return Ok((Token::End, pos));
        };
        let token = match byte {
            b';' => self.single(Token::Semicolon),
            b'{' => self.single(Token::Open),
            b'}' => self.single(Token::Close),
            b'"' | b'\'' => self.quoted_word(byte, &pos)?,
            _ => self.plain_word(&pos)?,
        };
        Ok((token, pos))
    }

    fn peek(&self) -> Option<u8> {
        self.file.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else if self.at_character() {
            self.column += 1;
        }
    }

    /// False inside a character of several bytes, which must not count as several columns.
    fn at_character(&self) -> bool {
        self.file.text.is_char_boundary(self.at)
    }

    fn single(&mut self, token: Token) -> Token {
        self.advance();
        token
    }

    fn skip_blanks_and_comments(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'#' {
                while self.peek().is_some_and(|byte| byte != b'\n') {
                    self.advance();
                }
            } else if is_blank(byte) {
                self.advance();
            } else {
                return;
            }
        }
    }

    fn plain_word(&mut self, start: &Pos) -> Result<Token, ConfigError> {
        let from = self.at;
        let mut after_dollar = false;
        while let Some(byte) = self.peek() {
            // `${` belongs to the word: it opens a variable's name, not a block.
            let opens_name = byte == b'{' && after_dollar;
            if is_blank(byte) || byte == b';' || (byte == b'{' && !opens_name) {
                break;
            }
            after_dollar = opens_name || byte == b'$';
            self.step_over(byte);
            self.check_length(from, start, None)?;
        }
        Ok(Token::Word {
            text: unescape(&self.file.text[from..self.at]),
            quoted: false,
        })
    }

    fn quoted_word(&mut self, quote: u8, start: &Pos) -> Result<Token, ConfigError> {
        self.advance();
        let from = self.at;
        loop {
            match self.peek() {
                None => return Err(self.end_inside_quotes(quote, start)),
                Some(byte) if byte == quote => break,
                Some(byte) => self.step_over(byte),
            }
            self.check_length(from, start, Some(quote))?;
        }
        let text = unescape(&self.file.text[from..self.at]);
        self.advance();
        self.check_after_quote()?;
        Ok(Token::Word { text, quoted: true })
    }

    /// A backslash keeps the character behind it from ending the word.
    fn step_over(&mut self, byte: u8) {
        self.advance();
        if byte == b'\\' {
            self.advance();
            while !self.at_character() {
                self.advance();
            }
        }
    }

    /// Behind a closing quote a word must end. `)` may follow, for `if ($a = "b")`.
    fn check_after_quote(&self) -> Result<(), ConfigError> {
        match self.file.text[self.at..].chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') => Ok(()),
            Some(other) => Err(
                ConfigError::at(&self.pos(), format!("unexpected \"{other}\""))
                    .with_help("a blank or \";\" has to follow a closing quote"),
            ),
        }
    }

    fn end_inside_quotes(&self, quote: u8, start: &Pos) -> ConfigError {
        let help = format!(
            "the quote {} opened at {start} is not closed",
            char::from(quote)
        );
        ConfigError::at(
            &self.pos(),
            "unexpected end of file, expecting \";\" or \"}\"",
        )
        .with_help(help)
    }

    fn check_length(&self, from: usize, start: &Pos, quote: Option<u8>) -> Result<(), ConfigError> {
        if self.at - from <= LONGEST_WORD {
            return Ok(());
        }
        let message = match quote.map(char::from) {
            Some(quote) => {
                format!("too long parameter, probably missing terminating \"{quote}\" character")
            }
            None => {
                let head: String = self.file.text[from..].chars().take(10).collect();
                format!("too long parameter \"{head}...\" started")
            }
        };
        Err(ConfigError::at(start, message))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `\"`, `\'`, `\\`, `\t`, `\r` and `\n` mean one character; before any other the backslash stays, for regular expressions.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        let meant = match (c, rest.peek()) {
            ('\\', Some(&quoted @ ('"' | '\'' | '\\'))) => quoted,
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('n')) => '\n',
            _ => {
                text.push(c);
                continue;
            }
        };
        rest.next();
        text.push(meant);
    }
    text
}
