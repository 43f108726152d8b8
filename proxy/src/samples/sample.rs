//! A finished exchange as the dashboard shows it: a copy, bounded and without secrets, that owes nothing to the worker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::heads::{Lines, text, without_secret_arguments};
use super::{MOST_TRIES, Notes, Phase, Ring, Turn};
use crate::config::Place;
use crate::exchange::{Exchange, Try};
use crate::upstream::Choice;

/// Samples are numbered over all workers, from 1.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Times are microseconds since the request's first byte was there.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sample {
    pub(crate) id: u64,
    /// Milliseconds since 1970.
    at: u64,
    method: String,
    target: String,
    host: String,
    client: String,
    protocol: &'static str,
    tls: Option<&'static str>,
    status: u16,
    bytes: u64,
    took: u64,
    /// In words, if something went wrong.
    fault: Option<String>,
    server: Block,
    location: Block,
    upstream: Option<String>,
    spans: Vec<Span>,
    tries: Vec<TrySample>,
    /// What the client sent, and what it got.
    request: Lines,
    answer: Option<Lines>,
}

/// A block of the configuration.
#[derive(Debug, Default, Serialize)]
struct Block {
    name: String,
    place: Option<Place>,
}

#[derive(Debug, Serialize)]
struct Span {
    phase: Phase,
    /// Which try it belongs to.
    #[serde(rename = "try")]
    turn: Option<usize>,
    from: u64,
    to: u64,
}

#[derive(Debug, Serialize)]
struct TrySample {
    address: String,
    status: Option<u16>,
    failure: Option<String>,
    /// What the peer was sent, and what it answered.
    request: Option<Lines>,
    answer: Option<Lines>,
    choice: Option<Choice>,
}

/// The end of an exchange: keeps it if it has notes, or had trouble.
pub(crate) fn finish(ring: &Ring, ex: &mut Exchange) {
    if let Some(notes) = ex.notes.take() {
        ring.keep(Sample::new(ex, Some(*notes)));
    } else if (ex.tries.len() > 1 || ex.sent.status >= 500) && ring.takes_trouble() {
        ring.keep(Sample::new(ex, None));
    }
}

