//! Numbers as decimal digits, straight into a buffer: the formatting machinery of the standard
//! library costs several times as much, and every answer and every log line holds a few numbers.

/// Appends `number`, with zeros before it up to `width` digits.
pub(crate) fn write(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let start = at.min(digits.len() - width.clamp(1, digits.len()));
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_written_as_the_standard_library_would() {
        for (number, width) in [
            (0, 0),
            (0, 3),
            (7, 1),
            (7, 3),
            (200, 3),
            (u64::MAX, 3),
            (10, 2),
        ] {
            let mut out = Vec::new();
            super::write(&mut out, number, width);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{number:0width$}"));
        }
    }
}
