//! Tokens to a tree of directives, each checked against the table as it is read, so that the first fault in the text is the
//! one reported. `include` disappears here: the files' directives stand in its place.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::check::{self, Ending};
use super::directive::{Arg, Directive};
use super::error::ConfigError;
use super::files::Files;
use super::lexer::{Lexer, Token};
use super::source::{Pos, SourceFile, SourceKind};
use super::table::{Body, Contexts, Repeats};

/// Blocks within blocks, and includes within includes. Both bound the recursion below.
const DEEPEST_BLOCK: usize = 64;
const DEEPEST_INCLUDE: usize = 32;
const MOST_DIRECTIVES: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Parser {
    files: Files,
    blocks: usize,
    includes: usize,
    directives: usize,
}

/// A block being read, perhaps from several files.
#[derive(Debug)]
pub(super) struct Block {
    body: Body,
    pub(super) directives: Vec<Directive>,
    /// Where each directive that may not repeat was first given.
    once: HashMap<&'static str, Pos>,
}

impl Block {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            directives: Vec::new(),
            once: HashMap::new(),
        }
    }

    pub(super) fn top_level() -> Self {
        Self::new(Body::Directives(Contexts::MAIN))
    }
}

/// What ends the text of a block.
#[derive(Debug, Clone, Copy)]
enum Until<'a> {
    EndOfText,
    /// The `}` of this directive.
    Brace(&'a Directive),
}

impl Parser {
    pub(super) fn new(files: Files) -> Self {
        Self {
            files,
            blocks: 0,
            includes: 0,
            directives: 0,
        }
    }

    pub(super) fn into_files(self) -> Vec<Arc<SourceFile>> {
        self.files.into_read()
    }

    pub(super) fn file(&mut self, path: &Path, block: &mut Block) -> Result<(), ConfigError> {
        let file = self.files.open(path)?;
        self.text(file, block)
    }

    pub(super) fn text(
        &mut self,
        file: Arc<SourceFile>,
        block: &mut Block,
    ) -> Result<(), ConfigError> {
        self.fill(block, &mut Lexer::new(file), Until::EndOfText)
            .map(drop)
    }

    /// Reads directives into `block` until its end; answers the line of that.
    fn fill(
        &mut self,
        block: &mut Block,
        lexer: &mut Lexer,
        until: Until<'_>,
    ) -> Result<u32, ConfigError> {
        loop {
            let (token, pos) = lexer.next()?;
            match (token, until) {
                (Token::Word { text, .. }, _) => {
                    let (directive, ending) = arguments(lexer, text, pos)?;
                    self.count(&directive)?;
                    self.directive(block, lexer, directive, ending)?;
                }
                (Token::End, Until::EndOfText) | (Token::Close, Until::Brace(_)) => {
                    return Ok(pos.line);
                }
                (Token::End, Until::Brace(opener)) => return Err(never_closed(opener, &pos)),
                (Token::Close, Until::EndOfText) => {
                    return Err(
                        unexpected("}", &pos).with_help("no block of this file is open here")
                    );
                }
                (Token::Semicolon, _) => return Err(unexpected(";", &pos)),
                (Token::Open, _) => return Err(unexpected("{", &pos)),
            }
        }
    }

    fn count(&mut self, directive: &Directive) -> Result<(), ConfigError> {
        self.directives += 1;
        if self.directives > MOST_DIRECTIVES {
            return Err(directive.error(format!("more than {MOST_DIRECTIVES} directives")));
        }
        Ok(())
    }