impl Sample {
    #[cfg(test)]
    pub(super) fn numbered(id: u64) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    fn new(ex: &Exchange, notes: Option<Notes>) -> Self {
        let now = Instant::now();
        let began = notes.as_ref().map_or(ex.started, |notes| notes.began);
        let took = now.saturating_duration_since(began);
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(took);
        let (spans, turns) = match notes {
            Some(notes) => (spans(&notes, now), notes.turns),
            None => (spans_of_tries(&ex.tries), Vec::new()),
        };
        let head = &ex.request.head;
        let answer = (!ex.sent.head.is_empty()).then(|| Lines::of_bytes(&ex.sent.head));
        let upstream = (!ex.proxied_to.host.is_empty()).then(|| ex.proxied_to.host.to_string());
        Self {
            id: NUMBER.fetch_add(1, Relaxed) + 1,
            at: u64::try_from(at.as_millis()).unwrap_or_default(),
            method: text(head.method()),
            target: without_secret_arguments(&text(head.target())),
            host: text(&ex.request.host),
            client: text(ex.connection.remote_ip()),
            protocol: if ex.connection.http2 {
                "HTTP/2.0"
            } else {
                head.version.as_str()
            },
            tls: ex.connection.security.tls().map(|tls| tls.protocol),
            status: ex.sent.status,
            bytes: ex.sent.bytes,
            took: micros(took),
            fault: ex.fault.clone(),
            server: Block {
                name: ex.server.name.clone(),
                place: ex.server.root.place.clone(),
            },
            location: Block {
                name: text(&ex.location.prefix),
                place: ex.location.place.clone(),
            },
            upstream,
            spans,
            tries: tries(&ex.tries, turns),
            request: Lines::of_bytes(head.head.raw()),
            answer,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Each mark ends the phase that began at the mark before it; what comes after the last is the answer.
fn spans(notes: &Notes, now: Instant) -> Vec<Span> {
    let since = |at: Instant| micros(at.saturating_duration_since(notes.began));
    let mut from = 0;
    let mut spans: Vec<Span> = Vec::with_capacity(notes.marks.len() + 1);
    for mark in &notes.marks {
        let to = since(mark.end);
        spans.push(Span {
            phase: mark.phase,
            turn: mark.turn,
            from,
            to,
        });
        from = to;
    }
    if spans.last().is_none_or(|last| last.phase != Phase::Body) {
        let (phase, turn, to) = (Phase::Respond, None, since(now));
        spans.push(Span {
            phase,
            turn,
            from,
            to,
        });
    }
    spans
}

/// What a request that has no notes has left: how long its tries took.
fn spans_of_tries(tries: &[Try]) -> Vec<Span> {
    let (mut spans, mut began) = (Vec::new(), Duration::ZERO);
    for (turn, one) in tries.iter().enumerate().take(MOST_TRIES) {
        let whole = one.response_time.unwrap_or_default();
        let mut from = Duration::ZERO;
        for (phase, to) in [
            (Phase::Connect, one.connect_time),
            (Phase::FirstByte, one.header_time),
            (Phase::Body, one.header_time.map(|_| whole)),
        ] {
            // The phase in which it failed lasted to its end.
            let to = to.unwrap_or(whole).max(from);
            spans.push(Span {
                phase,
                turn: Some(turn),
                from: micros(began + from),
                to: micros(began + to),
            });
            from = to;
            if to == whole {
                break;
            }
        }
        began += whole;
    }
    spans
}

fn tries(tries: &[Try], turns: Vec<Turn>) -> Vec<TrySample> {
    let mut turns = turns.into_iter();
    let sample = |one: &Try| {
        let turn = turns.next().unwrap_or_default();
        TrySample {
            address: one.address.clone(),
            status: one.status,
            failure: one.failure.clone(),
            request: turn.sent,
            answer: turn.answer,
            choice: turn.choice,
        }
    };
    tries.iter().take(MOST_TRIES).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_failed_ends_in_the_phase_it_had_come_to() {
        let ms = |n| Some(Duration::from_millis(n));
        let refused = Try {
            response_time: ms(2),
            ..Try::default()
        };
        let answered = Try {
            connect_time: ms(1),
            header_time: ms(4),
            response_time: ms(5),
            ..Try::default()
        };
        let spans = spans_of_tries(&[refused, answered]);
        let drawn: Vec<_> = spans
            .iter()
            .map(|span| (span.phase, span.turn, span.from, span.to))
            .collect();
        assert_eq!(
            drawn,
            [
                (Phase::Connect, Some(0), 0, 2000),
                (Phase::Connect, Some(1), 2000, 3000),
                (Phase::FirstByte, Some(1), 3000, 6000),
                (Phase::Body, Some(1), 6000, 7000),
            ]
        );
    }

    #[test]
    fn marks_are_the_ends_of_spans_without_gaps() {
        let mut notes = Notes::new();
        let at = |ms| notes.began + Duration::from_millis(ms);
        let mark = |phase, turn, ms| super::super::Mark {
            phase,
            turn,
            end: at(ms),
        };
        let marks = vec![
            mark(Phase::Parse, None, 1),
            mark(Phase::Balance, Some(0), 3),
        ];
        let now = at(7);
        notes.marks = marks;
        let spans = spans(&notes, now);
        let drawn: Vec<_> = spans
            .iter()
            .map(|span| (span.phase, span.from, span.to))
            .collect();
        assert_eq!(
            drawn,
            [
                (Phase::Parse, 0, 1000),
                (Phase::Balance, 1000, 3000),
                (Phase::Respond, 3000, 7000)
            ]
        );
    }
}
