//! permessage-deflate (RFC 7692): what was agreed on at the handshake ([`Agreement`]), and the two coders. A message's
//! compressed form is a deflate stream flushed at a byte boundary, without the flush's last four bytes.

mod offer;

use std::cell::RefCell;
use std::fmt::{self, Debug, Formatter};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

pub use offer::{Agreement, Contexts};

/// What every flush ends with, taken off by the sender and put back by the receiver (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// The window of the compressor that all rooms share.
const SHARED_BITS: u8 = 15;

/// Why a message can't be inflated.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inflate {
    /// Not deflate.
    Broken,
    /// It grows beyond the message limit.
    TooBig,
}

/// Inflates a connection's messages.
pub(crate) struct Inflater(Decompress);

impl Inflater {
    pub(crate) fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// Appends what `input` stands for to `out`, which never gets longer than `limit`.
    pub(crate) fn push(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Inflate> {
        loop {
            if out.len() == out.capacity() {
                // One byte above the limit tells "just fits" from "too big".
                let room = (limit + 1).saturating_sub(out.len());
                out.reserve_exact(room.min(out.len().max(1024)));
            }
            let (before_in, before_out) = (self.0.total_in(), out.len());
            let status = self
                .0
                .decompress_vec(input, out, FlushDecompress::None)
                .map_err(|_| Inflate::Broken)?;
            let taken = self.0.total_in() - before_in;
            input = &input[usize::try_from(taken).expect("it is part of a slice")..];
            if out.len() > limit {
                return Err(Inflate::TooBig);
            }
            if status == Status::StreamEnd {
                // A block marked as the last one: allowed (section 7.2.3.4), what follows is a new stream.
                self.0.reset(false);
            }
            let stuck = taken == 0 && out.len() == before_out;
            if (input.is_empty() && out.len() < out.capacity()) || stuck {
                return Ok(());
            }
        }
    }

    /// The message ends here.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), Inflate> {
        self.push(&TAIL, out, limit)
    }
}

impl Debug for Inflater {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str("Inflater")
    }
}

/// Compresses messages, for one connection or for all.
pub(crate) struct Deflater {
    compress: Compress,
    keeps_context: bool,
}

impl Deflater {
    pub(crate) fn new(bits: u8, keeps_context: bool) -> Self {
        Self {
            compress: Compress::new_with_window_bits(Compression::new(6), false, bits),
            keeps_context,
        }
    }

    /// The compressed form of a whole message.
    pub(crate) fn message(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(input.len() / 2 + 64);
        loop {
            let before = self.compress.total_in();
            self.compress
                .compress_vec(input, &mut out, FlushCompress::Sync)
                .expect("compressing never fails with a buffer to write to");
            let taken = self.compress.total_in() - before;
            input = &input[usize::try_from(taken).expect("it is part of a slice")..];
            // Room left over means that the flush is complete.
            if input.is_empty() && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.capacity().max(64));
        }
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if !self.keeps_context {
            self.compress.reset();
        }
        out
    }
}

impl Debug for Deflater {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "Deflater {{ keeps_context: {} }}", self.keeps_context)
    }
}

thread_local! {
    /// The compressor of everything that goes to many: some 300 KiB, once for each thread.
    static SHARED: RefCell<Option<Deflater>> = const { RefCell::new(None) };
}

/// A message compressed without memory: the same bytes for every member that [takes them](Agreement::takes_shared).
pub(crate) fn shared(input: &[u8]) -> Vec<u8> {
    SHARED.with_borrow_mut(|shared| {
        shared
            .get_or_insert_with(|| Deflater::new(SHARED_BITS, false))
            .message(input)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<Vec<u8>> {
        let noise = |seed: u32, length: u32| {
            let next = |n: u32| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8;
            (0..length).map(next).collect()
        };
        vec![
            b"Hello".to_vec(),
            b"Hello".to_vec(),
            vec![b'a'; 100_000],
            noise(1, 5_000),
            noise(2, 100_000),
            b"x".to_vec(),
        ]
    }

    #[test]
    fn what_is_deflated_inflates_with_and_without_context() {
        for bits in 9..=15 {
            for keeps in [true, false] {
                let mut deflater = Deflater::new(bits, keeps);
                let mut inflater = Inflater::new();
                for text in texts() {
                    let mut out = Vec::new();
                    let packed = deflater.message(&text);
                    for part in packed.chunks(777) {
                        inflater.push(part, &mut out, text.len()).unwrap();
                    }
                    inflater.finish(&mut out, text.len()).unwrap();
                    assert!(out == text, "{bits} {keeps} {}", text.len());
                }
            }
        }
    }

    #[test]
    fn the_standards_examples_are_hello() {
        // RFC 7692, section 7.2.3: one block, a block without compression, a block marked as last, two blocks
        for packed in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            let (mut inflater, mut out) = (Inflater::new(), Vec::new());
            inflater.push(packed, &mut out, 100).unwrap();
            inflater.finish(&mut out, 100).unwrap();
            assert_eq!(out, b"Hello", "{packed:x?}");
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_limit() {
        let bomb = shared(&vec![0; 64 << 20]);
        assert!(bomb.len() < 70_000, "{}", bomb.len());
        let (mut inflater, mut out) = (Inflater::new(), Vec::new());
        let limit = 64 << 10;
        assert_eq!(inflater.push(&bomb, &mut out, limit), Err(Inflate::TooBig));
        assert!(out.capacity() <= limit + 1, "{}", out.capacity());
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let packed = shared(&[b'a'; 4096]);
        let (mut inflater, mut out) = (Inflater::new(), Vec::new());
        inflater.push(&packed, &mut out, 4096).unwrap();
        inflater.finish(&mut out, 4096).unwrap();
        assert_eq!(out.len(), 4096);
    }
}
