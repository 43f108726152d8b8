//! One range of a body that passes by: what lies before and behind it is dropped.

#[derive(Debug)]
pub(crate) struct Skip {
    start: u64,
    end: u64,
    at: u64,
}

impl Skip {
    /// Keeps what lies from `start` to `end` of a body of which the first byte that comes is `at`.
    pub(super) fn new(start: u64, end: u64, at: u64) -> Self {
        Self { start, end, at }
    }

    /// The next byte is this one.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let within = |at: u64| {
            usize::try_from(at.saturating_sub(self.at))
                .unwrap_or(usize::MAX)
                .min(input.len())
        };
        out.extend_from_slice(&input[within(self.start)..within(self.end)]);
        self.at += input.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_pieces_the_same_bytes_come_through() {
        for size in 1..=10 {
            let (mut skip, mut out) = (Skip::new(3, 7, 0), Vec::new());
            for piece in b"0123456789".chunks(size) {
                skip.run(piece, &mut out);
            }
            assert_eq!(out, b"3456", "pieces of {size}");
        }
    }
}
