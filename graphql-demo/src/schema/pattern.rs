//! Patterns: JavaScript's regular expressions, bounded, and globs.
//!
//! The public API hands `regex` to JavaScript's `RegExp`, so its language is what people write. `fancy-regex` knows
//! look-around and back-references too, and both have limits here that `RegExp` lacks; what the two spell differently
//! is rewritten.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_graphql::Error;
use fancy_regex::{Regex, RegexBuilder};
use lru::LruCache;

/// Longer expressions are refused.
const MAX_CHARS: usize = 200;
/// Steps back that one text may cost.
const MAX_BACKTRACKS: usize = 10_000;
/// Bytes of a compiled expression.
const MAX_COMPILED: usize = 64 * 1024;
/// Compiled expressions that are kept: clients repeat themselves, and to compile takes longer than to match.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

static COMPILED: LazyLock<Mutex<LruCache<String, Pattern>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(KEPT)));

/// A compiled regular expression.
#[derive(Clone)]
pub(crate) struct Pattern(Arc<Regex>);

impl Pattern {
    /// Compiles an expression in JavaScript's language, or finds it compiled.
    pub(crate) fn new(javascript: &str) -> Result<Self, Error> {
        if javascript.chars().count() > MAX_CHARS {
            return Err(Error::new(format!(
                "The regular expression is longer than {MAX_CHARS} characters: use a shorter one."
            )));
        }
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(javascript) {
            return Ok(known.clone());
        }
        let pattern = compile(javascript).map_err(|error| {
            Error::new(format!(
                "The regular expression {javascript:?} can't be used: {error}"
            ))
        })?;
        compiled.put(javascript.to_owned(), pattern.clone());
        Ok(pattern)
    }

    pub(crate) fn is_match(&self, text: &str) -> Result<bool, Error> {
        self.0.is_match(text).map_err(|_| {
            Error::new("The regular expression takes too many steps: avoid repeats within repeats.")
        })
    }
}

fn compile(javascript: &str) -> Result<Pattern, String> {
    let regex = RegexBuilder::new(&rewritten(javascript)?)
        .backtrack_limit(MAX_BACKTRACKS)
        .delegate_size_limit(MAX_COMPILED)
        .delegate_dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Pattern(Arc::new(regex)))
}

