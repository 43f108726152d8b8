//! `split_clients` (ngx_http_split_clients_module): takes a key, decides which part of all clients it falls into. The
//! hash is nginx's MurmurHash2, so that a client gets the same part from both.

use super::syntax::{ConfigError, Directive};
use super::template::Template;
use crate::exchange::Exchange;
use crate::variables::Names;

#[derive(Debug)]
pub(crate) struct SplitClients {
    key: Template,
    /// Hashes below the number belong to the part; the last has no number.
    parts: Vec<(Option<u32>, Box<[u8]>)>,
}

impl SplitClients {
    pub(super) fn parse(directive: &Directive, names: &Names) -> Result<Self, ConfigError> {
        let (mut parts, mut sum) = (Vec::new(), 0_u64);
        for line in directive.block.as_deref().unwrap_or_default() {
            let [value] = line.args.as_slice() else {
                return Err(line.error("invalid number of parameters"));
            };
            let below = match line.name.as_str() {
                "*" => None,
                text => {
                    let share = hundredths(text);
                    sum += share
                        .ok_or_else(|| line.error(format!("invalid percent value \"{text}\"")))?;
                    if sum > 10_000 {
                        return Err(line.error("percent total is greater than 100%"));
                    }
                    u32::try_from(sum * u64::from(u32::MAX) / 10_000).ok()
                }
            };
            parts.push((below, value.text.as_bytes().into()));
        }
        let key = directive
            .args
            .first()
            .expect("the table asks for two arguments");
        Ok(Self {
            key: Template::parse(key, names)?,
            parts,
        })
    }

    pub(super) fn value(&self, ex: &Exchange) -> &[u8] {
        self.part(murmur2(&self.key.evaluate(ex)))
    }

    fn part(&self, hash: u32) -> &[u8] {
        let part = self
            .parts
            .iter()
            .find(|(below, _)| below.is_none_or(|below| hash < below));
        part.map_or(&[], |(_, value)| value)
    }
}

/// `12.34%` is 1234, and more than two digits after the point are refused.
fn hundredths(text: &str) -> Option<u64> {
    let text = text.strip_suffix('%')?;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return None;
    }
    let share = whole.parse::<u64>().ok()? * 100 + format!("{rest:0<2}").parse::<u64>().ok()?;
    (share > 0).then_some(share)
}

/// MurmurHash2, 32 bits, seed 0.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (at, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_hundredths_of_a_percent() {
        for (text, share) in [
            ("0.5%", Some(50)),
            ("12.34%", Some(1234)),
            ("100%", Some(10_000)),
            ("5%", Some(500)),
        ] {
            assert_eq!(hundredths(text), share, "{text}");
        }
        for bad in ["", "%", "5", "0%", "1.234%", "-1%", "x%", "1000%", ".5%"] {
            assert_eq!(hundredths(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_hash_is_murmur2_and_spreads_evenly() {
        // The function's published values for seed 0.
        assert_eq!(murmur2(b""), 0);
        assert_eq!(murmur2(b"a"), 0x9268_5f5e);
        let split = SplitClients {
            key: Template::default(),
            parts: vec![
                (Some(u32::MAX / 4), (*b"one").into()),
                (None, (*b"two").into()),
            ],
        };
        let ones =
            (0..4000).filter(|n| split.part(murmur2(format!("client {n}").as_bytes())) == b"one");
        let ones = ones.count();
        assert!(
            (900..1100).contains(&ones),
            "{ones} of 4000 are in the quarter"
        );
    }
}
