//! Bars of text, to an eighth of a character.

const WIDTH: usize = 30;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar that fills its column at `share` 1.
pub(super) fn bar(share: f64) -> String {
    let eighths = (share.clamp(0.0, 1.0) * (WIDTH * 8) as f64).round() as usize;
    let text = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    format!("{text:<WIDTH$}")
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0.0), " ".repeat(30));
        assert_eq!(bar(1.0), "█".repeat(30));
        assert_eq!(bar(0.375).trim_end(), "█".repeat(11) + "▎");
        assert_eq!(bar(f64::NAN).chars().count(), 30);
    }
}
