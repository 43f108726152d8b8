//! Text with `$variables`, as most directives take it: parsed once when the configuration is
//! loaded, so that a misspelt variable is an error of the configuration and not of a request.

use regex::bytes::Captures;

use super::syntax::{Arg, ConfigError};
use crate::exchange::Exchange;
use crate::variables::{Family, Names, Var};

#[derive(Clone, Debug)]
enum Part {
    Text(Box<[u8]>),
    Var(Var),
}

/// Literal text and variables in turn. Most templates are one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

impl Template {
    pub(crate) fn parse(arg: &Arg, names: &Names) -> Result<Self, ConfigError> {
        Self::parse_text(&arg.text, names).map_err(|message| arg.error(message))
    }

    pub(crate) fn parse_text(text: &str, names: &Names) -> Result<Self, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), Vec::new(), text);
        while let Some(dollar) = rest.find('$') {
            literal.extend_from_slice(&rest.as_bytes()[..dollar]);
            let (name, after) = variable_name(&rest[dollar + 1..])
                .ok_or_else(|| "invalid variable name".to_owned())?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal).into()));
            }
            parts.push(Part::Var(names.find(name)?));
            rest = after;
        }
        literal.extend_from_slice(rest.as_bytes());
        if !literal.is_empty() {
            parts.push(Part::Text(literal.into()));
        }
        Ok(Self { parts })
    }

    pub(crate) fn literal(text: &[u8]) -> Self {
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text.into())]
        };
        Self { parts }
    }

    /// The variable that a value begins with, a scheme before it not counted.
    pub(crate) fn leading_var(&self) -> Option<&Var> {
        let mut parts = self.parts.iter();
        match parts.next()? {
            Part::Text(text) if text.ends_with(b"://") => match parts.next()? {
                Part::Var(var) => Some(var),
                Part::Text(_) => None,
            },
            Part::Text(_) => None,
            Part::Var(var) => Some(var),
        }
    }

    /// `$cookie_NAME`, for names that can't be written so, too.
    pub(crate) fn cookie(name: &str) -> Self {
        let var = Var::Family(Family::Cookie, name.as_bytes().into());
        Self {
            parts: vec![Part::Var(var)],
        }
    }

    /// The named groups of an expression, where it is matched right before the text is used: `$name` is `$1`.
    pub(crate) fn with_groups(mut self, named: &[(usize, usize)]) -> Self {
        for part in &mut self.parts {
            if let Part::Var(Var::User(variable) | Var::UserOr(variable, _)) = part
                && let Some((group, _)) = named.iter().find(|(_, user)| user == variable)
            {
                *part = Part::Var(Var::Capture(*group));
            }
        }
        self
    }

    /// The text, where it has no variables.
    pub(crate) fn constant(&self) -> Option<Vec<u8>> {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::Var(_) => None,
        });
        Some(parts.collect::<Option<Vec<_>>>()?.concat())
    }

    pub(crate) fn vars(&self) -> impl Iterator<Item = &Var> {
        self.parts.iter().filter_map(|part| match part {
            Part::Var(var) => Some(var),
            Part::Text(_) => None,
        })
    }

    /// Appends the text with every variable replaced by its value for this exchange.
    pub(crate) fn write(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        self.write_with(exchange, None, out);
    }

    /// As `write`, for a log: every value escaped, and `missing` in place of one that is not there.
    pub(crate) fn write_line(
        &self,
        exchange: &Exchange,
        missing: &[u8],
        escape: fn(&[u8], &mut Vec<u8>),
        out: &mut Vec<u8>,
    ) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Var(var) => {
                    let start = out.len();
                    if !var.write(exchange, None, out) {
                        out.truncate(start);
                        out.extend_from_slice(missing);
                    } else if !var.is_plain() {
                        escape_from(start, escape, out);
                    }
                }
            }
        }
    }

    /// As `write`, with `$1` and so on from a match of the caller's.
    pub(crate) fn write_with(
        &self,
        exchange: &Exchange,
        captures: Option<&Captures<'_>>,
        out: &mut Vec<u8>,
    ) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Var(var) => {
                    var.write(exchange, captures, out);
                }
            }
        }
    }

    /// nginx's truth: neither empty nor `0`.
    pub(crate) fn is_true(&self, exchange: &Exchange) -> bool {
        let value = self.evaluate(exchange);
        !value.is_empty() && value != b"0"
    }

    pub(crate) fn evaluate(&self, exchange: &Exchange) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(exchange, &mut out);
        out
    }
}

/// Escapes what was written from `start` on; nearly always there is nothing to escape.
fn escape_from(start: usize, escape: fn(&[u8], &mut Vec<u8>), out: &mut Vec<u8>) {
    let plain = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if !out[start..].iter().all(plain) {
        let value = out.split_off(start);
        escape(&value, out);
    }
}

/// Splits what follows a `$` into the variable's name and the rest: `name…` or `{name}…`.
fn variable_name(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, rest) = braced.split_once('}')?;
        let named = !name.is_empty() && name.bytes().all(is_name_byte);
        return named.then_some((name, rest));
    }
    // `$1` is one digit long: "$10" is the first capture and a zero.
    let length = if text.as_bytes().first()?.is_ascii_digit() {
        1
    } else {
        text.bytes().take_while(|&b| is_name_byte(b)).count()
    };
    (length > 0).then(|| text.split_at(length))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