/// JavaScript's expression in the language of `fancy-regex`.
pub(crate) fn rewritten(javascript: &str) -> Result<String, String> {
    let mut rest = javascript.chars().peekable();
    let mut out = String::with_capacity(javascript.len() + 16);
    let mut quantified = true; // nothing to repeat yet
    while let Some(char) = rest.next() {
        let was_quantified = std::mem::replace(&mut quantified, false);
        match char {
            '\\' => escape(&mut rest, false, &mut out)?,
            '[' => class(&mut rest, &mut out)?,
            '(' => {
                group(&mut rest, &mut out)?;
                quantified = true;
            }
            '{' => quantified = braces(&mut rest, was_quantified, &mut out)?,
            '}' | ']' => out.extend(['\\', char]),
            '*' | '+' | '?' => {
                if was_quantified {
                    return Err(format!("nothing to repeat before {char:?}"));
                }
                out.push(char);
                // `a+?` is lazy; a third sign would mean something else in Rust.
                if rest.next_if_eq(&'?').is_some() {
                    out.push('?');
                }
                quantified = true;
            }
            '|' | '^' => {
                out.push(char);
                quantified = true;
            }
            _ => out.push(char),
        }
    }
    Ok(out)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// `{2}`, `{2,}`, `{2,3}` repeat; any other brace is a brace in JavaScript.
fn braces(rest: &mut Rest<'_>, was_quantified: bool, out: &mut String) -> Result<bool, String> {
    let ahead: String = rest.clone().take_while(|&char| char != '}').collect();
    let closed = rest.clone().any(|char| char == '}');
    let (from, to) = ahead.split_once(',').unwrap_or((&ahead, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !closed || from.is_empty() || !digits(from) || !digits(to) {
        out.push_str("\\{");
        return Ok(false);
    }
    if was_quantified {
        return Err("nothing to repeat before '{'".to_owned());
    }
    let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    if !to.is_empty() && count(from) > count(to) {
        return Err("numbers out of order in {}".to_owned());
    }
    out.push('{');
    out.push_str(&ahead);
    out.push('}');
    for _ in 0..=ahead.len() {
        rest.next();
    }
    if rest.next_if_eq(&'?').is_some() {
        out.push('?');
    }
    Ok(true)
}

/// What may follow `(`: JavaScript has fewer kinds of groups than Rust.
fn group(rest: &mut Rest<'_>, out: &mut String) -> Result<(), String> {
    out.push('(');
    if rest.next_if_eq(&'?').is_none() {
        return Ok(());
    }
    out.push('?');
    let mut kinds = rest.clone();
    match (kinds.next(), kinds.next()) {
        (Some(':' | '=' | '!'), _) => Ok(()),
        (Some('<'), Some(next)) if next == '=' || next == '!' || next.is_alphabetic() => Ok(()),
        _ => Err("a group may start with (?: (?= (?! (?<= (?<! or (?<name>".to_owned()),
    }
}

/// Character classes: brackets and doubled signs inside mean themselves.
fn class(rest: &mut Rest<'_>, out: &mut String) -> Result<(), String> {
    let negated = rest.next_if_eq(&'^').is_some();
    if rest.next_if_eq(&']').is_some() {
        // `[]` matches nothing and `[^]` anything.
        out.push_str(if negated { r"[\s\S]" } else { r"[^\s\S]" });
        return Ok(());
    }
    out.push_str(if negated { "[^" } else { "[" });
    loop {
        match rest.next() {
            None => return Err("a [ without its ]".to_owned()),
            Some(']') => break,
            Some('\\') => escape(rest, true, out)?,
            Some(char @ ('[' | '&' | '~' | '^')) => out.extend(['\\', char]),
            Some('-') if rest.peek() == Some(&'-') => out.push_str("\\-"),
            Some(char) => out.push(char),
        }
    }
    out.push(']');
    Ok(())
}

/// What follows a backslash. Digits and words are ASCII's in JavaScript, and a letter without a meaning is itself.
fn escape(rest: &mut Rest<'_>, in_class: bool, out: &mut String) -> Result<(), String> {
    let char = rest.next().ok_or("a \\ at the end")?;
    let bracketed = |inner: &str| format!("[{inner}]");
    match char {
        'd' if in_class => out.push_str("0-9"),
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' if in_class => out.push_str("A-Za-z0-9_"),
        'w' => out.push_str(&bracketed("A-Za-z0-9_")),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        'b' if in_class => out.push_str("\\x08"),
        's' | 'S' | 'b' | 'B' | 'n' | 'r' | 't' | 'v' | 'f' => out.extend(['\\', char]),
        '1'..='9' | 'k' if !in_class => out.extend(['\\', char]),
        '0' => out.push_str("\\x00"),
        'x' | 'u' => {
            let digits = if char == 'x' { 2 } else { 4 };
            let ahead: String = rest.clone().take(digits).collect();
            if ahead.len() == digits && ahead.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                out.extend(['\\', char]);
                out.push_str(&ahead);
                rest.nth(digits - 1);
            } else {
                out.push(char);
            }
        }
        _ if char.is_ascii_punctuation() => out.extend(['\\', char]),
        _ => out.push(char),
    }
    Ok(())
}

/// Whether `text` is like `glob`: `*` stands for any characters, `?` for one. Takes time linear in both but for the
/// product that a star may cost, never more.
pub(crate) fn glob_matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (glob_before, text_before) = (glob.clone(), text.clone());
        match (glob.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((glob.clone(), text_before.clone()));
                text = text_before;
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            // No match: let the last star take one character more.
            _ => {
                let Some((after_star, taken)) = &mut star else {
                    return false;
                };
                if taken.next().is_none() {
                    return false;
                }
                drop(glob_before);
                (glob, text) = (after_star.clone(), taken.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().is_match(text).unwrap()
    }

    #[test]
    fn javascript_means_what_it_means_in_javascript() {
        for (pattern, text, wanted) in [
            ("^B", "Brazil", true),
            ("b", "Brazil", false),
            ("(?=.*z)B", "Brazil", true),
            (r"(.)\1", "Greece", true),
            (r"(?<x>e)\k<x>", "Greece", true),
            (r"^\d$", "٣", false),
            (r"^\w+$", "Åland", false),
            ("[[]", "[", true),
            ("[&&]", "&", true),
            ("a{", "a{", true),
            ("a{2}", "aa", true),
            (r"\A", "A", true),
            (r"\u0042", "B", true),
            ("[^]", "x", true),
            ("[]", "x", false),
            (r"[\d-z]", "-", true),
            ("", "x", true),
            ("x+?", "x", true),
            (r"\/", "/", true),
            ("a|b|", "c", true),
            ("]", "]", true),
            ("(?<!B)r", "Brazil", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn what_javascript_refuses_is_refused() {
        for pattern in [
            "(", ")", "[", "*", "a**", "a++", "(?i)a", "(?>a)", "(?P<x>a)", "\\", "a{3}{2}",
            "a{2,1}", "(?", "+",
        ] {
            assert!(Pattern::new(pattern).is_err(), "{pattern:?}");
        }
    }

    #[test]
    fn a_catastrophic_expression_is_stopped() {
        let pattern = Pattern::new(r"^(([a-z])+.)+\2[A-Z]([a-z])+$").unwrap();
        assert!(pattern.is_match(&"a".repeat(60)).is_err());
        assert!(Pattern::new("((a{90}){90}){90}").is_err());
        assert!(Pattern::new(&"a".repeat(201)).is_err());
    }

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, wanted) in [
            ("B*", "Brazil", true),
            ("*l", "Brazil", true),
            ("B*z*l", "Brazil", true),
            ("Br?zil", "Brazil", true),
            ("Bra", "Brazil", false),
            ("*", "", true),
            ("?", "", false),
            ("**a**", "a", true),
            ("*a*b", "aab", true),
            ("*a*b", "aba", false),
            ("C?te*", "Côte d'Ivoire", true),
        ] {
            assert_eq!(glob_matches(glob, text), wanted, "{glob:?} on {text:?}");
        }
    }
}
