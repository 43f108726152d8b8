//! The steps that a body passes, one after the other, before it is framed. A step may wait for
//! another answer (an include, the next slice); what comes meanwhile it holds, and the end of the
//! body waits with it.

use std::io;

use super::addition::Around;
use super::charset::Recoder;
use super::gunzip::Inflater;
use super::gzip::Deflater;
use super::skip::Skip;
use super::slice::{NextSlice, Slices};
use super::ssi::{Include, Ssi};
use super::sub::Substituter;
use crate::accept::Client;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::respond::Outgoing;
use crate::respond::body;

#[derive(Debug)]
pub(crate) enum Step {
    Slices(Slices),
    Skip(Skip),
    Gunzip(Inflater),
    Addition(Around),
    Substitute(Box<Substituter>),
    Recode(Recoder),
    Ssi(Box<Ssi>),
    Gzip(Deflater),
}

/// What a step waits for.
#[derive(Debug)]
pub(super) enum Wanted {
    Include(Include),
    Slice(NextSlice),
}

/// What is asked of a step: take this, or give what you hold back, or end.
#[derive(Clone, Copy, Debug)]
enum Push<'a> {
    Data(&'a [u8]),
    Flush,
    End,
}

#[derive(Debug)]
pub(crate) struct Chain {
    steps: Vec<Step>,
    pub(super) outgoing: Outgoing,
    /// The end of the body has come as far as to this step, and waits before it.
    end_at: Option<usize>,
    done: bool,
    /// Of the peer's, until the end is through.
    trailers: Vec<u8>,
}

impl Step {
    fn run(&mut self, ex: &Exchange, push: Push<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let done = match push {
            Push::Data(input) => self.take(ex, input, out),
            Push::End => self.end(ex, out),
            Push::Flush => match self {
                Self::Gzip(deflater) => deflater.flush(out),
                _ => Ok(()),
            },
        };
        done.map_err(|why| {
            let why = format!("the body's compression is broken ({why})");
            Fault::new(502, Blame::Upstream, why)
        })
    }

    fn take(&mut self, ex: &Exchange, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Slices(_) => out.extend_from_slice(input),
            Self::Skip(skip) => skip.run(input, out),
            Self::Gunzip(inflater) => return inflater.run(input, out),
            Self::Addition(around) => around.run(input, out),
            Self::Substitute(substituter) => substituter.run(input, out),
            Self::Recode(recoder) => recoder.run(input, out),
            Self::Ssi(ssi) => ssi.run(ex, input, out),
            Self::Gzip(deflater) => return deflater.run(input, out),
        }
        Ok(())
    }

    fn end(&mut self, ex: &Exchange, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Slices(slices) => slices.end_of_one(),
            Self::Skip(_) => {}
            Self::Gunzip(inflater) => return inflater.finish(out),
            Self::Addition(around) => around.end(),
            Self::Substitute(substituter) => substituter.end(out),
            Self::Recode(recoder) => recoder.end(out),
            Self::Ssi(ssi) => ssi.end(ex, out),
            Self::Gzip(deflater) => return deflater.finish(out),
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        match self {
            Self::Slices(slices) => slices.is_waiting(),
            Self::Addition(around) => around.is_waiting(),
            Self::Ssi(ssi) => ssi.is_waiting(),
            _ => false,
        }
    }

    fn take_wanted(&mut self) -> Option<Wanted> {
        match self {
            Self::Slices(slices) => Some(Wanted::Slice(slices.take_next())),
            Self::Addition(around) => around.take_wanted().map(Wanted::Include),
            Self::Ssi(ssi) => ssi.take_include().map(Wanted::Include),
            _ => None,
        }
    }
}

impl Chain {
    pub(crate) fn new(steps: Vec<Step>, outgoing: Outgoing) -> Self {
        Self {
            steps,
            outgoing,
            end_at: None,
            done: false,
            trailers: Vec::new(),
        }
    }

    pub(crate) fn take(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        self.pass(ex, client, 0, Push::Data(bytes))
    }

    /// As `take`, for bytes that take the place that the step before `from` waited with.
    pub(super) fn take_from(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        from: usize,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        self.pass(ex, client, from, Push::Data(bytes))
    }

    pub(crate) fn flush(&mut self, ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
        self.pass(ex, client, 0, Push::Flush)
    }

    /// Ends the body; answers whether it is through, or has to wait with its trailers.
    pub(crate) fn end(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        trailers: &[u8],
    ) -> Result<bool, Fault> {
        self.pass(ex, client, 0, Push::End)?;
        if !self.done {
            self.trailers = trailers.to_vec();
        }
        Ok(self.done)
    }

    /// From step to step; what the last one gives is framed for the client.
    fn pass(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        from: usize,
        push: Push<'_>,
    ) -> Result<(), Fault> {
        let Some(step) = self.steps.get_mut(from) else {
            match push {
                Push::Data(bytes) => body::frame(self.outgoing, ex, client, bytes),
                Push::Flush => {}
                Push::End => self.done = true,
            }
            return Ok(());
        };
        let mut out = Vec::new();
        step.run(ex, push, &mut out)?;
        let waits = step.is_waiting();
        if !out.is_empty() {
            self.pass(ex, client, from + 1, Push::Data(&out))?;
        }
        match push {
            Push::Data(_) => Ok(()),
            Push::End if waits => {
                self.end_at = Some(from + 1);
                Ok(())
            }
            Push::Flush | Push::End => self.pass(ex, client, from + 1, push),
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.is_waiting_from(0)
    }

    pub(super) fn is_waiting_from(&self, from: usize) -> bool {
        self.steps[from..].iter().any(Step::is_waiting)
    }

    /// What the last step that waits wants, and which one it is.
    pub(super) fn next_wanted(&mut self, from: usize) -> Option<(usize, Wanted)> {
        let last = self.steps[from..].iter().rposition(Step::is_waiting)?;
        let wanted = self.steps[from + last].take_wanted()?;
        if let (Wanted::Slice(slice), Some(Step::Skip(skip))) =
            (&wanted, self.steps.get_mut(from + last + 1))
        {
            skip.go_to(slice.start);
        }
        Some((from + last, wanted))
    }

    /// The step has what it wanted: it goes on with what it holds, and the end behind it if it waits no more.
    pub(super) fn go_on(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        at: usize,
    ) -> Result<(), Fault> {
        let mut out = Vec::new();
        match &mut self.steps[at] {
            Step::Ssi(ssi) => ssi.go_on(ex, &mut out),
            Step::Addition(around) => around.go_on(&mut out),
            _ => {}
        }
        if !out.is_empty() {
            self.pass(ex, client, at + 1, Push::Data(&out))?;
        }
        if self.end_at == Some(at + 1) && !self.steps[at].is_waiting() {
            self.end_at = None;
            self.pass(ex, client, at + 1, Push::End)?;
        }
        Ok(())
    }

    pub(super) fn put_in_front(&mut self, at: usize, ex: &Exchange, block: &[u8]) {
        if let Step::Ssi(ssi) = &mut self.steps[at] {
            ssi.show_block(ex, block);
        }
    }

    /// The trailers that are due now, if the end is through.
    pub(super) fn trailers_at_end(&mut self) -> Option<Vec<u8>> {
        self.done.then(|| std::mem::take(&mut self.trailers))
    }

    /// `$gzip_ratio`
    pub(crate) fn gzip_ratio(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match step {
            Step::Gzip(deflater) => deflater.ratio(),
            _ => None,
        })
    }
}
