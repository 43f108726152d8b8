//! NumberConversion: numbers in English words, with the original's blank at the end of `NumberToWords`.

use super::Handlers;
use super::handler::{Decimal, Problem};

pub(super) fn handlers() -> Handlers {
    Handlers::default()
        .on("NumberToWords", number_to_words)
        .on("NumberToDollars", number_to_dollars)
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
/// An xs:unsignedLong ends among the quintillions.
const THOUSANDS: [&str; 7] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
];

fn number_to_words(number: u64) -> String {
    words(number) + " "
}

/// Rounded to cents; dollars beyond xs:unsignedLong are too many for words.
fn number_to_dollars(Decimal(text): Decimal) -> Result<String, Problem> {
    let negative = text.starts_with('-');
    let unsigned = text.trim_start_matches(['+', '-']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digit = |at: usize| {
        fraction
            .as_bytes()
            .get(at)
            .map_or(0, |d| u64::from(d - b'0'))
    };
    let cents = digit(0) * 10 + digit(1) + u64::from(digit(2) >= 5);
    let whole = whole.trim_start_matches('0');
    let dollars = if whole.is_empty() {
        Ok(0)
    } else {
        whole.parse::<u64>()
    };
    let dollars = dollars
        .ok()
        .and_then(|dollars| dollars.checked_add(cents / 100))
        .ok_or(Problem::Impossible(
            "dNum has more dollars than there are words for",
        ))?;
    let cents = cents % 100;
    let minus = if negative && dollars + cents > 0 {
        "minus "
    } else {
        ""
    };
    let mut said = format!("{minus}{} {}", words(dollars), plural("dollar", dollars));
    if cents > 0 {
        said += &format!(" and {} {}", words(cents), plural("cent", cents));
    }
    Ok(said)
}

fn plural(unit: &str, count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{unit}{s}")
}

fn words(number: u64) -> String {
    if number == 0 {
        return SMALL[0].to_owned();
    }
    let mut groups = Vec::new();
    let mut rest = number;
    for name in THOUSANDS {
        let group = rest % 1000;
        if group > 0 {
            let space = if name.is_empty() { "" } else { " " };
            groups.push(format!("{}{space}{name}", below_thousand(group)));
        }
        rest /= 1000;
    }
    groups.reverse();
    let last = number % 1000;
    if number > 1000 && (1..100).contains(&last) {
        // one thousand and one
        let tail = groups.pop().unwrap_or_default();
        groups.push(format!("and {tail}"));
    }
    groups.join(" ")
}

fn below_thousand(number: u64) -> String {
    match number {
        0..20 => small(number).to_owned(),
        20..100 if number.is_multiple_of(10) => tens(number).to_owned(),
        20..100 => format!("{} {}", tens(number), small(number % 10)),
        _ if number.is_multiple_of(100) => format!("{} hundred", small(number / 100)),
        _ => format!(
            "{} hundred and {}",
            small(number / 100),
            below_thousand(number % 100)
        ),
    }
}

fn small(number: u64) -> &'static str {
    SMALL[usize::try_from(number).expect("below twenty")]
}

fn tens(number: u64) -> &'static str {
    TENS[usize::try_from(number / 10).expect("below ten")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_the_original_says_them() {
        for (number, said) in [
            (0, "zero "),
            (500, "five hundred "),
            (234, "two hundred and thirty four "),
            (40, "forty "),
            (1001, "one thousand and one "),
            (
                1_234_567_890_123,
                "one trillion two hundred and thirty four billion five hundred and sixty seven million \
              eight hundred and ninety thousand one hundred and twenty three ",
            ),
        ] {
            assert_eq!(number_to_words(number), said);
        }
        assert!(number_to_words(u64::MAX).starts_with("eighteen quintillion "));
    }

    #[test]
    fn dollars_have_cents() {
        for (number, said) in [
            ("500", "five hundred dollars"),
            ("35", "thirty five dollars"),
            ("12.5", "twelve dollars and fifty cents"),
            ("-1.01", "minus one dollar and one cent"),
            ("+.999", "one dollar"),
            ("-0", "zero dollars"),
            ("0.5", "zero dollars and fifty cents"),
        ] {
            assert_eq!(number_to_dollars(Decimal(number.to_owned())).unwrap(), said);
        }
        let huge = Decimal("9".repeat(400));
        assert!(matches!(
            number_to_dollars(huge),
            Err(Problem::Impossible(_))
        ));
    }
}
