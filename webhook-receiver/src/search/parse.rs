//! The search language as text: words, `field:value`, `"phrases"`, ranges, AND, OR, NOT and parentheses. Two terms
//! side by side must both match.

use jiff::Timestamp;

use super::pattern::Pattern;
use super::range::Range;
use super::{Expression, Query, Test};

/// Longest query.
const LONGEST: usize = 4096;
/// Deepest nesting; each level is a call.
const DEEPEST: usize = 50;

/// Why a query can't be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    #[error("the query is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the query is nested too deeply")]
    TooDeep,
    #[error("a term is missing at the end of the query")]
    Ends,
    #[error("{0:?} stands where a term should")]
    Unexpected(String),
    #[error("the quoted text has no end")]
    OpenQuote,
    #[error("a parenthesis is not closed")]
    OpenParenthesis,
    #[error("{0} is no range: write [a TO b]")]
    Range(String),
    #[error("{0} is no date")]
    Date(String),
}

impl Query {
    /// Understands `text`; dates in it are relative to `now`.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Unreadable> {
        if text.len() > LONGEST {
            return Err(Unreadable::TooLong);
        }
        let mut parser = Parser {
            rest: text,
            now,
            depth: 0,
        };
        let expression = parser.either()?;
        parser.skip_space();
        match parser.rest {
            "" => Ok(Self(expression)),
            rest => Err(Unreadable::Unexpected(rest.chars().take(20).collect())),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    now: Timestamp,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes an operator, unless it is only the beginning of a word.
    fn operator(&mut self, names: &[&str]) -> bool {
        self.skip_space();
        for name in names {
            if let Some(rest) = self.rest.strip_prefix(name) {
                let word = name.ends_with(|c: char| c.is_ascii_alphabetic());
                if !word
                    || rest.is_empty()
                    || rest.starts_with(|c: char| c.is_whitespace() || c == '(')
                {
                    self.rest = rest;
                    return true;
                }
            }
        }
        false
    }

    fn either(&mut self) -> Result<Expression, Unreadable> {
        let mut terms = vec![self.both()?];
        while self.operator(&["OR", "||"]) {
            terms.push(self.both()?);
        }
        Ok(Expression::or(terms))
    }

    fn both(&mut self) -> Result<Expression, Unreadable> {
        let mut terms = vec![self.negated()?];
        loop {
            let and = self.operator(&["AND", "&&"]);
            let at = self.rest;
            if !and && (at.is_empty() || at.starts_with(')') || self.operator(&["OR", "||"])) {
                self.rest = at;
                return Ok(Expression::and(terms));
            }
            terms.push(self.negated()?);
        }
    }

    fn negated(&mut self) -> Result<Expression, Unreadable> {
        let mut not = false;
        while self.operator(&["NOT", "!", "-"]) {
            not = !not;
        }
        let term = self.term()?;
        Ok(if not {
            Expression::Not(Box::new(term))
        } else {
            term
        })
    }

    fn term(&mut self) -> Result<Expression, Unreadable> {
        self.skip_space();
        if self.rest.is_empty() {
            return Err(Unreadable::Ends);
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.parenthesis();
        }
        let Some(field) = self.field() else {
            let pattern = self.value()?;
            return Ok(Expression::test("content", Test::Like(pattern)));
        };
        if field == "_exists_" {
            let name = self.word()?;
            return Ok(Expression::Test(name, Test::Exists));
        }
        self.skip_space();
        let test = match self.rest.chars().next() {
            None => return Err(Unreadable::Ends),
            Some('[' | '{') => Test::Within(self.range(field)?),
            Some('>' | '<') => Test::Within(self.comparison(field)?),
            Some('*') if self.alone("*") => {
                self.rest = &self.rest[1..];
                Test::Exists
            }
            Some(_) => Test::Like(self.value()?),
        };
        Ok(Expression::test(field, test))
    }

    fn parenthesis(&mut self) -> Result<Expression, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable::TooDeep);
        }
        let inner = self.either()?;
        self.depth -= 1;
        self.skip_space();
        self.rest = self
            .rest
            .strip_prefix(')')
            .ok_or(Unreadable::OpenParenthesis)?;
        Ok(inner)
    }

    /// Whether `text` stands here as a whole word.
    fn alone(&self, text: &str) -> bool {
        let behind = self.rest.strip_prefix(text);
        behind.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ')')
        })
    }

    /// A name and the colon behind it.
    fn field(&mut self) -> Option<&'a str> {
        let (name, rest) = self.rest.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn value(&mut self) -> Result<Pattern, Unreadable> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return Ok(Pattern::literal(&self.quoted()?));
        }
        let end = self.word_end();
        if end == 0 {
            return Err(Unreadable::Unexpected(self.rest.chars().take(1).collect()));
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Pattern::wild(word))
    }

    fn word(&mut self) -> Result<String, Unreadable> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.quoted();
        }
        let (word, rest) = self.rest.split_at(self.word_end());
        self.rest = rest;
        if word.is_empty() {
            Err(Unreadable::Ends)
        } else {
            Ok(word.to_owned())
        }
    }

    /// A word ends at a space or parenthesis that no backslash takes away.
    fn word_end(&self) -> usize {
        let mut escaped = false;
        for (at, character) in self.rest.char_indices() {
            if !escaped && (character.is_whitespace() || "()".contains(character)) {
                return at;
            }
            escaped = !escaped && character == '\\';
        }
        self.rest.len()
    }

    /// Text up to the closing quote, which is taken, too.
    fn quoted(&mut self) -> Result<String, Unreadable> {
        let (mut text, mut escaped) = (String::new(), false);
        for (at, character) in self.rest.char_indices() {
            match character {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                other => {
                    text.push(other);
                    escaped = false;
                }
            }
        }
        Err(Unreadable::OpenQuote)
    }

    /// `[a TO b]`; with braces the ends are left out.
    fn range(&mut self, field: &str) -> Result<Range, Unreadable> {
        let end = self
            .rest
            .find([']', '}'])
            .ok_or_else(|| Unreadable::Range(self.rest.to_owned()))?;
        let (whole, rest) = self.rest.split_at(end + 1);
        let inner = &whole[1..end];
        let (from, to) = inner
            .split_once(" TO ")
            .ok_or_else(|| Unreadable::Range(whole.to_owned()))?;
        self.rest = rest;
        let (open_from, open_to) = (whole.starts_with('{'), whole.ends_with('}'));
        Range::new(field, (from, open_from), (to, open_to), self.now)
    }

    /// `>5`, `>=5`, `<5`, `<=5`.
    fn comparison(&mut self, field: &str) -> Result<Range, Unreadable> {
        let more = self.rest.starts_with('>');
        self.rest = &self.rest[1..];
        let inclusive = self.rest.strip_prefix('=');
        self.rest = inclusive.unwrap_or(self.rest);
        let open = inclusive.is_none();
        let value = self.word()?;
        let (from, to) = if more {
            ((&*value, open), ("*", false))
        } else {
            (("*", false), (&*value, open))
        };
        Range::new(field, from, to, self.now)
    }
}
