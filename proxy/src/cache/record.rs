//! One stored answer as a file: a fixed block, then key, `Vary`, the answer's head as it came, and its body. The block
//! holds every length and checksums of itself, of what follows it and of the body, so that whatever was torn (by `kill
//! -9`, a full disk or a power cut) is known as such and never served.

use crc32fast::hash as crc32;

use super::key::{Digest, LONGEST};

/// Changes with the format: what another version wrote is not ours to read.
const MAGIC: &[u8; 8] = b"lab8\xca\xcc\xe1\x01";
/// The fixed block; one page of a file system holds it whole, so it is overwritten in one piece.
pub(crate) const BLOCK: usize = 128;
/// What of the block has a meaning; the rest is zero.
const USED: usize = 104;
/// The longest head of a peer that we can have accepted, and some more.
const LONGEST_HEAD: usize = 1 << 20;

/// What is known of a stored answer besides its body. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Vec<u8>,
    /// The names of `Vary`, and the hash of what the request had in them.
    pub(crate) vary: Vec<u8>,
    pub(crate) variant: Digest,
    pub(crate) family: u64,
    pub(crate) head: Vec<u8>,
    pub(crate) times: Times,
    pub(crate) body_length: u64,
    pub(crate) body_crc: u32,
}

/// How long an answer is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) stored: u64,
    pub(crate) fresh_until: u64,
    /// Seconds that it may be used for beyond that: while it is being updated, and if that fails.
    pub(crate) while_updating: u64,
    pub(crate) if_error: u64,
    /// How old it was when it came (RFC 9111 section 4.2.3).
    pub(crate) age: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRecord {
    #[error("is not a stored answer of this version")]
    Foreign,
    #[error("is torn")]
    Torn,
}

impl Record {
    /// The same, before its body is counted.
    pub(crate) fn clone_empty(&self) -> Self {
        Self {
            body_length: 0,
            body_crc: 0,
            ..self.clone()
        }
    }

    /// Where the body begins.
    pub(crate) fn start(&self) -> usize {
        BLOCK + self.key.len() + self.vary.len() + self.head.len()
    }

    /// Everything before the body.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.resize(at + BLOCK, 0);
        for part in [&self.key, &self.vary, &self.head] {
            out.extend_from_slice(part);
        }
        let meta = crc32(&out[at + BLOCK..]);
        let block = self.block(meta);
        out[at..at + BLOCK].copy_from_slice(&block);
    }

    /// The fixed block, for an answer whose other parts stay as they are.
    pub(crate) fn block_for(&self) -> [u8; BLOCK] {
        let mut hasher = crc32fast::Hasher::new();
        for part in [&self.key, &self.vary, &self.head] {
            hasher.update(part);
        }
        self.block(hasher.finalize())
    }

    fn block(&self, meta: u32) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut at = 12;
        let mut put = |bytes: &[u8]| {
            block[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        // Lengths are held to `LONGEST` and `LONGEST_HEAD` before anything is stored.
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        put(&short(self.key.len()));
        put(&short(self.vary.len()));
        put(&short(self.head.len()));
        put(&meta.to_be_bytes());
        put(&self.body_crc.to_be_bytes());
        put(&self.body_length.to_be_bytes());
        put(&self.family.to_be_bytes());
        put(&self.variant);
        let times = self.times;
        for time in [
            times.stored,
            times.fresh_until,
            times.while_updating,
            times.if_error,
            times.age,
        ] {
            put(&time.to_be_bytes());
        }
        block[..8].copy_from_slice(MAGIC);
        let own = crc32(&block[12..]);
        block[8..12].copy_from_slice(&own.to_be_bytes());
        block
    }

    /// Reads what stands before the body. `Ok(Err(n))`: the first `n` bytes of the file are needed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Result<Self, usize>, BadRecord> {
        let Some(block) = bytes.get(..BLOCK) else {
            return Err(BadRecord::Torn);
        };
        if &block[..8] != MAGIC {
            return Err(BadRecord::Foreign);
        }
        let mut at = 8;
        let mut take = |count: usize| {
            at += count;
            &block[at - count..at]
        };
        let long = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, &b| sum << 8 | u64::from(b));
        let short = |bytes: &[u8]| u32::try_from(long(bytes)).unwrap_or(u32::MAX);
        if short(take(4)) != crc32(&block[12..]) || block[USED..].iter().any(|&b| b != 0) {
            return Err(BadRecord::Torn);
        }
        let [key, vary, head] = [(); 3].map(|()| short(take(4)) as usize);
        let (meta, body_crc) = (short(take(4)), short(take(4)));
        if key > LONGEST || vary > LONGEST || head > LONGEST_HEAD {
            return Err(BadRecord::Torn);
        }
        let start = BLOCK + key + vary + head;
        let Some(parts) = bytes.get(BLOCK..start) else {
            return Ok(Err(start));
        };
        if crc32(parts) != meta {
            return Err(BadRecord::Torn);
        }
        let (body_length, family) = (long(take(8)), long(take(8)));
        let mut variant = [0; 16];
        variant.copy_from_slice(take(16));
        let [stored, fresh_until, while_updating, if_error, age] = [(); 5].map(|()| long(take(8)));
        Ok(Ok(Self {
            key: parts[..key].to_vec(),
            vary: parts[key..key + vary].to_vec(),
            head: parts[key + vary..].to_vec(),
            variant,
            family,
            times: Times {
                stored,
                fresh_until,
                while_updating,
                if_error,
                age,
            },
            body_length,
            body_crc,
        }))
    }
}

/// Whether key and head fit into a record.
pub(crate) fn fits(key: &[u8], head: &[u8]) -> bool {
    key.len() <= LONGEST && head.len() <= LONGEST_HEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            key: b"http://a/".to_vec(),
            vary: b"accept".to_vec(),
            variant: [3; 16],
            family: 77,
            head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            times: Times {
                stored: 1,
                fresh_until: 2,
                while_updating: 3,
                if_error: 4,
                age: 5,
            },
            body_length: 6,
            body_crc: 7,
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = record();
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        assert_eq!(bytes.len(), record.start());
        assert_eq!(Record::read(&bytes), Ok(Ok(record.clone())));
        assert_eq!(
            Record::read(&bytes[..BLOCK + 3]),
            Ok(Err(record.start())),
            "it says how much it needs"
        );
        assert_eq!(record.block_for(), bytes[..BLOCK]);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let mut bytes = Vec::new();
        record().write(&mut bytes);
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert!(
                !matches!(Record::read(&bytes), Ok(Ok(_))),
                "byte {at} was changed"
            );
            bytes[at] ^= 1;
            assert!(!matches!(Record::read(&bytes[..at]), Ok(Ok(_))), "cut {at}");
        }
    }
}
