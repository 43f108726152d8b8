//! A frame's head (RFC 6455, section 5.2): read from what a client sent, written for what we send.
//!
//! ```text
//!  byte 0           byte 1            then
//!  F R R R opcode   M length (7)      2 or 8 bytes more length when it says 126 or 127; 4 bytes of mask if M
//!  I S S S (4 bit)  A
//!  N V V V          S
//!    1 2 3          K
//! ```

use bytes::{BufMut, Bytes, BytesMut};

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
/// The longest head: 2 + 8 + 4.
pub(crate) const MAX_HEAD: usize = 14;

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) fin: bool,
    /// The three reserved bits where they stand in the first byte: RSV1 is 0x40.
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) length: u64,
}

/// RSV1, which permessage-deflate sets on the first frame of a compressed message.
pub(crate) const RSV1: u8 = 0x40;

impl Head {
    /// The head at the beginning of `bytes` and how many bytes it takes; None when there are too few.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (length, rest, mut size) = match second & 0x7F {
            126 => {
                let (long, rest) = rest.split_first_chunk::<2>()?;
                (u64::from(u16::from_be_bytes(*long)), rest, 4)
            }
            127 => {
                let (long, rest) = rest.split_first_chunk::<8>()?;
                (u64::from_be_bytes(*long), rest, 10)
            }
            short => (u64::from(short), rest, 2),
        };
        let mask = if second & 0x80 == 0 {
            None
        } else {
            size += 4;
            Some(*rest.first_chunk::<4>()?)
        };
        let head = Self {
            fin: first & 0x80 != 0,
            reserved: first & 0x70,
            opcode: first & 0x0F,
            mask,
            length,
        };
        Some((head, size))
    }

    /// Appends the head.
    pub(crate) fn write(&self, to: &mut impl BufMut) {
        to.put_u8(u8::from(self.fin) << 7 | self.reserved | self.opcode);
        let masked = u8::from(self.mask.is_some()) << 7;
        match self.length {
            short @ 0..126 => to.put_u8(masked | u8::try_from(short).expect("it is below 126")),
            long => match u16::try_from(long) {
                Ok(long) => {
                    to.put_u8(masked | 126);
                    to.put_u16(long);
                }
                Err(_) => {
                    to.put_u8(masked | 127);
                    to.put_u64(long);
                }
            },
        }
        if let Some(mask) = self.mask {
            to.put_slice(&mask);
        }
    }

    pub(crate) fn is_control(&self) -> bool {
        self.opcode >= 8
    }
}

/// A whole message of a server in one frame; servers don't mask.
pub(crate) fn message(opcode: u8, compressed: bool, payload: &[u8]) -> Bytes {
    let head = Head {
        fin: true,
        reserved: if compressed { RSV1 } else { 0 },
        opcode,
        mask: None,
        length: payload.len() as u64,
    };
    let mut frame = BytesMut::with_capacity(MAX_HEAD + payload.len());
    head.write(&mut frame);
    frame.put_slice(payload);
    frame.freeze()
}

/// Unmasks (or masks) in place; `offset` is where in the payload `bytes` begin.
pub(crate) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    // Turned so that whole words start with the right byte: the compiler makes vector instructions of the loop.
    let mut key = mask;
    key.rotate_left((offset % 4) as usize);
    let word = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for eight in words {
        *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_head_reads_back_at_every_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 40] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let head = Head {
                    fin: length % 2 == 0,
                    reserved: RSV1,
                    opcode: TEXT,
                    mask,
                    length,
                };
                let mut bytes = Vec::new();
                head.write(&mut bytes);
                assert_eq!(Head::parse(&bytes), Some((head, bytes.len())));
                for cut in 0..bytes.len() {
                    assert_eq!(Head::parse(&bytes[..cut]), None, "{head:?} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn the_standards_example_is_hello() {
        // RFC 6455, section 5.7: a single-frame masked text message
        let mut bytes = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        let (head, size) = Head::parse(&bytes).unwrap();
        unmask(&mut bytes[size..], head.mask.unwrap(), 0);
        assert_eq!(&bytes[size..], b"Hello");
        assert_eq!(&message(TEXT, false, b"Hello")[..], b"\x81\x05Hello");
    }

    #[test]
    fn a_payload_is_unmasked_the_same_in_any_pieces() {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let whole: Vec<u8> = (0..100).collect();
        let mut expected = whole.clone();
        unmask(&mut expected, mask, 0);
        for cut in 0..whole.len() {
            let mut bytes = whole.clone();
            let (left, right) = bytes.split_at_mut(cut);
            unmask(left, mask, 0);
            unmask(right, mask, cut as u64);
            assert_eq!(bytes, expected, "cut at {cut}");
        }
    }
}
