//! `match`: what the answer to a check has to be like. Pure: takes an answer, says what is wrong with it.

use regex::bytes::Regex;

use crate::http1::ResponseHead;

/// Of a body only so much is looked at, as in nginx.
pub(crate) const MOST_BODY: usize = 256 * 1024;

/// All of these have to hold.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) statuses: Vec<Statuses>,
    pub(crate) headers: Vec<Header>,
    pub(crate) bodies: Vec<PatternInBody>,
}

#[derive(Debug)]
pub(crate) struct Statuses {
    /// From the first to the last.
    pub(crate) ranges: Vec<(u16, u16)>,
    pub(crate) negated: bool,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) test: HeaderTest,
}

#[derive(Debug)]
pub(crate) enum HeaderTest {
    There,
    Missing,
    Is(String),
    IsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

#[derive(Debug)]
pub(crate) struct PatternInBody {
    pub(crate) pattern: Regex,
    pub(crate) negated: bool,
}

impl Expected {
    pub(crate) fn needs_body(&self) -> bool {
        !self.bodies.is_empty()
    }

    /// What is wrong with the answer, in words; `None` if it passes.
    pub(crate) fn objection(&self, answer: &ResponseHead, body: &[u8]) -> Option<String> {
        if !self
            .statuses
            .iter()
            .all(|wanted| wanted.holds(answer.status))
        {
            return Some(format!("status {}", answer.status));
        }
        if let Some(header) = self.headers.iter().find(|header| !header.holds(answer)) {
            return Some(format!("header {:?} is not as it should be", header.name));
        }
        let fits = |wanted: &PatternInBody| wanted.pattern.is_match(body) != wanted.negated;
        (!self.bodies.iter().all(fits)).then(|| "the body is not as it should be".to_owned())
    }
}

/// Without a `match`: 2xx or 3xx.
pub(crate) fn default_objection(answer: &ResponseHead) -> Option<String> {
    (!matches!(answer.status, 200..=399)).then(|| format!("status {}", answer.status))
}

impl Statuses {
    fn holds(&self, status: u16) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&status)) != self.negated
    }
}

impl Header {
    /// Of a field that comes twice, one line has to fit; for what must not be, none may.
    fn holds(&self, answer: &ResponseHead) -> bool {
        let mut values = answer
            .head
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(self.name.as_bytes()))
            .map(|header| header.value)
            .peekable();
        let is_there = values.peek().is_some();
        match &self.test {
            HeaderTest::There => is_there,
            HeaderTest::Missing => !is_there,
            HeaderTest::Is(wanted) => values.any(|value| value == wanted.as_bytes()),
            HeaderTest::IsNot(other) => is_there && values.all(|value| value != other.as_bytes()),
            HeaderTest::Matches(pattern) => values.any(|value| pattern.is_match(value)),
            HeaderTest::MatchesNot(pattern) => {
                is_there && values.all(|value| !pattern.is_match(value))
            }
        }
    }
}
