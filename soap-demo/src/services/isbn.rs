//! ISBNService: is the last digit the check digit of the others? Hyphens and blanks between digits don't count.

use super::Handlers;

pub(super) fn handlers() -> Handlers {
    Handlers::default()
        .on("IsValidISBN13", is_valid_isbn13)
        .on("IsValidISBN10", is_valid_isbn10)
}

/// Weights 1 and 3 in turn, sum divisible by 10; all ISBNs begin with 978 or 979.
#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers own their arguments"
)]
fn is_valid_isbn13(isbn: String) -> bool {
    let digits = digits(&isbn);
    let sum: u32 = std::iter::zip(&digits, [1, 3].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits.len() == 13
        && matches!(digits[..], [9, 7, 8 | 9, ..])
        && digits.iter().all(|&digit| digit < 10)
        && sum.is_multiple_of(10)
}

/// Weights 10 down to 1, sum divisible by 11; the last may be X for ten.
#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers own their arguments"
)]
fn is_valid_isbn10(isbn: String) -> bool {
    let digits = digits(&isbn);
    let sum: u32 = std::iter::zip(&digits, (1..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits.len() == 10 && digits[..9].iter().all(|&digit| digit < 10) && sum.is_multiple_of(11)
}

/// X is ten, and whatever else is no digit makes the number invalid.
fn digits(isbn: &str) -> Vec<u32> {
    const NO_DIGIT: u32 = 1000;
    let value = |c: char| match c {
        'X' | 'x' => 10,
        _ => c.to_digit(10).unwrap_or(NO_DIGIT),
    };
    let counted = isbn.chars().filter(|c| !matches!(c, '-' | ' '));
    let digits: Vec<u32> = counted.take(14).map(value).collect();
    if digits.contains(&NO_DIGIT) {
        Vec::new()
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        for (isbn, valid) in [
            ("978-1-4612-9090-2", true),
            ("978 1461290902", true),
            ("978-1-4612-9090-3", false),
            ("977-1-4612-9090-5", false),
            ("978-1-4612-9090", false),
            ("978-1-4612-9090-22", false),
            ("", false),
            ("abc", false),
        ] {
            assert_eq!(is_valid_isbn13(isbn.to_owned()), valid, "{isbn}");
        }
        for (isbn, valid) in [
            ("0-19-852663-6", true),
            ("0-8044-2957-X", true),
            ("0-19-852663-7", false),
            ("X-19-852663-6", false),
            ("0-19-85266é-6", false),
        ] {
            assert_eq!(is_valid_isbn10(isbn.to_owned()), valid, "{isbn}");
        }
    }
}
