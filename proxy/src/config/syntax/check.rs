//! One directive against the table: known here? the right number of arguments? a block or not? built? In nginx's words, and
//! below them what a person probably meant.

use super::directive::Directive;
use super::error::ConfigError;
use super::suggest;
use super::table::{self, Arity, Body, Contexts, Row, Support};

/// How a directive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Semicolon,
    Block,
}

/// The directive's row in the table, if it may stand like this in `context`.
pub(super) fn check(
    directive: &Directive,
    ending: Ending,
    context: Contexts,
) -> Result<&'static Row, ConfigError> {
    let rows = table::named(&directive.name);
    if rows.is_empty() {
        return Err(unknown(directive, context));
    }
    let Some(row) = rows.iter().find(|row| row.contexts.meets(context)) else {
        return Err(misplaced(directive, rows));
    };
    check_ending(directive, ending, row)?;
    check_arguments(directive, row)?;
    if let Support::Later(area) = row.support {
        let message = format!(
            "\"{}\" directive is not implemented by this proxy",
            row.name
        );
        return Err(directive
            .error(message)
            .with_help(format!("nginx has it; it belongs to {area}")));
    }
    Ok(row)
}

fn unknown(directive: &Directive, context: Contexts) -> ConfigError {
    let name = &directive.name;
    let error = directive.error(format!("unknown directive \"{name}\""));
    if name.starts_with('\u{feff}') {
        return error
            .with_help("the file starts with a byte order mark; save it as UTF-8 without one");
    }
    match suggest::nearest(name, context) {
        Some(meant) => error.with_help(format!("did you mean \"{meant}\"?")),
        None => error,
    }
}

fn misplaced(directive: &Directive, rows: &[&Row]) -> ConfigError {
    let places: Vec<_> = rows.iter().flat_map(|row| row.contexts.names()).collect();
    directive
        .error(format!(
            "\"{}\" directive is not allowed here",
            directive.name
        ))
        .with_help(format!("it is allowed in {}", places.join(", ")))
}

fn check_ending(directive: &Directive, ending: Ending, row: &Row) -> Result<(), ConfigError> {
    let message = match (row.body, ending) {
        (Body::Simple, Ending::Block) => {
            format!("directive \"{}\" is not terminated by \";\"", row.name)
        }
        (Body::Directives(_) | Body::Lines, Ending::Semicolon) => {
            format!("directive \"{}\" has no opening \"{{\"", row.name)
        }
        _ => return Ok(()),
    };
    Err(with_line_hint(directive, directive.error(message)))
}

fn check_arguments(directive: &Directive, row: &Row) -> Result<(), ConfigError> {
    let given = directive.args.len();
    let (fits, expected) = match row.arity {
        Arity::Flag => (given == 1, "\"on\" or \"off\"".to_owned()),
        Arity::Between(least, most) => ((least..=most).contains(&given), counted(least, most)),
        Arity::AtLeast(least) => (given >= least, format!("{least} or more arguments")),
    };
    if !fits {
        let message = format!("invalid number of arguments in \"{}\" directive", row.name);
        let error = directive
            .error(message)
            .with_help(format!("it takes {expected}, and here it has {given}"));
        return Err(with_line_hint(directive, error));
    }
    match directive.args.first() {
        Some(arg) if row.arity == Arity::Flag && !is_flag(&arg.text) => Err(arg.error(format!(
            "invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"",
            arg.text, row.name
        ))),
        _ => Ok(()),
    }
}

fn is_flag(text: &str) -> bool {
    text.eq_ignore_ascii_case("on") || text.eq_ignore_ascii_case("off")
}

fn counted(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "one argument".to_owned(),
        _ if least == most => format!("{least} arguments"),
        _ => format!("{least} to {most} arguments"),
    }
}

/// A forgotten `;` makes the next line's words arguments of this directive: the commonest fault of all.
fn with_line_hint(directive: &Directive, error: ConfigError) -> ConfigError {
    let mut last = directive.pos.line;
    for arg in &directive.args {
        if arg.pos.line > last {
            return error.with_help(format!("is a \";\" missing at the end of line {last}?"));
        }
        last = last.max(arg.pos.line);
    }
    error
}
