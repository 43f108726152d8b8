//! Ranges: between two dates, two numbers or two texts, as the field has it.

use jiff::Timestamp;

use super::date::{self, Edge};
use super::parse::Unreadable;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Range {
    Time(Ends<Timestamp>),
    Number(Ends<f64>),
    Text(Ends<String>),
}

/// Two ends; each may be missing, and may count or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ends<T> {
    from: Option<(T, bool)>,
    to: Option<(T, bool)>,
}

impl<T: PartialOrd> Ends<T> {
    fn holds(&self, value: &T) -> bool {
        let above = |(end, open): &(T, bool)| if *open { value > end } else { value >= end };
        let below = |(end, open): &(T, bool)| if *open { value < end } else { value <= end };
        self.from.as_ref().is_none_or(above) && self.to.as_ref().is_none_or(below)
    }
}

impl Range {
    /// Each end is its text and whether it is left out itself; `*` is no end.
    pub(super) fn new(
        field: &str,
        (from, open_from): (&str, bool),
        (to, open_to): (&str, bool),
        now: Timestamp,
    ) -> Result<Self, Unreadable> {
        let given = |text: &str| {
            let text = text.trim().trim_matches('"');
            (text != "*").then(|| text.to_owned())
        };
        let (from, to) = (given(from), given(to));
        if matches!(field, "created_at" | "updated_at") {
            let time = |text: Option<String>, edge, open| match text {
                None => Ok(None),
                Some(text) => match date::parse(&text, now, edge) {
                    Some(time) => Ok(Some((time, open))),
                    None => Err(Unreadable::Date(text)),
                },
            };
            // "After the 1st" begins when the 1st is over, "before the 1st" ends when it begins.
            let edges = (
                if open_from { Edge::Last } else { Edge::First },
                if open_to { Edge::First } else { Edge::Last },
            );
            let (from, to) = (time(from, edges.0, open_from)?, time(to, edges.1, open_to)?);
            return Ok(Self::Time(Ends { from, to }));
        }
        let number =
            |text: &Option<String>| text.as_ref().map(|text| text.parse::<f64>()).transpose();
        if let (Ok(from), Ok(to)) = (number(&from), number(&to)) {
            let (from, to) = (
                from.map(|end| (end, open_from)),
                to.map(|end| (end, open_to)),
            );
            return Ok(Self::Number(Ends { from, to }));
        }
        let lower = |text: Option<String>, open| text.map(|text| (text.to_lowercase(), open));
        Ok(Self::Text(Ends {
            from: lower(from, open_from),
            to: lower(to, open_to),
        }))
    }

    pub(super) fn holds_time(&self, value: Timestamp) -> bool {
        matches!(self, Self::Time(ends) if ends.holds(&value))
    }

    pub(super) fn holds(&self, value: &str) -> bool {
        match self {
            Self::Time(_) => false,
            Self::Number(ends) => value.trim().parse().is_ok_and(|value| ends.holds(&value)),
            Self::Text(ends) => ends.holds(&value.to_lowercase()),
        }
    }
}
