//! Dates with arithmetic: `now-7d`, `now-1h/d`, `2001.02.01||+1M/d`, `2022-01-01 00:00:00`. UTC throughout.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit};

/// Which end of an imprecise time is meant: `2022-01-01` begins or ends a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    First,
    Last,
}

/// More steps than anybody writes.
const STEPS: usize = 16;

/// The time that `text` means at `now`; None if it is no date.
pub(crate) fn parse(text: &str, now: Timestamp, edge: Edge) -> Option<Timestamp> {
    let text = text.trim();
    let here = TimeZone::UTC.to_datetime(now);
    let (anchor, unit, steps) = match (text.strip_prefix("now"), text.split_once("||")) {
        (Some(steps), _) => (here, None, steps),
        (None, Some((date, steps))) => (written(date)?.0, None, steps),
        (None, None) => {
            let (anchor, unit) = written(text)?;
            (anchor, Some(unit), "")
        }
    };
    let mut time = stepped(anchor, steps, edge)?;
    if let (Some(unit), Edge::Last) = (unit, edge) {
        time = end_of(time, unit)?;
    }
    TimeZone::UTC.to_timestamp(time).ok()
}

/// A date as people write it, and how precise it is.
fn written(text: &str) -> Option<(DateTime, Unit)> {
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = text
        .split_once([' ', 'T'])
        .map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split(['-', '.', '/']);
    let mut part = |digits: usize| match parts.next() {
        None => Some(None),
        Some(part) if (1..=digits).contains(&part.len()) => part.parse::<i16>().ok().map(Some),
        Some(_) => None,
    };
    let (year, month, day) = (part(4)??, part(2)?, part(2)?);
    let small = |part: Option<i16>| i8::try_from(part.unwrap_or(1)).ok();
    let date = Date::new(year, small(month)?, small(day)?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    let Some(time) = time else {
        let unit = match (month, day) {
            (None, _) => Unit::Year,
            (Some(_), None) => Unit::Month,
            (Some(_), Some(_)) => Unit::Day,
        };
        return Some((date.to_datetime(Time::midnight()), unit));
    };
    let unit = match (time.matches(':').count(), time.contains('.')) {
        (0, _) => Unit::Hour,
        (1, _) => Unit::Minute,
        (_, false) => Unit::Second,
        (_, true) => Unit::Microsecond,
    };
    let padded = if unit == Unit::Hour {
        format!("{time}:00")
    } else {
        time.to_owned()
    };
    Some((date.to_datetime(padded.parse().ok()?), unit))
}

/// `+1h-1d/d`, from left to right.
fn stepped(mut time: DateTime, mut steps: &str, edge: Edge) -> Option<DateTime> {
    for _ in 0..STEPS {
        let Some(sign) = steps.chars().next() else {
            return Some(time);
        };
        steps = &steps[sign.len_utf8()..];
        let digits = steps
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(steps.len());
        let (number, rest) = steps.split_at(digits);
        let unit = unit(rest.chars().next()?)?;
        steps = &rest[1..]; // units are one ASCII letter
        let number: i64 = if number.is_empty() {
            1
        } else {
            number.parse().ok()?
        };
        time = match sign {
            '+' => time.checked_add(span(unit, number)?).ok()?,
            '-' => time.checked_sub(span(unit, number)?).ok()?,
            '/' if digits == 0 => match edge {
                Edge::First => start_of(time, unit)?,
                Edge::Last => end_of(time, unit)?,
            },
            _ => return None,
        };
    }
    None
}

fn unit(letter: char) -> Option<Unit> {
    Some(match letter {
        'y' => Unit::Year,
        'M' => Unit::Month,
        'w' => Unit::Week,
        'd' => Unit::Day,
        'h' | 'H' => Unit::Hour,
        'm' => Unit::Minute,
        's' => Unit::Second,
        _ => return None,
    })
}

fn span(unit: Unit, number: i64) -> Option<Span> {
    let none = Span::new();
    let span = match unit {
        Unit::Year => none.try_years(number),
        Unit::Month => none.try_months(number),
        Unit::Week => none.try_weeks(number),
        Unit::Day => none.try_days(number),
        Unit::Hour => none.try_hours(number),
        Unit::Minute => none.try_minutes(number),
        Unit::Second => none.try_seconds(number),
        _ => none.try_microseconds(number),
    };
    span.ok()
}

fn start_of(time: DateTime, unit: Unit) -> Option<DateTime> {
    let date = time.date();
    let midnight = |date: Date| Some(date.to_datetime(Time::midnight()));
    match unit {
        Unit::Year => midnight(date.first_of_year()),
        Unit::Month => midnight(date.first_of_month()),
        Unit::Week => {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            midnight(date.checked_sub(span(Unit::Day, back)?).ok()?)
        }
        Unit::Day => midnight(date),
        Unit::Hour => time
            .with()
            .minute(0)
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .ok(),
        Unit::Minute => time.with().second(0).subsec_nanosecond(0).build().ok(),
        _ => time.with().subsec_nanosecond(0).build().ok(),
    }
}

/// The last microsecond of the unit that `time` is in.
fn end_of(time: DateTime, unit: Unit) -> Option<DateTime> {
    if unit < Unit::Second {
        return Some(time);
    }
    let next = start_of(time, unit)?.checked_add(span(unit, 1)?).ok()?;
    next.checked_sub(span(Unit::Microsecond, 1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_their_arithmetic() {
        let now: Timestamp = "2022-03-15T10:20:30.5Z".parse().unwrap();
        for (text, edge, expected) in [
            ("now", Edge::First, "2022-03-15T10:20:30.5Z"),
            ("now-7d", Edge::First, "2022-03-08T10:20:30.5Z"),
            ("now-1h/d", Edge::First, "2022-03-15T00:00:00Z"),
            ("now-1h/d", Edge::Last, "2022-03-15T23:59:59.999999Z"),
            ("now+1h-1d", Edge::First, "2022-03-14T11:20:30.5Z"),
            ("now/w", Edge::First, "2022-03-14T00:00:00Z"),
            ("now/M", Edge::Last, "2022-03-31T23:59:59.999999Z"),
            ("2001.02.01||+1M/d", Edge::First, "2001-03-01T00:00:00Z"),
            ("2022-01-31||+1M", Edge::First, "2022-02-28T00:00:00Z"),
            ("2022-01-01", Edge::First, "2022-01-01T00:00:00Z"),
            ("2022-01-01", Edge::Last, "2022-01-01T23:59:59.999999Z"),
            ("2022-02", Edge::Last, "2022-02-28T23:59:59.999999Z"),
            ("2022", Edge::Last, "2022-12-31T23:59:59.999999Z"),
            ("2022-01-01 10:00:00", Edge::First, "2022-01-01T10:00:00Z"),
            (
                "2022-01-01T10:00:00Z",
                Edge::Last,
                "2022-01-01T10:00:00.999999Z",
            ),
            ("2022-01-01 10", Edge::First, "2022-01-01T10:00:00Z"),
            (
                "2022-01-01 10:30",
                Edge::Last,
                "2022-01-01T10:30:59.999999Z",
            ),
        ] {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(parse(text, now, edge), Some(expected), "{text} {edge:?}");
        }
    }

    #[test]
    fn nonsense_is_no_date() {
        let now = Timestamp::UNIX_EPOCH;
        for text in [
            "",
            "nowhere",
            "now-",
            "now-7",
            "now-7x",
            "now/7d",
            "now*1d",
            "2022-13-01",
            "2022-01-01-01",
            "tomorrow",
            "now+99999999999999999999d",
            "now+9999999y",
            "12345-01-01",
            "||",
            "2022-01-01 25:00",
            "now+1\u{e9}",
        ] {
            assert_eq!(parse(text, now, Edge::First), None, "{text}");
        }
        let many = format!("now{}", "+1d".repeat(100));
        assert_eq!(parse(&many, now, Edge::First), None);
    }
}
