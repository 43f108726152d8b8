//! The one error of the configuration: nginx's sentence with file and line, and below it what helps a person to mend the file.

use std::fmt;

use super::source::Pos;

/// Longest part of a source line that a report shows.
const SHOWN_COLUMNS: usize = 120;

/// What is wrong with the configuration, and where. `Display` is one line in nginx's form.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}{}", InPlace(pos.as_ref()))]
pub(crate) struct ConfigError {
    pub(crate) message: String,
    pub(crate) pos: Option<Pos>,
    pub(crate) help: Option<String>,
    pub(crate) source_line: Option<String>,
}

struct InPlace<'a>(Option<&'a Pos>);

impl fmt::Display for InPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pos) => write!(f, " in {pos}"),
            None => Ok(()),
        }
    }
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            pos: None,
            help: None,
            source_line: None,
        }
    }

    pub(crate) fn at(pos: &Pos, message: impl Into<String>) -> Self {
        let source_line = pos.source_line().map(str::to_owned);
        Self {
            message: message.into(),
            pos: Some(pos.clone()),
            help: None,
            source_line,
        }
    }

    /// Gives an error without a place the place where it was met.
    #[must_use]
    pub(super) fn or_at(self, pos: &Pos) -> Self {
        match self.pos {
            Some(_) => self,
            None => Self {
                help: self.help,
                ..Self::at(pos, self.message)
            },
        }
    }

    #[must_use]
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The lines under the `[emerg]` line: the source line, a caret under the fault, the help. Empty if there is nothing to add.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        if let (Some(pos), Some(line)) = (&self.pos, &self.source_line)
            && !line.trim().is_empty()
        {
            let (line, column) = window(line, pos.column as usize);
            let number = pos.line.to_string();
            let margin = " ".repeat(number.len());
            report.push_str(&format!(
                "  {number} | {line}\n  {margin} | {}^\n",
                indent(&line, column)
            ));
        }
        if let Some(help) = &self.help {
            report.push_str(&format!("  help: {}\n", printable(help)));
        }
        report
    }
}

/// The part of a long line around `column`, and the column's place in that part.
fn window(line: &str, column: usize) -> (String, usize) {
    let skip = column.saturating_sub(SHOWN_COLUMNS / 2 + 1);
    let skip = if line.chars().nth(SHOWN_COLUMNS).is_none() {
        0
    } else {
        skip
    };
    let shown: String = line.chars().skip(skip).take(SHOWN_COLUMNS).collect();
    (printable(&shown), column - skip)
}

/// Blanks up to `column`; tabs stay tabs, so that the caret stands right under its character.
fn indent(line: &str, column: usize) -> String {
    line.chars()
        .take(column.saturating_sub(1))
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect()
}

/// A configuration file may hold anything; a terminal should not be driven by it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
