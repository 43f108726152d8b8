//! Numbers as people read them.

/// `0 ms`, `0.42 ms`, `12.3 ms`, `1.20 s`.
pub(super) fn millis(ms: f64) -> String {
    match ms {
        0.0 => "0 ms".into(),
        _ if ms < 10.0 => format!("{ms:.2} ms"),
        _ if ms < 100.0 => format!("{ms:.1} ms"),
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.2} s", ms / 1000.0),
    }
}

/// `512 B`, `20.1 kB`, `1.5 MB`.
pub(super) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" {
                format!("{count} B")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `1 request`, `2 requests`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{bytes, counted, millis};

    #[test]
    fn numbers_keep_three_digits_and_a_unit() {
        assert_eq!(
            [millis(0.4217), millis(12.34), millis(123.4), millis(1204.0)],
            ["0.42 ms", "12.3 ms", "123 ms", "1.20 s"]
        );
        assert_eq!(
            [bytes(0), bytes(999), bytes(20_100), bytes(1_500_000)],
            ["0 B", "999 B", "20.1 kB", "1.5 MB"]
        );
        assert_eq!(
            [counted(1, "request"), counted(0, "request")],
            ["1 request", "0 requests"]
        );
    }
}
