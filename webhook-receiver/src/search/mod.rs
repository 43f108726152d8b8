//! Search, in webhook.site's language (Lucene's): `method:POST AND content:"opened"`, `created_at:[now-1d TO *]`,
//! `_exists_:headers.x-github-event`. A query is understood once and then asked about each event.

pub(crate) mod date;
mod fields;
mod parse;
mod pattern;
mod range;

pub use parse::Unreadable;

use crate::store::Event;
use pattern::Pattern;
use range::Range;

/// An understood query.
#[derive(Clone, Debug)]
pub struct Query(Expression);

#[derive(Clone, Debug)]
enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Test(String, Test),
}

/// What is asked about a field.
#[derive(Clone, Debug)]
enum Test {
    Like(Pattern),
    Within(Range),
    Exists,
}

impl Expression {
    fn and(mut terms: Vec<Self>) -> Self {
        if terms.len() == 1 {
            terms.remove(0)
        } else {
            Self::And(terms)
        }
    }

    fn or(mut terms: Vec<Self>) -> Self {
        if terms.len() == 1 {
            terms.remove(0)
        } else {
            Self::Or(terms)
        }
    }

    fn test(field: &str, test: Test) -> Self {
        Self::Test(field.to_owned(), test)
    }

    fn matches(&self, event: &Event) -> bool {
        match self {
            Self::And(terms) => terms.iter().all(|term| term.matches(event)),
            Self::Or(terms) => terms.iter().any(|term| term.matches(event)),
            Self::Not(term) => !term.matches(event),
            Self::Test(field, test) => holds(event, field, test),
        }
    }
}

impl Query {
    /// What every event matches.
    pub(crate) const fn any() -> Self {
        Self(Expression::And(Vec::new()))
    }

    pub(crate) fn matches(&self, event: &Event) -> bool {
        self.0.matches(event)
    }
}

/// A field with several values passes if one of them does.
fn holds(event: &Event, field: &str, test: &Test) -> bool {
    if let (Test::Within(range), Some(time)) = (test, fields::time(event, field)) {
        return range.holds_time(time);
    }
    let values = fields::values(event, field);
    match test {
        Test::Exists => !values.is_empty(),
        Test::Within(range) => values.iter().any(|value| range.holds(value)),
        Test::Like(pattern) if fields::is_whole(field) => {
            values.iter().any(|value| pattern.is(value))
        }
        Test::Like(pattern) => values.iter().any(|value| pattern.occurs_in(value)),
    }
}

#[cfg(test)]
mod tests;
