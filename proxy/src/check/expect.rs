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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fields: &str) -> ResponseHead {
        let mut head = ResponseHead::default();
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        assert_eq!(head.parse(text.as_bytes()), Ok(Some(text.len())));
        head
    }

    fn statuses(ranges: &[(u16, u16)], negated: bool) -> Expected {
        let ranges = ranges.to_vec();
        Expected {
            statuses: vec![Statuses { ranges, negated }],
            ..Expected::default()
        }
    }

    fn header(test: HeaderTest) -> Expected {
        let name = "x-state".to_owned();
        Expected {
            headers: vec![Header { name, test }],
            ..Expected::default()
        }
    }

    fn passes(expected: &Expected, fields: &str) -> bool {
        expected.objection(&answer(fields), b"").is_none()
    }

    #[test]
    fn a_status_is_in_a_range_or_is_not() {
        for (ranges, negated, holds) in [
            (&[(200, 200)][..], false, true),
            (&[(200, 299)], true, false),
            (&[(301, 303), (200, 200)], false, true),
            (&[(201, 599)], false, false),
            (&[(500, 599)], true, true),
        ] {
            let expected = statuses(ranges, negated);
            assert_eq!(passes(&expected, ""), holds, "{ranges:?} {negated}");
        }
        let objection = statuses(&[(204, 204)], false).objection(&answer(""), b"");
        assert_eq!(objection.unwrap(), "status 200");
    }

    #[test]
    fn a_header_is_there_and_has_a_value_or_not() {
        let regex = || Regex::new("^ok").unwrap();
        let (none, ok, bad) = ("", "X-State: ok\r\n", "X-State: bad\r\n");
        let both = "X-State: bad\r\nX-State: ok\r\n";
        for (test, holds) in [
            (HeaderTest::There, [false, true, true, true]),
            (HeaderTest::Missing, [true, false, false, false]),
            (HeaderTest::Is("ok".to_owned()), [false, true, false, true]),
            (
                HeaderTest::IsNot("ok".to_owned()),
                [false, false, true, false],
            ),
            (HeaderTest::Matches(regex()), [false, true, false, true]),
            (HeaderTest::MatchesNot(regex()), [false, false, true, false]),
        ] {
            let expected = header(test);
            let found = [none, ok, bad, both].map(|fields| passes(&expected, fields));
            assert_eq!(found, holds, "{expected:?}");
        }
    }

    #[test]
    fn all_tests_have_to_hold() {
        let body = |negated| PatternInBody {
            pattern: Regex::new("well").unwrap(),
            negated,
        };
        let expected = |bodies| Expected {
            bodies,
            ..statuses(&[(200, 200)], false)
        };
        let objection = |bodies, text| expected(bodies).objection(&answer(""), text);
        assert_eq!(objection(vec![body(false)], b"all is well"), None);
        assert!(objection(vec![body(false)], b"oh").is_some());
        assert!(objection(vec![body(false), body(true)], b"all is well").is_some());
    }
}
