//! Server Side Includes (ngx_http_ssi_module): runs the commands of a page as it passes. An include
//! stops the page until somebody has put the answer of a sub-request in its place.

mod command;
pub(crate) mod date;
mod page;
mod scan;
mod text;

pub(crate) use command::Command;
pub(crate) use page::Page;
pub(crate) use scan::{Found, scan};
pub(crate) use text::{expand, target as include_target};

use command::{Encoding, Expr};

use super::{Draft, Step};
use crate::config::{self, Level};
use crate::exchange::Exchange;
use crate::log;

const ERROR: &[u8] = b"[an error occurred while processing the directive]";
/// A block that is longer is cut.
const LONGEST_BLOCK: usize = 256 * 1024;

pub(super) fn apply(ex: &mut Exchange, draft: &mut Draft<'_>) {
    let Some(ssi) = ex.location.filters.as_ref().and_then(|f| f.ssi.as_ref()) else {
        return;
    };
    let unseen = ex.inner && !ex.sub.inserted;
    if unseen || draft.encoding.is_some() || !ssi.types.hold(&draft.content_type) {
        return;
    }
    if ssi.last_modified {
        draft.weaken_etag();
    } else {
        draft.forget_version();
    }
    draft.steps.push(Step::Ssi(Box::new(Ssi::new(ssi))));
    draft.rewrite_body();
    ex.sub.page.get_or_insert_default();
}

/// An answer that is to be put into the page here.
#[derive(Debug)]
pub(crate) struct Include {
    pub(crate) target: Vec<u8>,
    /// The variable that gets it instead.
    pub(crate) set: Option<Vec<u8>>,
    /// What stands in for an answer that is empty or failed.
    pub(crate) stub: Option<Vec<u8>>,
}

/// Which text of an `if` is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// No `if` is open.
    None,
    Shown,
    /// None so far was true.
    Hidden,
    /// One before was true.
    Over,
}

#[derive(Debug)]
pub(crate) struct Ssi {
    /// Not looked at yet.
    held: Vec<u8>,
    ended: bool,
    waiting: Option<Include>,
    branch: Branch,
    block: Option<(Vec<u8>, Vec<u8>)>,
    captures: Vec<Vec<u8>>,
    errmsg: Vec<u8>,
    timefmt: Vec<u8>,
    silent: bool,
    longest: usize,
}

