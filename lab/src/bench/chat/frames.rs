//! Just enough WebSocket for a client that must be cheap, since it shares the machine with what it measures: frames
//! are cut from the bytes where they lie, and sent with the masking key 0.

/// Frames that arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Frames {
    rest: Vec<u8>,
}

pub(super) const TEXT: u8 = 1;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
const PONG: u8 = 10;
const MASKED: u8 = 0x80;

impl Frames {
    /// Hands each whole frame in `bytes` to `take`: opcode and payload. What is left waits for the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(u8, &[u8])) {
        if self.rest.is_empty() {
            let used = cut(bytes, &mut take);
            self.rest.extend_from_slice(&bytes[used..]);
            return;
        }
        self.rest.extend_from_slice(bytes);
        let used = cut(&self.rest, &mut take);
        self.rest.drain(..used);
    }
}

/// How many bytes the whole frames had.
fn cut(bytes: &[u8], take: &mut impl FnMut(u8, &[u8])) -> usize {
    let mut used = 0;
    while let Some((opcode, start, end)) = next(&bytes[used..]) {
        take(opcode, &bytes[used + start..used + end]);
        used += end;
    }
    used
}

/// Opcode, and where the payload of the first frame lies, if all of it is there. Servers don't mask.
fn next(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let opcode = bytes.first()? & 0x0f;
    let (start, length) = match *bytes.get(1)? {
        126 => (4, number(bytes.get(2..4)?)),
        127 => (10, number(bytes.get(2..10)?)),
        short => (2, usize::from(short)),
    };
    let end = start + length;
    (bytes.len() >= end).then_some((opcode, start, end))
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// A text frame.
pub(super) fn text(payload: &str) -> Vec<u8> {
    frame(TEXT, payload.as_bytes())
}

pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(MASKED | short),
        _ => {
            frame.push(MASKED | 126);
            let length = u16::try_from(payload.len()).expect("the bench sends short messages");
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_however_the_bytes_are_cut() {
        let long = vec![b'x'; 300];
        let mut wire = vec![0x81, 2, b'h', b'i', 0x82, 126, 1, 44];
        wire.extend_from_slice(&long);
        wire.extend_from_slice(&[0x89, 0]);
        for size in [1, 2, 3, 7, 100, 1000] {
            let mut seen = Vec::new();
            let mut frames = Frames::default();
            for part in wire.chunks(size) {
                frames.feed(part, |opcode, payload| {
                    seen.push((opcode, payload.to_vec()));
                });
            }
            let all = [(1, b"hi".to_vec()), (2, long.clone()), (PING, Vec::new())];
            assert_eq!(seen, all, "in pieces of {size}");
        }
    }

    #[test]
    fn a_clients_frame_is_masked_with_zeros() {
        assert_eq!(text("hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(text(&"x".repeat(200))[..4], [0x81, 0xfe, 0, 200]);
    }
}
