//! `traceparent` (W3C Trace Context, level 1): read strictly, since whoever passes on half an identity breaks every
//! trace behind it.

/// Which trace a request belongs to, and which span asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) sampled: bool,
}

const SAMPLED: u8 = 1;

impl Context {
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; a later version may say more behind that.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (fixed, rest) = text.split_first_chunk::<55>()?;
        let dashes = [2, 35, 52].iter().all(|&at| fixed[at] == b'-');
        let version = hex::<1>(&fixed[..2])?[0];
        let longer = rest.is_empty() || (version > 0 && rest[0] == b'-');
        let context = Self {
            trace: hex(&fixed[3..35])?,
            span: hex(&fixed[36..52])?,
            sampled: hex::<1>(&fixed[53..])?[0] & SAMPLED != 0,
        };
        let named = context.trace != [0; 16] && context.span != [0; 8];
        (dashes && longer && named && version != 0xff).then_some(context)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"00-");
        write_hex(&self.trace, out);
        out.push(b'-');
        write_hex(&self.span, out);
        out.extend_from_slice(if self.sampled { b"-01" } else { b"-00" });
    }
}

/// Lower case only, as the specification asks.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(b"0123456789abcdef"[usize::from(digit)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_survives_the_way_there_and_back() {
        let context = Context::parse(GOOD.as_bytes()).unwrap();
        let mut out = Vec::new();
        context.write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), GOOD);
        let unsampled = GOOD.replace("-01", "-02");
        assert!(!Context::parse(unsampled.as_bytes()).unwrap().sampled);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = GOOD.replacen("00", "01", 1);
        assert_eq!(
            Context::parse(later.as_bytes()),
            Context::parse(GOOD.as_bytes())
        );
        assert!(Context::parse(format!("{later}-more").as_bytes()).is_some());
        assert_eq!(Context::parse(format!("{later}more").as_bytes()), None);
    }

    #[test]
    fn what_breaks_the_grammar_is_no_context() {
        for bad in [
            "",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD} "),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.to_ascii_uppercase(),
            &GOOD.replace("4bf9", "4bg9"),
            &GOOD.replace("-00f0", "_00f0"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(Context::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
