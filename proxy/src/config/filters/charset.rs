//! `charset`, `source_charset`, `override_charset`, `charset_types` and `charset_map`
//! (ngx_http_charset_module).

use std::collections::HashMap;
use std::sync::Arc;

use super::Types;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::{Arg, ConfigError, Directive};
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) struct Charset {
    /// What the answer says; empty says nothing.
    pub(crate) name: Template,
    /// What the bytes are in.
    pub(crate) source: Option<Template>,
    /// Whether another charset that the answer brings counts for nothing.
    pub(crate) overrides: bool,
    pub(crate) types: Types,
    pub(crate) maps: Vec<CharsetMap>,
}

/// How to write the characters of one charset in another.
#[derive(Clone, Debug)]
pub(crate) struct CharsetMap {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) table: Arc<Recoding>,
}

#[derive(Debug)]
pub(crate) enum Recoding {
    /// One byte each; what stands nowhere is the same in both.
    Bytes(Box<[u8; 256]>),
    /// From bytes to UTF-8.
    ToUtf8(Vec<Vec<u8>>),
    FromUtf8(HashMap<Vec<u8>, u8>),
}

pub(super) fn charset(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Charset>, ConfigError> {
    let mut maps = Vec::new();
    for directive in scope.everywhere("charset_map") {
        maps.extend(map(directive)?);
    }
    let name = |directive: &'static str| {
        let arg = scope.find(directive).and_then(|d| d.args.first());
        arg.filter(|arg| arg.text != "off")
    };
    let Some(to) = name("charset") else {
        return Ok(None);
    };
    let from = name("source_charset");
    if let Some(from) = from {
        check_map(from, to, &maps)?;
    }
    let defaults = [
        "text/xml",
        "text/plain",
        "text/vnd.wap.wml",
        "application/javascript",
        "application/rss+xml",
    ];
    Ok(Some(Charset {
        name: loader.template(to)?,
        source: from.map(|arg| loader.template(arg)).transpose()?,
        overrides: scope.flag("override_charset", false)?,
        types: Types::of(scope, "charset_types", &defaults),
        maps,
    }))
}

/// Two charsets that are named outright need a way from one to the other.
fn check_map(from: &Arg, to: &Arg, maps: &[CharsetMap]) -> Result<(), ConfigError> {
    let same = from.text.eq_ignore_ascii_case(&to.text);
    let known = maps.iter().any(|map| map.is_between(&from.text, &to.text));
    if same || known || from.text.contains('$') || to.text.contains('$') {
        return Ok(());
    }
    let why = format!(
        "no \"charset_map\" between the charsets \"{}\" and \"{}\"",
        from.text, to.text
    );
    Err(to.error(why))
}

impl CharsetMap {
    pub(crate) fn is_between(&self, from: &str, to: &str) -> bool {
        self.from.eq_ignore_ascii_case(from) && self.to.eq_ignore_ascii_case(to)
    }
}

/// A map reads both ways: lines of two codes in hexadecimal, the second in UTF-8 where the second charset is.
fn map(directive: &Directive) -> Result<[CharsetMap; 2], ConfigError> {
    let [from, to] = directive.args.as_slice() else {
        return Err(directive.error("invalid number of arguments in \"charset_map\" directive"));
    };
    let is_utf8 = |arg: &Arg| arg.text.eq_ignore_ascii_case("utf-8");
    if from.text.eq_ignore_ascii_case(&to.text) || is_utf8(from) {
        let why = "\"charset_map\" between the same charsets, or from \"utf-8\"";
        return Err(directive.error(why));
    }
    let mut pairs = Vec::new();
    for line in directive.children() {
        let [second] = line.args.as_slice() else {
            return Err(line.error("invalid parameters number"));
        };
        let source = code(&line.name).filter(|code| code.len() == 1);
        let target = code(&second.text).filter(|code| is_utf8(to) || code.len() == 1);
        let (Some(source), Some(target)) = (source, target) else {
            return Err(line.error(format!("invalid value \"{}\"", second.text)));
        };
        pairs.push((source[0], target));
    }
    let (there, back) = if is_utf8(to) {
        utf8(&pairs)
    } else {
        bytes(&pairs)
    };
    let made = |from: &Arg, to: &Arg, table| CharsetMap {
        from: from.text.clone(),
        to: to.text.clone(),
        table: Arc::new(table),
    };
    Ok([made(from, to, there), made(to, from, back)])
}

fn bytes(pairs: &[(u8, Vec<u8>)]) -> (Recoding, Recoding) {
    let same: [u8; 256] = std::array::from_fn(|byte| u8::try_from(byte).unwrap_or(0));
    let (mut there, mut back) = (Box::new(same), Box::new(same));
    for (source, target) in pairs {
        there[usize::from(*source)] = target[0];
        back[usize::from(target[0])] = *source;
    }
    (Recoding::Bytes(there), Recoding::Bytes(back))
}

fn utf8(pairs: &[(u8, Vec<u8>)]) -> (Recoding, Recoding) {
    // ASCII is the same; what has no line can't be written.
    let start = |byte: u8| {
        if byte < 0x80 {
            vec![byte]
        } else {
            b"?".to_vec()
        }
    };
    let mut there: Vec<Vec<u8>> = (0..=255).map(start).collect();
    let mut back = HashMap::new();
    for (source, target) in pairs {
        there[usize::from(*source)].clone_from(target);
        back.insert(target.clone(), *source);
    }
    (Recoding::ToUtf8(there), Recoding::FromUtf8(back))
}

/// One to four bytes in hexadecimal.
fn code(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let padded = if digits.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_owned()
    };
    let byte = |at: usize| u8::from_str_radix(&padded[at..at + 2], 16).ok();
    (0..padded.len()).step_by(2).map(byte).collect()
}
