//! The path of a request: percent-decoded, slashes merged, dot segments removed (RFC 3986
//! section 5.2.4), so that `/a/%2e%2e/b` can't slip past a `location /a/`.

type Parts = (Vec<u8>, Vec<u8>, bool);

/// Takes path and query as sent; hands on the decoded path, the query as sent, and whether the
/// target may be passed on unchanged. `Err` is a path that is not one.
pub(crate) fn normalize(target: &[u8], merge_slashes: bool) -> Result<Parts, ()> {
    let target = match target.iter().position(|&b| b == b'#') {
        Some(fragment) => &target[..fragment],
        None => target,
    };
    let (raw, args) = match target.iter().position(|&b| b == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[][..]),
    };
    if raw.is_empty() {
        return Ok((b"/".to_vec(), args.to_vec(), false));
    }
    if is_plain(raw) {
        return Ok((raw.to_vec(), args.to_vec(), true));
    }
    let decoded = decode(raw)?;
    Ok((resolve(&decoded, merge_slashes)?, args.to_vec(), true))
}

/// Nothing to decode, to merge or to resolve: nearly every path.
fn is_plain(path: &[u8]) -> bool {
    !path.contains(&b'%') && !path.windows(2).any(|w| w == b"//" || w == b"/.")
}

fn decode(raw: &[u8]) -> Result<Vec<u8>, ()> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|&b| char::from(b).to_digit(16))
                .ok_or(())
        };
        let value = u8::try_from(digit()? << 4 | digit()?).map_err(|_| ())?;
        if value == 0 {
            return Err(());
        }
        decoded.push(value);
    }
    Ok(decoded)
}

fn resolve(path: &[u8], merge_slashes: bool) -> Result<Vec<u8>, ()> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut segments = path.split(|&b| b == b'/').peekable();
    segments.next(); // before the first slash
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => {
                if last {
                    out.push(b'/');
                }
            }
            b".." => {
                let parent = out.iter().rposition(|&b| b == b'/').ok_or(())?;
                out.truncate(parent);
                if last {
                    out.push(b'/');
                }
            }
            b"" if merge_slashes && !last => {}
            b"" if merge_slashes && out.ends_with(b"/") => {}
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    Ok(out)
}

/// Encodes what must not stand in a request target as it is.
pub(crate) fn escape_path(path: &[u8], out: &mut Vec<u8>) {
    for &byte in path {
        match byte {
            0..=b' '
            | b'"'
            | b'#'
            | b'%'
            | b'<'
            | b'>'
            | b'?'
            | b'\\'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | 0x7f.. => {
                let hex = b"0123456789ABCDEF";
                out.extend_from_slice(&[
                    b'%',
                    hex[usize::from(byte >> 4)],
                    hex[usize::from(byte & 15)],
                ]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_merged_and_resolved() {
        let table = [
            ("/", Some("/")),
            ("/a/b", Some("/a/b")),
            ("/a//b///c", Some("/a/b/c")),
            ("/a/", Some("/a/")),
            ("/a//", Some("/a/")),
            ("/a/./b", Some("/a/b")),
            ("/a/.", Some("/a/")),
            ("/a/..", Some("/")),
            ("/a/../b", Some("/b")),
            ("/a/%2e%2e/b", Some("/b")),
            ("/a/%2E%2e", Some("/")),
            ("/a/b/../..", Some("/")),
            ("/..a/.b", Some("/..a/.b")),
            ("/%41%20", Some("/A ")),
            ("/..", None),
            ("/a/../..", None),
            ("/%", None),
            ("/%4", None),
            ("/%zz", None),
            ("/%00", None),
        ];
        for (path, expected) in table {
            let got = normalize(path.as_bytes(), true).ok().map(|parts| parts.0);
            assert_eq!(got.as_deref(), expected.map(str::as_bytes), "{path}");
        }
        assert_eq!(
            normalize(b"/a//b", false),
            Ok((b"/a//b".to_vec(), vec![], true))
        );
        assert_eq!(
            normalize(b"/a?b=%zz#c", true),
            Ok((b"/a".to_vec(), b"b=%zz".to_vec(), true))
        );
    }

    #[test]
    fn escaping_undoes_decoding() {
        let mut out = Vec::new();
        escape_path(b"/a b%\xc3\xa4?", &mut out);
        assert_eq!(out, b"/a%20b%25%C3%A4%3F");
    }
}
