//! The values that nginx's directives take: flags, numbers, sizes and times, with its units and
//! its error wording.

use std::time::Duration;

use super::syntax::{Arg, ConfigError, Directive};

fn invalid(directive: &Directive) -> ConfigError {
    directive.error(format!("\"{}\" directive invalid value", directive.name))
}

/// The only argument of a directive whose table entry promises one.
pub(crate) fn only(directive: &Directive) -> Result<&Arg, ConfigError> {
    directive.args.first().ok_or_else(|| invalid(directive))
}

pub(crate) fn flag(directive: &Directive) -> Result<bool, ConfigError> {
    match only(directive)?.text.as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(directive.error(format!(
            "invalid value \"{other}\" in \"{}\" directive, it must be \"on\" or \"off\"",
            directive.name
        ))),
    }
}

pub(crate) fn number(directive: &Directive) -> Result<usize, ConfigError> {
    let text = &only(directive)?.text;
    text.parse().map_err(|_| directive.error("invalid number"))
}

pub(crate) fn size(directive: &Directive) -> Result<u64, ConfigError> {
    parse_size(&only(directive)?.text).ok_or_else(|| invalid(directive))
}

pub(crate) fn time(directive: &Directive) -> Result<Duration, ConfigError> {
    parse_time(&only(directive)?.text).ok_or_else(|| invalid(directive))
}

/// The local address of `proxy_bind` and its like; `off` is none.
pub(crate) fn bind<'a>(
    scope: &super::scope::Scope<'a>,
    name: &'static str,
) -> Result<Option<&'a Arg>, ConfigError> {
    let Some(directive) = scope.find(name) else {
        return Ok(None);
    };
    if let Some(arg) = directive.args.get(1) {
        return Err(arg.error(match arg.text.as_str() {
            "transparent" => {
                "the \"transparent\" parameter is not implemented by this proxy".to_owned()
            }
            other => format!("invalid parameter \"{other}\""),
        }));
    }
    only(directive).map(|arg| Some(arg).filter(|arg| arg.text != "off"))
}

/// Bytes: digits with an optional `k`, `m` or `g` in either case.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Time: `ms s m h d w M y`, largest first, each once; a bare number is seconds.
pub(crate) fn parse_time(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 8] = [
        ("y", 31_536_000_000),
        ("M", 2_592_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let (mut rest, mut total, mut allowed) = (text.trim(), 0_u64, &UNITS[..]);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = if letters == 0 { "s" } else { &rest[..letters] };
        let at = allowed.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(value.checked_mul(allowed[at].1)?)?;
        allowed = &allowed[at + 1..];
        rest = rest[letters..].trim_start();
    }
    Some(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_nginx_units() {
        assert_eq!(parse_size("16"), Some(16));
        assert_eq!(parse_size("8k"), Some(8192));
        assert_eq!(parse_size("1M"), Some(1 << 20));
        for bad in ["", "k", "-1", "1.5k", "8kb", "99999999999999999999g"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
        assert_eq!(parse_time("75"), Some(Duration::from_secs(75)));
        assert_eq!(parse_time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_time("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_time("1h30m"), Some(Duration::from_secs(5400)));
        for bad in ["", "s", "1x", "30m 1h", "1s1s", "-1s"] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
