//! `date_local` and `date_gmt`, written as `timefmt` says.

use jiff::{Timestamp, ZonedDateTime, fmt::strtime, tz::TimeZone};

pub(crate) const DEFAULT: &[u8] = b"%A, %d-%b-%Y %H:%M:%S %Z";

pub(crate) fn local(format: &[u8]) -> Option<Vec<u8>> {
    write(
        format,
        &Timestamp::now().to_zoned_datetime(TimeZone::system()),
    )
}

pub(crate) fn gmt(format: &[u8]) -> Option<Vec<u8>> {
    // The zone's name as HTTP has it.
    let format = String::from_utf8_lossy(format).replace("%Z", "GMT");
    write(
        format.as_bytes(),
        &Timestamp::now().to_zoned_datetime(TimeZone::UTC),
    )
}

/// What strftime would refuse has no value.
fn write(format: &[u8], time: &ZonedDateTime) -> Option<Vec<u8>> {
    strtime::format(format, time).ok().map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_asked() {
        let time: ZonedDateTime = "2026-11-27T18:35:09[UTC]".parse().expect("a time");
        let text =
            |format: &[u8]| write(format, &time).map(|text| String::from_utf8(text).expect("text"));
        assert_eq!(
            text(DEFAULT).as_deref(),
            Some("Friday, 27-Nov-2026 18:35:09 UTC")
        );
        assert_eq!(text(b"%s").as_deref(), Some("1795804509"));
        assert_eq!(text(b"%"), None);
    }
}
