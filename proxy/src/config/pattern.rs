//! Regular expressions of the configuration, with the variables that their named groups set.

use regex::bytes::{Regex, RegexBuilder};

use super::syntax::{Arg, ConfigError};
use crate::variables::Names;

/// A compiled expression; bytes, because a request need not be UTF-8.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    /// Group number and user variable of each named group.
    pub(crate) named: Vec<(usize, usize)>,
}

impl Pattern {
    pub(crate) fn compile(
        arg: &Arg,
        text: &str,
        ignore_case: bool,
        names: &Names,
    ) -> Result<Self, ConfigError> {
        let regex = regex(text, ignore_case).map_err(|why| arg.error(why))?;
        let named = regex.capture_names().enumerate();
        let named = named
            .filter_map(|(group, name)| Some((group, names.user(name?)?)))
            .collect();
        Ok(Self { regex, named })
    }
}

/// PCRE's escape for a slash and its `(?<name>…)` are understood by the `regex` crate as well;
/// look-around and back-references are not, and the message says so.
pub(crate) fn regex(text: &str, ignore_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(&translate(text))
        .case_insensitive(ignore_case)
        // Bytes, as PCRE has them, unless the expression names classes of Unicode.
        .unicode(text.contains("\\p"))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim();
            format!("regular expression \"{text}\" failed: {last}")
        })
}

/// What PCRE writes otherwise: `\/`, `\Q…\E`, `(?'name'…)`.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\\Q") {
        out.push_str(&rest[..start]);
        let (literal, after) = rest[start + 2..]
            .split_once("\\E")
            .unwrap_or((&rest[start + 2..], ""));
        out.push_str(&regex::escape(literal));
        rest = after;
    }
    out.push_str(rest);
    let mut out = out.replace("\\/", "/");
    while let Some(start) = out.find("(?'") {
        let Some(end) = out[start + 3..].find('\'') else {
            break;
        };
        out.replace_range(start + 3 + end..start + 4 + end, ">");
        out.replace_range(start + 2..start + 3, "<");
    }
    out
}

/// The named groups of an expression, wherever one may stand in the configuration.
pub(super) fn group_names(text: &str) -> Vec<String> {
    let Ok(regex) = regex(text, false) else {
        return Vec::new();
    };
    regex.capture_names().flatten().map(str::to_owned).collect()
}

/// `~pattern`, `~*pattern` or plain text, as `map`, `server_name` and others take it.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Text,
    Pattern(Pattern),
}

impl Matcher {
    pub(crate) fn parse(arg: &Arg, names: &Names) -> Result<Self, ConfigError> {
        match arg.text.strip_prefix('~') {
            Some(rest) => {
                let (text, ignore_case) = match rest.strip_prefix('*') {
                    Some(text) => (text, true),
                    None => (rest, false),
                };
                Ok(Self::Pattern(Pattern::compile(
                    arg,
                    text,
                    ignore_case,
                    names,
                )?))
            }
            None => Ok(Self::Text),
        }
    }
}
