//! Where a piece of configuration came from: the text that was read, and a position in it that is cheap to copy around.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::directive::Directive;

/// One configuration text, as it was read.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) kind: SourceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    File,
    /// A `-g` option. It has no lines worth naming.
    CommandLine,
}

impl SourceFile {
    pub(super) fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.text
            .split('\n')
            .nth(index)
            .map(|line| line.trim_end_matches('\r'))
    }

    /// The position of the character that starts at `offset`.
    pub(super) fn pos_of(self: &Arc<Self>, offset: usize) -> Pos {
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Pos {
            file: Arc::clone(self),
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
        }
    }
}

/// A place in a configuration text; lines and columns count from 1, columns in characters.
#[derive(Clone)]
pub(crate) struct Pos {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Pos {
    pub(crate) fn source_line(&self) -> Option<&str> {
        self.file.line(self.line)
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.kind {
            SourceKind::File => write!(f, "{}:{}", self.file.path.display(), self.line),
            SourceKind::CommandLine => f.write_str("command line"),
        }
    }
}

/// The lines of a block, for whoever shows the configuration.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Place {
    pub(crate) fn of(directive: &Directive) -> Self {
        Self {
            file: directive.pos.file.path.display().to_string(),
            from: directive.pos.line,
            to: directive.end,
        }
    }
}

// The derived form would print the whole file with every directive.
impl fmt::Debug for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} column {}", self.column)
    }
}
