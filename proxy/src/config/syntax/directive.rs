//! The syntax tree: directives with their arguments, each with its place in the text.

use super::error::ConfigError;
use super::source::Pos;

#[derive(Debug)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) args: Vec<Arg>,
    /// What stands between the braces; `None` for a directive that ends with `;`.
    pub(crate) block: Option<Vec<Self>>,
    pub(crate) pos: Pos,
    /// The line of the closing brace; its own line for a directive without one.
    pub(crate) end: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Arg {
    /// The argument's meaning: quotes and escapes are undone, variables are not.
    pub(crate) text: String,
    pub(crate) quoted: bool,
    pub(crate) pos: Pos,
}

impl Directive {
    pub(crate) fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.pos, message)
    }

    /// The directives of the block, none for a directive without one.
    pub(crate) fn children(&self) -> &[Self] {
        self.block.as_deref().unwrap_or(&[])
    }
}

impl Arg {
    pub(crate) fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.pos, message)
    }
}
