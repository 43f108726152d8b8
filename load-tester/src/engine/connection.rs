//! One connection and the request on it: takes readiness events, writes the request, reads the answer, and says what
//! became of it. Its buffers are kept from request to request, so that a busy connection allocates nothing.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    time::Instant,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use super::schedule::Due;
use crate::{
    fault::Fault,
    response::{BadResponse, ResponseParser},
};

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) due: Due,
    pub(super) sent: Instant,
    pub(super) retried: bool,
}

/// What became of the request when something happened on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Pending,
    Answered {
        reusable: bool,
    },
    Failed(Fault),
    /// The server closed a kept connection just when we used it again: nobody's fault, the request may be sent anew.
    Stale,
    /// Closed while no request was on it.
    IdleClosed,
}

/// What all requests of a run have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire<'a> {
    pub(super) request: &'a [u8],
    pub(super) idempotent: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: Option<TcpStream>,
    pub(super) job: Option<Job>,
    pub(super) parser: ResponseParser,
    /// The beginning of a head whose end has not come yet.
    carry: Vec<u8>,
    written: usize,
    /// Requests answered on this very stream.
    answers: u64,
    /// Which of the host's addresses this is a connection to ...
    pub(super) address: usize,
    /// ... and how many were tried in vain for this request.
    pub(super) addresses_tried: usize,
    /// Bytes read since somebody last took them.
    pub(super) received: u64,
}

impl Connection {
    pub(super) fn new(to_head_request: bool) -> Self {
        Self {
            stream: None,
            job: None,
            parser: ResponseParser::new(to_head_request),
            carry: Vec::new(),
            written: 0,
            answers: 0,
            address: 0,
            addresses_tried: 0,
            received: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Has any byte of the request been taken by the network?
    pub(super) fn is_sending(&self) -> bool {
        self.written > 0 || self.answers > 0
    }

    /// Starts to connect; events for `token` follow.
    pub(super) fn open(
        &mut self,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        // Only matters for a request larger than one segment; if the system refuses, it is a little slower.
        let _slower = stream.set_nodelay(true);
        self.stream = Some(stream);
        self.answers = 0;
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.stream = None; // Closing a descriptor takes it out of the event queue.
    }

    /// Sends `job` on the open stream. A stream that is still connecting sends it when it is ready.
    pub(super) fn send(&mut self, job: Job, wire: Wire<'_>, scratch: &mut [u8]) -> Outcome {
        self.job = Some(job);
        self.written = 0;
        self.parser.reset();
        self.carry.clear();
        self.write(wire, scratch)
    }

    /// Something happened on the stream.
    pub(super) fn ready(
        &mut self,
        event: &mio::event::Event,
        wire: Wire<'_>,
        scratch: &mut [u8],
    ) -> Outcome {
        if self.job.is_none() {
            return self.check_idle(scratch);
        }
        if self.written < wire.request.len() {
            let outcome = self.write(wire, scratch);
            if outcome != Outcome::Pending {
                return outcome;
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            return self.read(wire, scratch, event.is_read_closed() || event.is_error());
        }
        Outcome::Pending
    }

    fn write(&mut self, wire: Wire<'_>, scratch: &mut [u8]) -> Outcome {
        let Some(stream) = &mut self.stream else {
            return Outcome::Pending;
        };
        while self.written < wire.request.len() {
            match stream.write(&wire.request[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                    ) =>
                {
                    break;
                }
                Err(error) if self.written == 0 && self.answers == 0 => {
                    // Not connected after all; some systems keep the reason apart.
                    let reason = stream.take_error().ok().flatten().unwrap_or(error);
                    return Outcome::Failed(Fault::of(&reason));
                }
                Err(error) => {
                    // A server may answer (413, say) and close without reading all: the answer is what counts.
                    return match self.read(wire, scratch, true) {
                        Outcome::Pending => self.lost(wire, Fault::of(&error)),
                        outcome => outcome,
                    };
                }
            }
        }
        Outcome::Pending
    }

    /// `closing`: the other side will send no more, so read until the end instead of waiting for another event.
    fn read(&mut self, wire: Wire<'_>, scratch: &mut [u8], closing: bool) -> Outcome {
        loop {
            let Some(stream) = &mut self.stream else {
                return Outcome::Pending;
            };
            match stream.read(scratch) {
                Ok(0) if self.parser.close() => return Outcome::Answered { reusable: false },
                Ok(0) => return self.lost(wire, Fault::ClosedEarly),
                Ok(count) => match self.absorb(&scratch[..count]) {
                    Err(reason) => return Outcome::Failed(Fault::BadResponse(reason)),
                    Ok(true) => {
                        self.answers += 1;
                        let whole = self.written == wire.request.len();
                        return Outcome::Answered {
                            reusable: self.parser.keep_alive() && whole && !closing,
                        };
                    }
                    // The queue is edge-triggered: less than we asked for means empty, and more will be told.
                    Ok(false) if count < scratch.len() && !closing => return Outcome::Pending,
                    Ok(false) => {}
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                    ) =>
                {
                    return Outcome::Pending;
                }
                Err(error) => return self.lost(wire, Fault::of(&error)),
            }
        }
    }

    /// Feeds new bytes to the parser; true if they complete the answer.
    fn absorb(&mut self, bytes: &[u8]) -> Result<bool, BadResponse> {
        self.received += bytes.len() as u64;
        let left = if self.carry.is_empty() {
            let used = self.parser.feed(bytes)?;
            if !self.parser.is_complete() {
                self.carry.extend_from_slice(&bytes[used..]);
            }
            bytes.len() - used
        } else {
            self.carry.extend_from_slice(bytes);
            let used = self.parser.feed(&self.carry)?;
            self.carry.drain(..used);
            self.carry.len()
        };
        match self.parser.is_complete() {
            true if left > 0 => Err(BadResponse::Excess),
            complete => Ok(complete),
        }
    }

    fn lost(&self, wire: Wire<'_>, fault: Fault) -> Outcome {
        let untouched = self.parser.is_fresh() && self.carry.is_empty();
        let first_time = self.job.is_some_and(|job| !job.retried);
        if untouched && first_time && self.answers > 0 && wire.idempotent {
            return Outcome::Stale;
        }
        Outcome::Failed(fault)
    }

    fn check_idle(&mut self, scratch: &mut [u8]) -> Outcome {
        match self.stream.as_mut().map(|stream| stream.read(scratch)) {
            None => Outcome::Pending,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Outcome::Pending,
            Some(_) => Outcome::IdleClosed,
        }
    }
}
