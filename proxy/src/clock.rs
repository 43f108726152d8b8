//! The time of day in the three forms that HTTP and logs need, made at most once a second on
//! each thread (RFC 9110 section 5.6.7 for `Date`).

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: u64,
    http: String,
    local: String,
    iso8601: String,
    syslog: String,
}

impl Clock {
    pub(crate) fn http(&self) -> &str {
        &self.http
    }

    pub(crate) fn local(&self) -> &str {
        &self.local
    }

    pub(crate) fn iso8601(&self) -> &str {
        &self.iso8601
    }

    /// `Nov 27 18:30:00`, as RFC 3164 writes it.
    pub(crate) fn syslog(&self) -> &str {
        &self.syslog
    }

    fn update(&mut self, second: u64) {
        let date = Date::of(second);
        let Date {
            year,
            month,
            day,
            hour,
            minute,
            second: s,
            ..
        } = date;
        self.second = second;
        self.http = http_date(second);
        // The lab's containers and logs keep UTC, so its offset is +0000.
        let name = MONTHS[month as usize - 1];
        self.local = format!("{day:02}/{name}/{year}:{hour:02}:{minute:02}:{s:02} +0000");
        self.syslog = format!("{name} {day:2} {hour:02}:{minute:02}:{s:02}");
        self.iso8601 = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{s:02}+00:00");
    }
}

thread_local! {
    static CLOCK: RefCell<Clock> = RefCell::default();
}

pub(crate) fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Shows the current second's texts.
pub(crate) fn with<T>(read: impl FnOnce(&Clock) -> T) -> T {
    let second = since_epoch().as_secs();
    CLOCK.with_borrow_mut(|clock| {
        if clock.second != second {
            clock.update(second);
        }
        read(clock)
    })
}

/// `2026/11/23 18:30:00`, as error logs begin.
pub(crate) fn error_log_time() -> String {
    let Date {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Date::of(since_epoch().as_secs());
    format!("{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-23T18:30:00Z`, as the status API writes times.
pub(crate) fn utc(epoch: u64) -> String {
    let Date {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Date::of(epoch);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `Mon, 23 Nov 2026 18:30:00 GMT`.
pub(crate) fn http_date(epoch: u64) -> String {
    let Date {
        year,
        month,
        day,
        weekday,
        hour,
        minute,
        second,
    } = Date::of(epoch);
    let month = MONTHS[month as usize - 1];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// `Mon, 23-Nov-26 18:30:00 GMT`, as cookies have it in nginx; four digits where two would be misread.
pub(crate) fn cookie_date(epoch: u64) -> String {
    let Date {
        year,
        month,
        day,
        weekday,
        hour,
        minute,
        second,
    } = Date::of(epoch);
    let month = MONTHS[month as usize - 1];
    let year = if year > 2037 { year } else { year % 100 };
    format!("{weekday}, {day:02}-{month}-{year:02} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads an IMF-fixdate; the obsolete forms are not worth their risk here.
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|&m| m == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut time = words
        .next()?
        .splitn(3, ':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let valid = (1970..10_000).contains(&year) && (1..=31).contains(&day) && hour < 24;
    let days = valid.then(|| days_since_epoch(year, month, day))?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

struct Date {
    year: u64,
    month: u64,
    day: u64,
    weekday: &'static str,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Date {
    /// The civil calendar from days since 1970: years start in March, so that the leap day is a
    /// year's last day and months follow one formula.
    fn of(epoch: u64) -> Self {
        let days = epoch / 86_400;
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: DAYS[(days % 7) as usize],
            hour: epoch / 3600 % 24,
            minute: epoch / 60 % 60,
            second: epoch % 60,
        }
    }
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let (year, march_month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_survive_the_way_there_and_back() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        for epoch in [0, 784_111_777, 951_782_400, 1_795_458_600, 4_102_444_799] {
            assert_eq!(parse_http_date(&http_date(epoch)), Some(epoch));
        }
        for bad in [
            "",
            "yesterday",
            "Sun, 06 Nev 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994",
        ] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }
}
