//! The syntax of the configuration language: from files to a tree of directives that are known, well placed and well
//! formed. What the arguments mean is decided one layer up.

mod check;
mod directive;
mod error;
mod files;
mod lexer;
mod parser;
mod source;
mod suggest;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::directive::{Arg, Directive};
pub(crate) use self::error::ConfigError;
pub(crate) use self::source::{Place, SourceFile, SourceKind};

use self::files::Files;
use self::parser::{Block, Parser};

/// A configuration as it was written, includes in place.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The top level, `-g` directives first.
    pub(crate) directives: Vec<Directive>,
    /// Every file that was read, once, in reading order.
    pub(crate) files: Vec<Arc<SourceFile>>,
}

/// Reads the file at `path`, after the `-g` options in `globals`. Relative includes start from the folder `prefix`.
pub(crate) fn load(path: &Path, prefix: &Path, globals: &[String]) -> Result<Tree, ConfigError> {
    let mut parser = Parser::new(Files::on_disk(prefix));
    let mut top = Block::top_level();
    for option in globals {
        parser.text(source("-g", option, SourceKind::CommandLine), &mut top)?;
    }
    parser.file(path, &mut top)?;
    Ok(Tree {
        directives: top.directives,
        files: parser.into_files(),
    })
}

/// The same from memory, without touching the disk: an included file does not exist, a mask finds nothing.
pub(crate) fn load_str(name: &str, text: &str) -> Result<Tree, ConfigError> {
    let mut parser = Parser::new(Files::nowhere());
    let mut top = Block::top_level();
    let file = source(name, text, SourceKind::File);
    parser.text(Arc::clone(&file), &mut top)?;
    Ok(Tree {
        directives: top.directives,
        files: vec![file],
    })
}

fn source(name: &str, text: &str, kind: SourceKind) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        path: PathBuf::from(name),
        text: text.to_owned(),
        kind,
    })
}