impl Ssi {
    fn new(settings: &config::Ssi) -> Self {
        Self {
            held: Vec::new(),
            ended: false,
            waiting: None,
            branch: Branch::None,
            block: None,
            captures: Vec::new(),
            errmsg: ERROR.to_vec(),
            timefmt: date::DEFAULT.to_vec(),
            silent: settings.silent_errors,
            longest: settings.value_length,
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn take_include(&mut self) -> Option<Include> {
        self.waiting.take()
    }

    /// The text of a stub is a part of the page, so it may have commands too.
    pub(super) fn show_block(&mut self, ex: &Exchange, name: &[u8]) {
        let page = ex.sub.page.as_ref().map(|page| page.borrow());
        if let Some(text) = page.as_ref().and_then(|page| page.block(name)) {
            self.held.splice(0..0, text.iter().copied());
        }
    }

    pub(super) fn run(&mut self, ex: &Exchange, input: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(input);
        self.go_on(ex, out);
    }

    pub(super) fn end(&mut self, ex: &Exchange, out: &mut Vec<u8>) {
        self.ended = true;
        self.go_on(ex, out);
    }

    /// Looks at what is held, as far as the next include.
    pub(super) fn go_on(&mut self, ex: &Exchange, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while !rest.is_empty() && self.waiting.is_none() {
            let length = match scan(rest, self.ended, self.longest) {
                Found::More => break,
                Found::Text(length) => {
                    self.text(&rest[..length], out);
                    length
                }
                // Inside a block they run when it is shown.
                Found::Broken(length) if self.block.is_some() => {
                    self.text(&rest[..length], out);
                    length
                }
                Found::Command(length, raw) if self.block.is_some() && raw.name != b"endblock" => {
                    self.text(&rest[..length], out);
                    length
                }
                Found::Broken(length) => {
                    self.fail(ex, "a command can't be read", out);
                    length
                }
                Found::Command(length, raw) => {
                    let name = String::from_utf8_lossy(&raw.name).into_owned();
                    match Command::parse(raw) {
                        Some(command) => self.command(ex, command, out),
                        None => self.fail(ex, &format!("\"{name}\" can't be understood"), out),
                    }
                    length
                }
            };
            rest = &rest[length..];
        }
        self.held = rest.to_vec();
    }

    fn is_shown(&self) -> bool {
        matches!(self.branch, Branch::None | Branch::Shown)
    }

    fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let shown = self.is_shown();
        match &mut self.block {
            Some((_, block)) => {
                let room = LONGEST_BLOCK.saturating_sub(block.len());
                block.extend_from_slice(&text[..text.len().min(room)]);
            }
            None if shown => out.extend_from_slice(text),
            None => {}
        }
    }

    fn fail(&self, ex: &Exchange, why: &str, out: &mut Vec<u8>) {
        if !self.is_shown() {
            return;
        }
        log::exchange_error(ex, Level::Error, &format!("SSI: {why}"));
        if !self.silent {
            out.extend_from_slice(&self.errmsg);
        }
    }

    fn command(&mut self, ex: &Exchange, command: Command, out: &mut Vec<u8>) {
        let done = match command {
            Command::If(expr) => self.open(ex, &expr),
            Command::Elif(expr) => self.elif(ex, &expr),
            Command::Else => self.or_else(),
            Command::Endif if self.branch != Branch::None => {
                self.branch = Branch::None;
                Ok(())
            }
            Command::Endif => Err("an \"endif\" without an \"if\"".to_owned()),
            _ if !self.is_shown() => Ok(()),
            Command::Include { target, set, stub } => self.include(ex, &target, set, stub),
            Command::Echo {
                name,
                default,
                encoding,
            } => {
                self.echo(ex, &name, default.as_deref(), encoding, out);
                Ok(())
            }
            Command::Set { name, value } => self.set(ex, name, &value),
            Command::Config { errmsg, timefmt } => {
                self.errmsg = errmsg.unwrap_or_else(|| std::mem::take(&mut self.errmsg));
                self.timefmt = timefmt.unwrap_or_else(|| std::mem::take(&mut self.timefmt));
                Ok(())
            }
            Command::Block(name) => {
                self.block = Some((name, Vec::new()));
                Ok(())
            }
            Command::Endblock => self.end_block(ex),
        };
        if let Err(why) = done {
            self.fail(ex, &why, out);
        }
    }

    fn open(&mut self, ex: &Exchange, expr: &Expr) -> Result<(), String> {
        if self.branch != Branch::None {
            return Err("an \"if\" inside an \"if\"".to_owned());
        }
        self.branch = if self.holds(ex, expr)? {
            Branch::Shown
        } else {
            Branch::Hidden
        };
        Ok(())
    }

    fn elif(&mut self, ex: &Exchange, expr: &Expr) -> Result<(), String> {
        self.branch = match self.branch {
            Branch::None => return Err("an \"elif\" without an \"if\"".to_owned()),
            Branch::Shown | Branch::Over => Branch::Over,
            Branch::Hidden => {
                if self.holds(ex, expr)? {
                    Branch::Shown
                } else {
                    Branch::Hidden
                }
            }
        };
        Ok(())
    }

    fn or_else(&mut self) -> Result<(), String> {
        self.branch = match self.branch {
            Branch::None => return Err("an \"else\" without an \"if\"".to_owned()),
            Branch::Hidden => Branch::Shown,
            Branch::Shown | Branch::Over => Branch::Over,
        };
        Ok(())
    }

    fn holds(&mut self, ex: &Exchange, expr: &Expr) -> Result<bool, String> {
        let left = self.expand(ex, &expr.left)?;
        let Some(right) = &expr.right else {
            return Ok(!left.is_empty());
        };
        if !right.is_pattern {
            let other = self.expand(ex, &right.text)?;
            return Ok((left == other) != right.negated);
        }
        let text = String::from_utf8_lossy(&right.text).into_owned();
        let regex = config::regex(&text, false)?;
        let captures = regex.captures(&left);
        if let Some(captures) = &captures {
            let group = |group: Option<regex::bytes::Match<'_>>| {
                group.map(|m| m.as_bytes().to_vec()).unwrap_or_default()
            };
            self.captures = captures.iter().map(group).collect();
            for name in regex.capture_names().flatten() {
                let value = group(captures.name(name));
                assign(ex, name.to_ascii_lowercase().into_bytes(), value)?;
            }
        }
        Ok(captures.is_some() != right.negated)
    }