    fn directive(
        &mut self,
        block: &mut Block,
        lexer: &mut Lexer,
        directive: Directive,
        ending: Ending,
    ) -> Result<(), ConfigError> {
        let Body::Directives(context) = block.body else {
            return self.line(block, directive, ending);
        };
        if ending == Ending::Block && directive.pos.file.kind == SourceKind::CommandLine {
            return Err(directive.error("block directives are not supported in -g option"));
        }
        let row = check::check(&directive, ending, context)?;
        if directive.name == "include" {
            return self.include(block, &directive);
        }
        if row.repeats == Repeats::Once
            && let Some(first) = block.once.insert(row.name, directive.pos.clone())
        {
            let error = directive.error(format!("\"{}\" directive is duplicate", row.name));
            return Err(error.with_help(format!("it is given first in {first}")));
        }
        let directive = match row.body {
            Body::Simple => directive,
            body => self.opened(directive, body, lexer)?,
        };
        block.directives.push(directive);
        Ok(())
    }

    /// A line of `map`, `types` and their like: words that only their owner understands.
    fn line(
        &mut self,
        block: &mut Block,
        directive: Directive,
        ending: Ending,
    ) -> Result<(), ConfigError> {
        if ending == Ending::Block {
            return Err(directive.error("unexpected \"{\""));
        }
        if directive.name != "include" {
            block.directives.push(directive);
            return Ok(());
        }
        if directive.args.len() != 1 {
            return Err(directive.error("invalid number of arguments in \"include\" directive"));
        }
        self.include(block, &directive)
    }

    fn opened(
        &mut self,
        mut directive: Directive,
        body: Body,
        lexer: &mut Lexer,
    ) -> Result<Directive, ConfigError> {
        if self.blocks >= DEEPEST_BLOCK {
            return Err(directive.error(format!("blocks are nested deeper than {DEEPEST_BLOCK}")));
        }
        self.blocks += 1;
        let mut inner = Block::new(body);
        directive.end = self.fill(&mut inner, lexer, Until::Brace(&directive))?;
        self.blocks -= 1;
        directive.block = Some(inner.directives);
        Ok(directive)
    }

    fn include(&mut self, block: &mut Block, directive: &Directive) -> Result<(), ConfigError> {
        if self.includes >= DEEPEST_INCLUDE {
            return Err(directive
                .error(format!("includes are nested deeper than {DEEPEST_INCLUDE}"))
                .with_help("does a file include itself?"));
        }
        self.includes += 1;
        let mask = directive.args.first().map_or("", |arg| arg.text.as_str());
        let here = |error: ConfigError| error.or_at(&directive.pos);
        for path in self.files.named(mask).map_err(here)? {
            let file = self.files.open(&path).map_err(here)?;
            self.text(file, block)?;
        }
        self.includes -= 1;
        Ok(())
    }
}

/// The words behind a directive's name, up to its `;` or `{`.
fn arguments(
    lexer: &mut Lexer,
    name: String,
    pos: Pos,
) -> Result<(Directive, Ending), ConfigError> {
    let mut directive = Directive {
        name,
        args: Vec::new(),
        block: None,
        end: pos.line,
        pos,
    };
    loop {
        let (token, pos) = lexer.next()?;
        match token {
            Token::Word { text, quoted } => directive.args.push(Arg { text, quoted, pos }),
            Token::Semicolon => return Ok((directive, Ending::Semicolon)),
            Token::Open => return Ok((directive, Ending::Block)),
            Token::Close => {
                let help = format!("directive \"{}\" has no \";\"", directive.name);
                return Err(unexpected("}", &pos).with_help(help));
            }
            Token::End => {
                let message = match pos.file.kind {
                    SourceKind::File => "unexpected end of file, expecting \";\" or \"}\"",
                    SourceKind::CommandLine => "unexpected end of parameter, expecting \";\"",
                };
                let help = format!(
                    "directive \"{}\" in {} has no \";\"",
                    directive.name, directive.pos
                );
                return Err(ConfigError::at(&pos, message).with_help(help));
            }
        }
    }
}

fn unexpected(what: &str, pos: &Pos) -> ConfigError {
    ConfigError::at(pos, format!("unexpected \"{what}\""))
}

fn never_closed(opener: &Directive, pos: &Pos) -> ConfigError {
    ConfigError::at(pos, "unexpected end of file, expecting \"}\"").with_help(format!(
        "the block of \"{}\" in {} is not closed",
        opener.name, opener.pos
    ))
}
