//! The byte stream between the TCP connection and tungstenite. In: [`Inbound`] turns what the client sent into plain
//! frames. Out: finished frames are queued as shared bytes, so a room's message is encoded once and written to every
//! member from the same memory, many in one system call.

pub(crate) mod frame;
mod inbound;
mod utf8;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::protocol::{Direction, WireFrame};
use frame::Head;
pub(crate) use inbound::{Failure, Inbound};

/// What one read takes at most.
const READ: usize = 64 << 10;
/// How many frames one write takes at most.
const SLICES: usize = 64;
/// Frames that have no more bytes together are written as one piece.
const GATHERED: usize = 2048;
/// For how many frames a connection keeps memory while it has none to write.
const RESTING: usize = 8;
/// How many frames are noted until somebody takes them.
const NOTED: usize = 64;

thread_local! {
    /// Read into by every connection of the thread, so that none needs a buffer of its own.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// A connection's bytes, both ways.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    inbound: Inbound,
    failure: Option<Failure>,
    outbox: VecDeque<Bytes>,
    /// The length of all in `outbox`.
    queued: usize,
    notes: Option<Vec<WireFrame>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// `early` came with the request's head.
    pub(crate) fn new(stream: S, inbound: Inbound, early: &[u8]) -> Self {
        let mut wire = Self {
            stream,
            inbound,
            failure: None,
            outbox: VecDeque::new(),
            queued: 0,
            notes: None,
        };
        wire.failure = wire.inbound.push(&mut early.to_vec()).err();
        wire
    }

    /// From now on, notes each frame.
    pub(crate) fn note(&mut self) {
        self.inbound.note();
        self.notes = Some(Vec::new());
    }

    /// The frames since the last time, those that came in first.
    pub(crate) fn take_notes(&mut self) -> Vec<WireFrame> {
        let mut notes = self.inbound.take_notes();
        if let Some(out) = self.notes.as_mut() {
            notes.append(out);
        }
        notes
    }

    /// Why reading gave up, if it did.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// How many bytes wait to be written.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Queues a finished frame.
    pub(crate) fn queue(&mut self, frame: Bytes) {
        if let Some(notes) = self.notes.as_mut().filter(|notes| notes.len() < NOTED) {
            notes.extend(noted(&frame));
        }
        self.queue_unnoted(frame);
    }

    /// Queues a frame that tells of frames.
    pub(crate) fn queue_unnoted(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.outbox.push_back(frame);
    }

    /// Writes what is queued; ready when nothing is left.
    pub(crate) fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let written = match self.outbox.len() {
                1 => stream.poll_write(context, &self.outbox[0]),
                _ if self.queued <= GATHERED => write_gathered(stream, &self.outbox, context),
                _ => write_slices(stream, &self.outbox, context),
            };
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.outbox.capacity() > RESTING {
            self.outbox.shrink_to(RESTING);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.queued -= written;
        while let Some(first) = self.outbox.front_mut().filter(|_| written > 0) {
            let part = written.min(first.len());
            first.advance(part);
            written -= part;
            if first.is_empty() {
                self.outbox.pop_front();
            }
        }
    }

    /// Reads and forgets, until the client closes: what it still sends would else make the kernel reset the
    /// connection, and our last words with it.
    pub(crate) async fn discard(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await?;
        loop {
            let read = std::future::poll_fn(|context| {
                read_scratch(&mut self.stream, context).map_ok(|read| read.len())
            });
            if read.await? == 0 {
                return Ok(());
            }
        }
    }
}

impl Wire<TcpStream> {
    /// Pending if the client has sent nothing since the last read found nothing more.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(context)
    }
}

/// A few short frames: copying them together costs less than telling the kernel of each.
fn write_gathered<S: AsyncWrite>(
    stream: Pin<&mut S>,
    frames: &VecDeque<Bytes>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut together = [0; GATHERED];
    let mut length = 0;
    for frame in frames {
        together[length..length + frame.len()].copy_from_slice(frame);
        length += frame.len();
    }
    stream.poll_write(context, &together[..length])
}

fn write_slices<S: AsyncWrite>(
    stream: Pin<&mut S>,
    frames: &VecDeque<Bytes>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut count = 0;
    for (slice, bytes) in slices.iter_mut().zip(frames) {
        *slice = IoSlice::new(bytes);
        count += 1;
    }
    stream.poll_write_vectored(context, &slices[..count])
}

/// Reads once into the thread's memory and copies from there.
fn read_scratch<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
) -> Poll<io::Result<Vec<u8>>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().to_vec()))
    })
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let ready = this.inbound.ready();
            if !ready.is_empty() {
                let length = ready.len().min(buffer.remaining());
                buffer.put_slice(&ready[..length]);
                this.inbound.consume(length);
                return Poll::Ready(Ok(()));
            }
            // What came before the failure has been handed on.
            if this.failure.is_some() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let mut scratch = ReadBuf::new(scratch);
                ready!(Pin::new(&mut this.stream).poll_read(context, &mut scratch))?;
                let bytes = scratch.filled_mut();
                this.failure = this.inbound.push(bytes).err();
                Poll::Ready(io::Result::Ok(bytes.len()))
            });
            if ready!(read)? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Tungstenite writes whole control frames. They are queued, and written at once if nothing stops them: after its
/// close reply it doesn't flush.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.queue(Bytes::copy_from_slice(bytes));
        match self.poll_drain(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The frames in `bytes`, which begin and end with a whole one.
fn noted(mut bytes: &[u8]) -> Vec<WireFrame> {
    let mut notes = Vec::new();
    while let Some((head, size)) = Head::parse(bytes) {
        let end = size.saturating_add(usize::try_from(head.length).unwrap_or(usize::MAX));
        let payload = &bytes[size..end.min(bytes.len())];
        let compressed = head.reserved & frame::RSV1 != 0;
        let beginning = &payload[..payload.len().min(200)];
        notes.push(WireFrame {
            dir: Direction::Out,
            opcode: head.opcode,
            fin: head.fin,
            masked: false,
            compressed,
            bytes: head.length,
            payload: if compressed {
                String::new()
            } else {
                inbound::shown(head.opcode, beginning)
            },
        });
        bytes = &bytes[end.min(bytes.len())..];
    }
    notes
}
