//! TempConvert: degrees as strings, because the original takes strings; what is no number is the answer `Error`.

use super::Handlers;
use super::handler::{Answer, Problem};

pub(super) fn handlers() -> Handlers {
    Handlers::default()
        .on("FahrenheitToCelsius", fahrenheit_to_celsius)
        .on("CelsiusToFahrenheit", celsius_to_fahrenheit)
}

fn fahrenheit_to_celsius(fahrenheit: Option<String>) -> Result<String, Problem> {
    Ok(shown((degrees(fahrenheit)? - 32.0) * 5.0 / 9.0))
}

fn celsius_to_fahrenheit(celsius: Option<String>) -> Result<String, Problem> {
    Ok(shown(degrees(celsius)? * 9.0 / 5.0 + 32.0))
}

fn degrees(text: Option<String>) -> Result<f64, Problem> {
    let text = text.unwrap_or_default();
    let trimmed = text.trim();
    // Rust would also read "inf" and "nan".
    let numeric = trimmed
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let parsed = trimmed
        .parse()
        .ok()
        .filter(|number: &f64| numeric && number.is_finite());
    parsed.ok_or_else(|| Problem::NotFound {
        what: "temperature",
        key: text.chars().take(40).collect(),
        in_band: "Error".into_value(),
    })
}

/// As .NET writes a double: up to 15 digits, `23.8888888888889`.
fn shown(number: f64) -> String {
    let scientific = format!("{number:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-5..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or_default();
        let plain = format!("{number:.decimals$}");
        let plain = match plain.contains('.') {
            true => plain.trim_end_matches('0').trim_end_matches('.'),
            false => &plain,
        };
        return if plain == "-0" {
            "0".to_owned()
        } else {
            plain.to_owned()
        };
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_written_as_the_original_writes_them() {
        let celsius = |text: &str| fahrenheit_to_celsius(Some(text.to_owned())).unwrap();
        for (fahrenheit, expected) in [
            ("75", "23.8888888888889"),
            (" 32 ", "0"),
            ("-40", "-40"),
            ("100", "37.7777777777778"),
            ("1e20", "5.55555555555556E+19"),
        ] {
            assert_eq!(celsius(fahrenheit), expected, "{fahrenheit}");
        }
        assert_eq!(celsius_to_fahrenheit(Some("20".to_owned())).unwrap(), "68");
    }

    #[test]
    fn what_is_no_number_is_a_problem() {
        for text in ["abc", "", "nan", "inf", "1e999", "1,5"] {
            let answer = celsius_to_fahrenheit(Some(text.to_owned()));
            assert!(matches!(answer, Err(Problem::NotFound { .. })), "{text}");
        }
        assert!(celsius_to_fahrenheit(None).is_err());
    }
}
