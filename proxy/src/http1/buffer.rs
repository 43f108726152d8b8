//! A read buffer: bytes in at the end, out at the start. Its memory comes from a pool of the
//! worker and goes back as soon as the connection is idle, so that ten thousand waiting
//! connections cost no buffers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::Stream;

/// The memory of one buffer; a head may grow past it, up to its limits.
pub(crate) const BUFFER_SIZE: usize = 16 * 1024;

/// Buffers kept for reuse by one worker: 4 MiB at most.
const POOLED: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Vec<Vec<u8>>,
}

impl Pool {
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_else(|| vec![0; BUFFER_SIZE])
    }

    pub(crate) fn give(&mut self, memory: Vec<u8>) {
        if memory.len() == BUFFER_SIZE && self.free.len() < POOLED {
            self.free.push(memory);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn has_memory(&self) -> bool {
        !self.memory.is_empty()
    }

    pub(crate) fn lend(&mut self, memory: Vec<u8>) {
        debug_assert!(self.memory.is_empty());
        self.memory = memory;
    }

    /// Gives the memory back if nothing is held in it.
    pub(crate) fn release(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.memory.is_empty() {
            return None;
        }
        (self.start, self.end) = (0, 0);
        Some(std::mem::take(&mut self.memory))
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room for at least `count` more bytes, by moving what is held or by growing.
    fn make_room(&mut self, count: usize) {
        if self.memory.len() - self.end >= count {
            return;
        }
        self.memory.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.memory.len() - self.end < count {
            let doubled = (self.memory.len() * 2).max(BUFFER_SIZE);
            self.memory.resize(doubled.max(self.end + count), 0);
        }
    }

    /// Reads once. `Ok(0)` is the end of the stream.
    pub(crate) fn poll_fill(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room(1);
        let mut room = ReadBuf::new(&mut self.memory[self.end..]);
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    pub(crate) async fn fill(&mut self, stream: &mut Stream) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(stream, cx)).await
    }
}
