//! `sub_filter`: puts other text in place of some, whatever its case, as a body passes
//! (ngx_http_sub_module).

use regex::bytes::{Regex, RegexBuilder};

use super::{Draft, Step};
use crate::exchange::Exchange;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) {
    let Some(wanted) = ex
        .location
        .filters
        .as_ref()
        .and_then(|f| f.substitutions.as_ref())
    else {
        return;
    };
    let unseen = ex.inner && !ex.sub.inserted;
    if unseen || draft.encoding.is_some() || !wanted.types.hold(&draft.content_type) {
        return;
    }
    let pairs = wanted.pairs.iter();
    let pairs = pairs.map(|(text, instead)| (text.evaluate(ex), instead.evaluate(ex)));
    let pairs: Vec<_> = pairs.filter(|(text, _)| !text.is_empty()).collect();
    let Some(substituter) = Substituter::new(pairs, wanted.once) else {
        return;
    };
    if wanted.last_modified {
        draft.weaken_etag();
    } else {
        draft.forget_version();
    }
    draft.rewrite_body();
    draft.steps.push(Step::Substitute(Box::new(substituter)));
}

/// A body in which texts are looked for.
#[derive(Debug)]
pub(crate) struct Substituter {
    /// Those that are still looked for.
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    once: bool,
    /// Any of them: the leftmost, of those the first.
    any: Option<Regex>,
    longest: usize,
    held: Vec<u8>,
}

impl Substituter {
    fn new(pairs: Vec<(Vec<u8>, Vec<u8>)>, once: bool) -> Option<Self> {
        Some(Self {
            any: Some(any(&pairs)?),
            longest: longest(&pairs),
            pairs,
            once,
            held: Vec::new(),
        })
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(input);
        self.look(false, out);
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        self.look(true, out);
    }

    fn look(&mut self, ended: bool, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        while let Some(found) = self.any.as_ref().and_then(|any| any.captures_at(&held, at)) {
            let range = found.get(0).expect("the whole match").range();
            if !ended && range.start + self.longest > held.len() {
                // A longer text that begins here, or before, may still come.
                break;
            }
            let which = (1..found.len()).find(|&group| found.get(group).is_some());
            let which = which.expect("one of them was found") - 1;
            out.extend_from_slice(&held[at..range.start]);
            out.extend_from_slice(&self.pairs[which].1);
            at = range.end;
            if self.once {
                self.pairs.remove(which);
                self.any = any(&self.pairs);
                self.longest = longest(&self.pairs);
            }
        }
        let kept = if ended {
            0
        } else {
            self.longest.saturating_sub(1)
        };
        let end = held.len().saturating_sub(kept).max(at);
        out.extend_from_slice(&held[at..end]);
        self.held = held[end..].to_vec();
    }
}

fn longest(pairs: &[(Vec<u8>, Vec<u8>)]) -> usize {
    pairs.iter().map(|(text, _)| text.len()).max().unwrap_or(0)
}

fn any(pairs: &[(Vec<u8>, Vec<u8>)]) -> Option<Regex> {
    if pairs.is_empty() {
        return None;
    }
    let byte = |byte: &u8| format!("\\x{byte:02x}");
    let text =
        |(text, _): &(Vec<u8>, Vec<u8>)| format!("({})", text.iter().map(byte).collect::<String>());
    let all: Vec<_> = pairs.iter().map(text).collect();
    RegexBuilder::new(&all.join("|"))
        .case_insensitive(true)
        .unicode(false)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substitute(pairs: &[(&str, &str)], once: bool, input: &str, size: usize) -> String {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let pairs = pairs
            .iter()
            .map(|(text, instead)| (bytes(text), bytes(instead)))
            .collect();
        let mut substituter = Substituter::new(pairs, once).expect("texts");
        let mut out = Vec::new();
        for piece in input.as_bytes().chunks(size) {
            substituter.run(piece, &mut out);
        }
        substituter.end(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn texts_are_found_however_they_come() {
        /// Pairs, only once, text, what becomes of it.
        type Case<'a> = (&'a [(&'a str, &'a str)], bool, &'a str, &'a str);
        let table: [Case<'_>; 5] = [
            (&[("a.c", "<>")], false, "xA.cabca.c", "x<>abc<>"),
            (&[("a.c", "<>")], true, "xA.cabca.c", "x<>abca.c"),
            (&[("b", "1"), ("c", "2")], true, "abcbc", "a12bc"),
            (
                &[("cd", "1"), ("abcdef", "2")],
                false,
                "abcdef abcdex",
                "2 ab1ex",
            ),
            (&[("aa", "b")], false, "aaaaa", "bba"),
        ];
        for (pairs, once, input, expected) in table {
            for size in 1..=input.len() {
                let text = substitute(pairs, once, input, size);
                assert_eq!(text, expected, "{input} in pieces of {size}");
            }
        }
    }
}
