//! The steps that a body passes, one after the other, before it is framed.

use super::gunzip::Inflater;
use super::gzip::Deflater;
use super::skip::Skip;
use crate::accept::Client;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::respond::Outgoing;
use crate::respond::body;

#[derive(Debug)]
pub(crate) enum Step {
    Skip(Skip),
    Gunzip(Inflater),
    Gzip(Deflater),
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
    outgoing: Outgoing,
}

impl Step {
    fn run(&mut self, push: Push<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match (self, push) {
            (Self::Skip(skip), Push::Data(input)) => {
                skip.run(input, out);
                Ok(())
            }
            (Self::Skip(_), _) | (Self::Gunzip(_), Push::Flush) => Ok(()),
            (Self::Gunzip(inflater), Push::Data(input)) => inflater.run(input, out),
            (Self::Gunzip(inflater), Push::End) => inflater.finish(out),
            (Self::Gzip(deflater), Push::Data(input)) => deflater.run(input, out),
            (Self::Gzip(deflater), Push::Flush) => deflater.flush(out),
            (Self::Gzip(deflater), Push::End) => deflater.finish(out),
        }
        .map_err(|why| {
            Fault::new(
                502,
                Blame::Upstream,
                format!("the body's compression is broken ({why})"),
            )
        })
    }
}

impl Chain {
    pub(crate) fn new(steps: Vec<Step>, outgoing: Outgoing) -> Self {
        Self { steps, outgoing }
    }

    pub(crate) fn take(
        &mut self,
        ex: &mut Exchange,
        client: &mut Client,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        self.pass(ex, client, 0, Push::Data(bytes))
    }

    pub(crate) fn flush(&mut self, ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
        self.pass(ex, client, 0, Push::Flush)
    }

    pub(crate) fn end(&mut self, ex: &mut Exchange, client: &mut Client) -> Result<(), Fault> {
        self.pass(ex, client, 0, Push::End)
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
            if let Push::Data(bytes) = push {
                body::frame(self.outgoing, ex, client, bytes);
            }
            return Ok(());
        };
        let mut out = Vec::new();
        step.run(push, &mut out)?;
        if !out.is_empty() {
            self.pass(ex, client, from + 1, Push::Data(&out))?;
        }
        match push {
            Push::Data(_) => Ok(()),
            Push::Flush | Push::End => self.pass(ex, client, from + 1, push),
        }
    }

    /// `$gzip_ratio`
    pub(crate) fn gzip_ratio(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match step {
            Step::Gzip(deflater) => deflater.ratio(),
            Step::Skip(_) | Step::Gunzip(_) => None,
        })
    }
}
