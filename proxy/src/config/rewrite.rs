//! The directives of ngx_http_rewrite_module, as a small program that runs in order: `set`,
//! `return`, `rewrite`, `break`, `if`.

use std::sync::Arc;

use super::loader::Loader;
use super::location::Location;
use super::pattern::Pattern;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;

#[derive(Debug)]
pub(crate) enum Step {
    Set {
        to: Assign,
        value: Template,
    },
    Return {
        status: u16,
        text: Option<Template>,
    },
    Rewrite {
        pattern: Pattern,
        replacement: Template,
        flag: Flag,
        drop_args: bool,
    },
    Break,
    /// With settings of its own where the block has other directives than this module's.
    If {
        condition: Condition,
        steps: Vec<Self>,
        location: Arc<Location>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assign {
    User(usize),
    Args,
    LimitRate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    None,
    Last,
    Break,
    Redirect,
    Permanent,
}

#[derive(Debug)]
pub(crate) enum Condition {
    /// True unless empty or `0`.
    True(Template),
    Equal {
        left: Template,
        right: Template,
        negated: bool,
    },
    Match {
        left: Template,
        pattern: Pattern,
        negated: bool,
    },
    File {
        test: FileTest,
        path: Template,
        negated: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileTest {
    File,
    Directory,
    Exists,
    Executable,
}

pub(super) fn program(scope: &Scope<'_>, loader: &Loader) -> Result<Vec<Step>, ConfigError> {
    let mut steps = Vec::new();
    for directive in scope.directives {
        match directive.name.as_str() {
            "set" => steps.push(set(directive, loader)?),
            "return" => steps.push(return_(directive, loader)?),
            "rewrite" => steps.push(rewrite(directive, loader)?),
            "break" => steps.push(Step::Break),
            "if" => steps.push(if_(directive, scope, loader)?),
            _ => {}
        }
    }
    Ok(steps)
}

/// The names that this directive defines, before any template is read.
pub(super) fn defines(directive: &Directive) -> Option<&str> {
    if !matches!(directive.name.as_str(), "set" | "auth_request_set") {
        return None;
    }
    directive.args.first()?.text.strip_prefix('$')
}

fn set(directive: &Directive, loader: &Loader) -> Result<Step, ConfigError> {
    let [name, value] = directive.args.as_slice() else {
        return Err(directive.error("invalid number of arguments in \"set\" directive"));
    };
    Ok(Step::Set {
        to: assign(name, loader)?,
        value: loader.template(value)?,
    })
}

/// The variable that a value is given to.
pub(super) fn assign(name: &Arg, loader: &Loader) -> Result<Assign, ConfigError> {
    match name.text.strip_prefix('$') {
        Some("args") => Ok(Assign::Args),
        Some("limit_rate") => Ok(Assign::LimitRate),
        Some(user) => {
            let index = loader.names.user(user).map(Assign::User);
            index.ok_or_else(|| name.error(format!("the duplicate \"{user}\" variable")))
        }
        None => Err(name.error(format!("invalid variable name \"{}\"", name.text))),
    }
}

/// `return code`, `return code text`, `return code URL`, `return URL`.
fn return_(directive: &Directive, loader: &Loader) -> Result<Step, ConfigError> {
    let first = super::values::only(directive)?;
    let text = directive.args.get(1);
    if let Ok(status) = first.text.parse::<u16>() {
        if status > 999 {
            return Err(first.error(format!("invalid return code \"{}\"", first.text)));
        }
        let text = text.map(|text| loader.template(text)).transpose()?;
        return Ok(Step::Return { status, text });
    }
    let is_url = ["http://", "https://", "$scheme"]
        .iter()
        .any(|p| first.text.starts_with(p));
    if text.is_some() || !is_url {
        return Err(first.error(format!("invalid return code \"{}\"", first.text)));
    }
    Ok(Step::Return {
        status: 302,
        text: Some(loader.template(first)?),
    })
}

fn rewrite(directive: &Directive, loader: &Loader) -> Result<Step, ConfigError> {
    let [pattern, replacement, rest @ ..] = directive.args.as_slice() else {
        return Err(directive.error("invalid number of arguments in \"rewrite\" directive"));
    };
    let external = ["http://", "https://", "$scheme"];
    let external = external
        .iter()
        .any(|prefix| replacement.text.starts_with(prefix));
    let flag = match rest.first().map(|flag| flag.text.as_str()) {
        None if external => Flag::Redirect,
        None => Flag::None,
        Some("last") => Flag::Last,
        Some("break") => Flag::Break,
        Some("redirect") => Flag::Redirect,
        Some("permanent") => Flag::Permanent,
        Some(other) => return Err(directive.error(format!("invalid parameter \"{other}\""))),
    };
    let text = replacement.text.strip_suffix('?');
    let drop_args = text.is_some();
    Ok(Step::Rewrite {
        pattern: loader.pattern(pattern, &pattern.text, false)?,
        replacement: loader.template_text(replacement, text.unwrap_or(&replacement.text))?,
        flag,
        drop_args,
    })
}

fn if_(directive: &Directive, scope: &Scope<'_>, loader: &Loader) -> Result<Step, ConfigError> {
    let inner = scope.inside_if(directive);
    let location = Location::of_if(&inner, loader)?;
    Ok(Step::If {
        condition: condition(directive, loader)?,
        steps: program(&inner, loader)?,
        location: Arc::new(location),
    })
}

/// The words between the parentheses, which may stick to their neighbours: `if ($a = b)`.
fn condition(directive: &Directive, loader: &Loader) -> Result<Condition, ConfigError> {
    let mut words = directive.args.clone();
    let bad = |text: &str| directive.error(format!("invalid condition \"{text}\""));
    let first = words.first_mut().ok_or_else(|| bad(""))?;
    first.text = first
        .text
        .strip_prefix('(')
        .ok_or_else(|| bad(&first.text))?
        .to_owned();
    let last = words.last_mut().ok_or_else(|| bad(""))?;
    last.text = last
        .text
        .strip_suffix(')')
        .ok_or_else(|| bad(&last.text))?
        .to_owned();
    words.retain(|word| word.quoted || !word.text.is_empty());
    match words.as_slice() {
        [value] if value.text.starts_with('$') => Ok(Condition::True(loader.template(value)?)),
        [left, operator, right] if left.text.starts_with('$') => {
            comparison(left, operator, right, loader)
        }
        [test, path] => {
            let (negated, letter) = match test.text.strip_prefix('!') {
                Some(letter) => (true, letter),
                None => (false, test.text.as_str()),
            };
            let test = match letter {
                "-f" => FileTest::File,
                "-d" => FileTest::Directory,
                "-e" => FileTest::Exists,
                "-x" => FileTest::Executable,
                _ => return Err(bad(&test.text)),
            };
            Ok(Condition::File {
                test,
                path: loader.template(path)?,
                negated,
            })
        }
        [first, ..] => Err(bad(&first.text)),
        [] => Err(bad("")),
    }
}

fn comparison(
    left: &Arg,
    operator: &Arg,
    right: &Arg,
    loader: &Loader,
) -> Result<Condition, ConfigError> {
    let (negated, plain) = match operator.text.strip_prefix('!') {
        Some(plain) => (true, plain),
        None => (false, operator.text.as_str()),
    };
    let left = loader.template(left)?;
    match plain {
        "=" => Ok(Condition::Equal {
            left,
            right: loader.template(right)?,
            negated,
        }),
        "~" | "~*" => {
            let pattern = loader.pattern(right, &right.text, plain == "~*")?;
            Ok(Condition::Match {
                left,
                pattern,
                negated,
            })
        }
        _ => Err(operator.error(format!("unexpected \"{}\" in condition", operator.text))),
    }
}
