//! What is remembered of a sampled request while it is served: when each stage ended, the heads as they were on the
//! wire (without secrets), why each peer was chosen. Stages note it, nobody decides by it; the log stage makes a
//! [`Sample`] of it, which waits in its worker's [`Ring`] until somebody looks.
//!
//! A request that is not sampled has no `Notes`: each note is then one branch.

mod heads;
mod ring;
mod sample;

use std::time::Instant;

use serde::Serialize;

pub(crate) use ring::Ring;
pub(crate) use sample::{Sample, finish};

use crate::exchange::Exchange;
use crate::http1::ResponseHead;
use crate::upstream::Choice;
use heads::Lines;

/// More tries than this are counted, not described.
const MOST_TRIES: usize = 16;
/// A request that is sent round inside passes some stages again.
const MOST_SPANS: usize = 96;

/// A stage of the pipeline, as far as it takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Parse,
    Route,
    Limit,
    Access,
    /// The key is looked up, or somebody else's answer waited for.
    Cache,
    /// The body of the request is read whole before a peer is asked.
    Upload,
    Balance,
    Connect,
    /// Until the head of the answer is there.
    FirstByte,
    Body,
    /// An answer that no peer wrote.
    Respond,
}

#[derive(Debug)]
pub(crate) struct Notes {
    began: Instant,
    marks: Vec<Mark>,
    turns: Vec<Turn>,
}

/// The end of a phase; it began where the one before it ended.
#[derive(Debug, Clone, Copy)]
struct Mark {
    phase: Phase,
    turn: Option<usize>,
    end: Instant,
}

/// What is known of one try beside `exchange::Try`.
#[derive(Debug, Default)]
struct Turn {
    choice: Option<Choice>,
    sent: Option<Lines>,
    answer: Option<Lines>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            marks: Vec::with_capacity(10),
            turns: Vec::new(),
        }
    }

    fn mark(&mut self, phase: Phase, tries: usize) {
        let turn = match phase {
            // The try begins with it.
            Phase::Balance => Some(tries),
            Phase::Connect | Phase::FirstByte | Phase::Body => tries.checked_sub(1),
            _ => None,
        };
        if self.marks.len() < MOST_SPANS {
            let end = Instant::now();
            self.marks.push(Mark { phase, turn, end });
        }
    }

    fn turn(&mut self, index: usize) -> Option<&mut Turn> {
        if index < MOST_TRIES && self.turns.len() <= index {
            self.turns.resize_with(index + 1, Turn::default);
        }
        self.turns.get_mut(index)
    }
}

impl Exchange {
    /// The stage that was being passed has ended.
    pub(crate) fn mark(&mut self, phase: Phase) {
        if let Some(notes) = &mut self.notes {
            notes.mark(phase, self.tries.len());
        }
    }

    /// A try has ended, in whatever phase it was.
    pub(crate) fn mark_end_of_try(&mut self) {
        if let Some(notes) = &mut self.notes {
            let phase = match notes.marks.last().map(|mark| mark.phase) {
                Some(Phase::FirstByte) => Phase::Body,
                Some(Phase::Connect) => Phase::FirstByte,
                _ => Phase::Connect,
            };
            notes.mark(phase, self.tries.len());
        }
    }

    /// The peer of the next try, and why it is this one.
    pub(crate) fn note_choice(&mut self, choice: Choice) {
        let index = self.tries.len();
        if let Some(turn) = self.notes.as_mut().and_then(|notes| notes.turn(index)) {
            turn.choice = Some(choice);
        }
    }

    /// The head that goes to the peer of this try; what follows it in `bytes` is not looked at.
    pub(crate) fn note_sent(&mut self, bytes: &[u8]) {
        if let Some(turn) = self.turn() {
            turn.sent = Some(Lines::of_bytes(bytes));
        }
    }

    /// The head that the peer of this try answered with.
    pub(crate) fn note_answer(&mut self, head: &ResponseHead) {
        if let Some(turn) = self.turn() {
            turn.answer = Some(Lines::of_bytes(head.head.raw()));
        }
    }

    fn turn(&mut self) -> Option<&mut Turn> {
        let index = self.tries.len().checked_sub(1)?;
        self.notes.as_mut()?.turn(index)
    }
}
