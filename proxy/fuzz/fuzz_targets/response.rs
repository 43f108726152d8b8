//! The load tester's answers: a server may send anything, and the same bytes mean the same however they arrive.

#![no_main]

use load_tester::response::{BadResponse, ResponseParser};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = read([bytes]);
    assert_eq!(whole, read(bytes.chunks(1)));
    let cut = usize::from(first).min(bytes.len());
    assert_eq!(whole, read([&bytes[..cut], &bytes[cut..]]));
});

/// Status, length and completeness of the first answer in these bytes, and how many of them it took.
fn read<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(u16, u64, bool, usize), BadResponse> {
    let mut parser = ResponseParser::new(false);
    let (mut unused, mut used) = (Vec::new(), 0);
    for part in parts {
        unused.extend_from_slice(part);
        let count = parser.feed(&unused)?;
        unused.drain(..count);
        used += count;
    }
    Ok((
        parser.status(),
        parser.body().length(),
        parser.is_complete(),
        used,
    ))
}