    fn include(
        &mut self,
        ex: &Exchange,
        target: &[u8],
        set: Option<Vec<u8>>,
        stub: Option<Vec<u8>>,
    ) -> Result<(), String> {
        let written = self.expand(ex, target)?;
        let target = text::target(&written, &ex.request.path);
        let Some(target) = target else {
            let shown = String::from_utf8_lossy(&written).into_owned();
            return Err(format!("\"{shown}\" is no place in this server"));
        };
        let enough = ex
            .sub
            .page
            .as_ref()
            .is_some_and(|page| page.borrow_mut().count_include());
        if !enough || ex.sub.depth >= MOST_DEEP {
            let shown = String::from_utf8_lossy(&target).into_owned();
            return Err(format!("sub-requests cycle while processing \"{shown}\""));
        }
        self.waiting = Some(Include { target, set, stub });
        Ok(())
    }

    fn echo(
        &self,
        ex: &Exchange,
        name: &[u8],
        default: Option<&[u8]>,
        encoding: Encoding,
        out: &mut Vec<u8>,
    ) {
        match self.value(ex, name) {
            Some(value) => text::encode(&value, encoding, out),
            None => text::encode(default.unwrap_or(b"(none)"), encoding, out),
        }
    }

    fn set(&mut self, ex: &Exchange, name: Vec<u8>, value: &[u8]) -> Result<(), String> {
        let value = self.expand(ex, value)?;
        assign(ex, name, value)
    }

    fn end_block(&mut self, ex: &Exchange) -> Result<(), String> {
        let Some((name, text)) = self.block.take() else {
            return Err("an \"endblock\" without a \"block\"".to_owned());
        };
        let page = ex.sub.page.as_ref();
        let kept = page.is_some_and(|page| page.borrow_mut().define(name, text));
        kept.then_some(())
            .ok_or_else(|| "the page's blocks are too large".to_owned())
    }

    fn expand(&self, ex: &Exchange, text: &[u8]) -> Result<Vec<u8>, String> {
        text::expand(text, |name| self.value(ex, name).unwrap_or_default())
            .ok_or_else(|| "a variable's name can't be read".to_owned())
    }

    /// The page's own variables, the groups of the last expression, then the server's variables.
    fn value(&self, ex: &Exchange, name: &[u8]) -> Option<Vec<u8>> {
        let page = ex.sub.page.as_ref();
        if let Some(value) = page.and_then(|page| page.borrow().variable(name).cloned()) {
            return Some(value);
        }
        if let [digit @ b'0'..=b'9'] = name
            && let Some(group) = self.captures.get(usize::from(digit - b'0'))
        {
            return Some(group.clone());
        }
        match name {
            b"date_local" => return date::local(&self.timefmt),
            b"date_gmt" => return date::gmt(&self.timefmt),
            _ => {}
        }
        let var = ex.config.names.find(std::str::from_utf8(name).ok()?).ok()?;
        let mut value = Vec::new();
        var.write(ex, None, &mut value).then_some(value)
    }
}

/// How deep parts may have parts of their own (nginx: 50).
const MOST_DEEP: u8 = 50;

/// A variable of the page, which its includes see, too.
fn assign(ex: &Exchange, name: Vec<u8>, value: Vec<u8>) -> Result<(), String> {
    let page = ex.sub.page.as_ref();
    let kept = page.is_some_and(|page| page.borrow_mut().set(name, value));
    kept.then_some(())
        .ok_or_else(|| "the page's variables are too large".to_owned())
}
