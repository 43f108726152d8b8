//! Runs the rewrite program of a server or location (ngx_http_rewrite_module).

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::config::{Assign, Condition, FileTest, Flag, Handler, Location, Step, parse_size};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};

/// How a program ended.
#[derive(Debug)]
pub(crate) enum Ran {
    Through,
    /// `break`: the location stays, whatever the path became.
    Break,
    /// The path changed, so its location has to be found anew.
    Changed,
    Return {
        status: u16,
        text: Option<Vec<u8>>,
    },
}

pub(super) fn run(ex: &mut Exchange, steps: &[Step]) -> Result<Ran, Fault> {
    let mut changed = false;
    match run_steps(ex, steps, &mut changed)? {
        Ran::Through if changed => Ok(Ran::Changed),
        ran => Ok(ran),
    }
}

fn run_steps(ex: &mut Exchange, steps: &[Step], changed: &mut bool) -> Result<Ran, Fault> {
    for step in steps {
        match step {
            Step::Set { to, value } => {
                let value = value.evaluate(ex);
                assign(ex, *to, value);
            }
            Step::Break => return Ok(Ran::Break),
            Step::Return { status, text } => {
                let text = text.as_ref().map(|text| text.evaluate(ex));
                return Ok(Ran::Return {
                    status: *status,
                    text,
                });
            }
            Step::If {
                condition,
                steps,
                location,
            } => {
                if !holds(ex, condition) {
                    continue;
                }
                // The server's own `if` changes no location: there is none yet.
                enter(ex, location)?;
                match run_steps(ex, steps, changed)? {
                    Ran::Through => {}
                    ended => return Ok(ended),
                }
            }
            Step::Rewrite { .. } => {
                if let Some(ended) = rewrite(ex, step, changed)? {
                    return Ok(ended);
                }
            }
        }
    }
    Ok(Ran::Through)
}

/// The last `if` that holds decides for good. nginx would pass the request on, as an earlier one said, and doesn't know
/// where to, as this one does not say.
fn enter(ex: &mut Exchange, location: &Arc<Location>) -> Result<(), Fault> {
    let passed_on = matches!(ex.location.handler, Handler::Proxy(_));
    if passed_on && matches!(location.handler, Handler::Static) {
        let why = "\"proxy_pass\" stands in an \"if\" before the last one that holds";
        return Err(Fault::new(500, Blame::Us, why));
    }
    ex.location = Arc::clone(location);
    Ok(())
}

/// Gives a variable its value (`set`, `auth_request_set`).
pub(crate) fn assign(ex: &mut Exchange, to: Assign, value: Vec<u8>) {
    match to {
        Assign::User(index) => ex.vars[index] = Some(value),
        Assign::Args => {
            ex.request.args = value;
            ex.request.untouched = false;
        }
        Assign::LimitRate => {
            let text = String::from_utf8_lossy(&value).into_owned();
            ex.limit_rate = parse_size(&text);
        }
    }
}

fn rewrite(ex: &mut Exchange, step: &Step, changed: &mut bool) -> Result<Option<Ran>, Fault> {
    let Step::Rewrite {
        pattern,
        replacement,
        flag,
        drop_args,
    } = step
    else {
        return Ok(None);
    };
    let path = ex.request.path.clone();
    let Some(captures) = pattern.regex.captures(&path) else {
        return Ok(None);
    };
    ex.remember(&captures, &pattern.named);
    let mut target = replacement.evaluate(ex);
    if matches!(flag, Flag::Redirect | Flag::Permanent) {
        if !drop_args && !ex.request.args.is_empty() {
            target.push(if target.contains(&b'?') { b'&' } else { b'?' });
            target.extend_from_slice(&ex.request.args);
        }
        let status = if *flag == Flag::Permanent { 301 } else { 302 };
        return Ok(Some(Ran::Return {
            status,
            text: Some(target),
        }));
    }
    if target.is_empty() {
        return Err(Fault::new(
            500,
            Blame::Us,
            "the rewritten URI has a zero length",
        ));
    }
    set_target(ex, target, *drop_args);
    *changed = *flag != Flag::Break;
    Ok(match flag {
        Flag::Last => Some(Ran::Changed),
        Flag::Break => Some(Ran::Break),
        _ => None,
    })
}

/// Sets path and arguments; the request's own arguments follow those of the replacement.
fn set_target(ex: &mut Exchange, mut target: Vec<u8>, drop_args: bool) {
    let own = std::mem::take(&mut ex.request.args);
    if let Some(question) = target.iter().position(|&b| b == b'?') {
        ex.request.args = target.split_off(question + 1);
        target.pop();
        if !drop_args && !own.is_empty() {
            ex.request.args.push(b'&');
            ex.request.args.extend_from_slice(&own);
        }
    } else if !drop_args {
        ex.request.args = own;
    }
    ex.request.path = target;
    ex.request.untouched = false;
}

fn holds(ex: &mut Exchange, condition: &Condition) -> bool {
    match condition {
        Condition::True(value) => value.is_true(ex),
        Condition::Equal {
            left,
            right,
            negated,
        } => (left.evaluate(ex) == right.evaluate(ex)) != *negated,
        Condition::Match {
            left,
            pattern,
            negated,
        } => {
            let value = left.evaluate(ex);
            let captures = pattern.regex.captures(&value);
            if let Some(captures) = &captures {
                ex.remember(captures, &pattern.named);
            }
            captures.is_some() != *negated
        }
        Condition::File {
            test,
            path,
            negated,
        } => {
            let path = path.evaluate(ex);
            let path = String::from_utf8_lossy(&path).into_owned();
            let meta = std::fs::metadata(Path::new(&path)).ok();
            let found = meta.is_some_and(|meta| match test {
                FileTest::File => meta.is_file(),
                FileTest::Directory => meta.is_dir(),
                FileTest::Exists => true,
                FileTest::Executable => meta.permissions().mode() & 0o111 != 0,
            });
            found != *negated
        }
    }
}
